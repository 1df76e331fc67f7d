"""How other services write their lists down: which column means what, and which word means which state. Pure.

Column names are compared without regard to case, blanks, `_` and `-`. The sources are the services' own code and
documentation, and exports as people describe them: Ghost's members CSV; Mailchimp's audience export, whose four files
differ by name and columns; Buttondown's subscriber fields and SubscriberType; Substack's email_list.csv and the table
of its dashboard; listmonk's cmd/subscribers.go, where moments are written as Go prints them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# What a column can mean, for people.
MEANINGS = {
    "email": "address",
    "name": "name",
    "first_name": "first name",
    "last_name": "last name",
    "status": "status",
    "opted_out": "whether they left",
    "bounced": "whether mail came back",
    "created_at": "on the list since",
    "confirmed_at": "when they agreed",
    "unsubscribed_at": "when they left",
    "suppressed_at": "when mail came back",
    "reason": "why they left",
    "ip": "IP address of the consent",
    "paused_until": "paused until",
    "consent": "consent, as JSON",
    "suppressed": "why not to be mailed",
    "evidence": "evidence for that, as JSON",
    "frequency": "how often they want mail",
    "doubt": "whether they agreed is in doubt",
}
MOMENTS = ("created_at", "confirmed_at", "unsubscribed_at", "suppressed_at", "paused_until")
STATES = ("confirmed", "pending", "unsubscribed", "suppressed")

COMMON_WORDS = {
    "confirmed": "subscribed subscribe active confirmed enabled true yes y 1 optin optedin regular member",
    "pending": "pending validating unconfirmed unactivated nonsubscribed transactional waiting",
    "unsubscribed": "unsubscribed unsubscribe optout optedout disabled inactive false no n 0 removed deleted archived "
    "cancelled canceled",
    "suppressed": "bounced hardbounced hardbounce bounce cleaned undeliverable complained complaint spam abuse "
    "blocklisted blacklisted blocked suppressed",
}


MAILCHIMP_FILE = re.compile(r"(?<![a-z])(subscribed|unsubscribed|cleaned|nonsubscribed)(?![a-z])")
MAILCHIMP_STATES = {
    "subscribed": "confirmed",
    "unsubscribed": "unsubscribed",
    "cleaned": "suppressed",
    "nonsubscribed": "pending",
}


@dataclass(frozen=True)
class Service:
    """One service's way of writing.

    Args:
        marks: sets of columns; a file with all of one set comes from there.
        columns: meaning -> names, the better ones first.
        words: state -> further words of its own, before COMMON_WORDS.
        otherwise: the state of those of whom nothing else says one; nothing: the person who imports has to.
        note: what somebody who brings its list has to know.
    """

    name: str
    title: str
    marks: tuple[str, ...]
    columns: Mapping[str, str]
    words: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = ""
    note: str = ""

    def meaning_of(self, word: str) -> str:
        """The state that a status names; nothing where it is not known."""
        wanted = plain(word)
        for words in (self.words, COMMON_WORDS):
            for state, known in words.items():
                if wanted in known.split():
                    return state
        return ""


SERVICES = {
    service.name: service
    for service in (
        Service(
            "blogapp",
            "blogapp",
            ("email status consent suppressedreason",),
            {
                "email": "email",
                "name": "name",
                "status": "status",
                "created_at": "createdat",
                "confirmed_at": "confirmedat",
                "unsubscribed_at": "unsubscribedat",
                "paused_until": "pauseduntil",
                "consent": "consent",
                "suppressed": "suppressedreason",
                "suppressed_at": "suppressedat",
                "evidence": "suppressedevidence",
                "frequency": "frequency",
            },
        ),
        Service(
            "mailchimp",
            "Mailchimp",
            (
                "emailaddress memberrating",
                "emailaddress optintime",
                "emailaddress leid",
                "emailaddress euid",
                "emailaddress cleantime",
                "emailaddress unsubtime",
            ),
            {
                "email": "emailaddress",
                "name": "name fullname",
                "first_name": "firstname fname",
                "last_name": "lastname lname",
                "status": "status emailmarketingstatus marketingstatus contactstatus",
                "created_at": "optintime confirmtime",
                "confirmed_at": "confirmtime optintime",
                "unsubscribed_at": "unsubtime",
                "suppressed_at": "cleantime",
                "reason": "unsubreason",
                "ip": "confirmip optinip",
            },
            otherwise="pending",
            note="Mailchimp writes several files: import those of the unsubscribed and the cleaned ones too.",
        ),
        Service(
            "ghost",
            "Ghost",
            ("email subscribedtoemails",),
            {
                "email": "email",
                "name": "name",
                "status": "subscribedtoemails",
                "created_at": "createdat",
                "opted_out": "deletedat",
                "unsubscribed_at": "deletedat",
            },
            note="Ghost's file does not say whose mail came back.",
        ),
        Service(
            "substack",
            "Substack",
            ("email activesubscription", "email emaildisabled", "email subscriptionsource(free)", "email stripeplan"),
            {
                "email": "email",
                "name": "name",
                "opted_out": "emaildisabled",
                "created_at": "createdat startdate",
                "doubt": "canceldate",
            },
            otherwise="confirmed",
        ),
        Service(
            "buttondown",
            "Buttondown",
            (
                "emailaddress creationdate",
                "emailaddress type",
                "email subscribertype",
                "email creationdate tags",
                "email subscriptiondate unsubscriptiondate",
            ),
            {
                "email": "emailaddress email",
                "name": "name",
                "status": "type subscribertype status",
                "created_at": "creationdate subscriptiondate",
                "unsubscribed_at": "unsubscriptiondate",
                "suppressed_at": "undeliverabilitydate",
                "reason": "unsubscriptionreason",
                "ip": "ipaddress",
            },
            {
                "confirmed": "regular premium trialed unpaid gifted churning churned paused pastdue upgraded",
                "pending": "unactivated",
                # `spammy` and `blocked` are guesses of its filter: not mailed, and free to sign up here.
                "unsubscribed": "unsubscribed removed spammy blocked",
                "suppressed": "undeliverable complained",
            },
        ),
        Service(
            "listmonk",
            "listmonk",
            ("uuid email status attributes", "uuid email status attribs"),
            {
                "email": "email",
                "name": "name",
                "status": "subscriptionstatus status",
                "created_at": "createdat",
            },
            {"confirmed": "enabled", "unsubscribed": "disabled", "suppressed": "blocklisted blacklisted"},
            note="listmonk's file does not say who left a list or never confirmed: export and import first those who "
            "left, as unsubscribed, and then only those who confirmed.",
        ),
        Service(
            "csv",
            "a list",
            (),
            {
                "email": "email emailaddress mail mailaddress subscriberemail address",
                "name": "name fullname displayname subscribername",
                "first_name": "firstname fname givenname forename",
                "last_name": "lastname lname surname familyname",
                "status": "status subscriptionstatus subscriberstatus subscribed",
                "opted_out": "unsubscribed optedout optout emaildisabled",
                "bounced": "bounced hardbounced complained undeliverable",
                "created_at": "createdat created creationdate createdon dateadded added joined joinedat subscribedat "
                "signupdate subscribedon subscriptiondate",
                "confirmed_at": "confirmedat optintime optindate optinat consentdate consentat confirmtime",
                "unsubscribed_at": "unsubscribedat unsubscribedon unsubscriptiondate optouttime optoutat",
                "suppressed_at": "bouncedat",
                "ip": "ip ipaddress optinip signupip consentip",
                "reason": "reason unsubscribereason",
            },
        ),
    )
}


def plain(name: str) -> str:
    """A column's name or a status, without what people write differently."""
    return name.strip().lower().replace(" ", "").replace("_", "").replace("-", "")


def guess_service(columns: tuple[str, ...]) -> str:
    """Which service wrote these columns."""
    there = {plain(column) for column in columns}
    for service in SERVICES.values():
        if any(set(mark.split()) <= there for mark in service.marks):
            return service.name
    return "csv"


def match_columns(service: Service, columns: tuple[str, ...]) -> dict[str, list[int]]:
    """Meaning -> where to look for it, the better places first."""
    places: dict[str, int] = {}
    for index, column in enumerate(columns):
        places.setdefault(plain(column), index)
    found = {m: [places[name] for name in names.split() if name in places] for m, names in service.columns.items()}
    return {meaning: indexes for meaning, indexes in found.items() if indexes}


def state_of_file(service: str, columns: tuple[str, ...], file_name: str) -> str:
    """The state of everybody in a file of Mailchimp's, by its columns and its name: `cleaned_members_export_….csv`."""
    if service != "mailchimp":
        return ""
    there = {plain(column) for column in columns}
    if "cleantime" in there:
        return "suppressed"
    if "unsubtime" in there:
        return "unsubscribed"
    found = MAILCHIMP_FILE.search(file_name.lower())
    return MAILCHIMP_STATES[found[1]] if found else ""
