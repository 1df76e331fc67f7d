"""The sender's domain, as receivers look it up: does it exist, who may send for it, which keys sign, and what to do
with the rest."""

from collections.abc import Iterator

from blogapp.core.config import settings
from blogapp.delivery.dkimkeys import GOOD_BITS, DkimKey, load_keys, signing_domain
from blogapp.delivery.headers import ascii_address, parse_mailbox
from blogapp.delivery.relay import parse_relay
from blogapp.digest.doctor import spf as policy
from blogapp.digest.doctor.findings import Finding, failed, ok, unknown, warning
from blogapp.digest.doctor.names import Names, NoDNS
from blogapp.digest.doctor.spf import BadSpf, Evaluation
from blogapp.digest.doctor.tools import Tools, is_here

# draft-ietf-dmarc-dmarcbis §4.10: how far up a record is looked for.
MOST_STEPS = 8


def from_domain() -> str:
    """The domain that readers see."""
    return ascii_address(parse_mailbox(settings().mail_from).address).rpartition("@")[2].lower()


def envelope_domain() -> str:
    """The domain that bounces go to, and that SPF is about: that of BLOG_BOUNCE_ADDRESS, where there is one."""
    bounces: str = settings().bounce_address
    return ascii_address(bounces).rpartition("@")[2].lower() if bounces else from_domain()


def dns(tools: Tools) -> Iterator[Finding]:
    """Whether names can be looked up at all; the other checks rely on this having said so."""
    try:
        tools.names.demand()
        yield ok("DNS", "Names can be looked up from here.")
    except NoDNS as trouble:
        text = f"There is no DNS here ({trouble}), so nobody can tell how the sender's domain looks to others."
        yield unknown("DNS", text, "Run this where names can be looked up: on the host that sends.")


def receives(tools: Tools) -> Iterator[Finding]:
    """Whether answers and bounces can come back (RFC 5321 §5.1, RFC 7505)."""
    for domain in dict.fromkeys((from_domain(), envelope_domain())):
        hosts = tools.names.mail_hosts(domain)
        if hosts == ["."]:
            advice = "Replies and bounces are lost, and many receivers refuse such senders. Remove the null MX."
            yield failed("MX", f"{domain} says that it takes no mail.", advice)
        elif hosts:
            lost = [host for host in hosts if not tools.names.addresses(host)]
            if len(lost) == len(hosts):
                yield failed("MX", f"{domain} has its mail sent to {hosts[0]}, which has no address.")
            else:
                yield ok("MX", f"{domain} takes mail at {hosts[0]}.")
        elif tools.names.addresses(domain):
            yield warning("MX", f"{domain} has no MX record; mail for it goes to its own address.", "Add an MX record.")
        else:
            advice = "Nobody takes mail from a domain that is not there. Look at BLOG_MAIL_FROM."
            yield failed("MX", f"{domain} has neither an MX record nor an address.", advice)


def spf(tools: Tools) -> Iterator[Finding]:
    """The record of the envelope's domain, and whether it names the relay."""
    domain = envelope_domain()
    try:
        record = policy.find_record(tools.names, domain)
        if record is None:
            advice = 'Add a TXT record: "v=spf1 a mx ~all", or what the relay\'s provider says.'
            yield failed("SPF", f"{domain} has no SPF record.", advice)
            return
        everybody = policy.parse(record).everybody
        whole = Evaluation(tools.names, None)
        whole.result(domain)
        if everybody == "pass":
            yield failed("SPF", f"{domain} lets everybody send for it ({record}).", "End it with ~all or -all.")
            return
        yield _spf_of_relay(tools, domain, record)
    except BadSpf as trouble:
        yield failed("SPF", f"The SPF record of {domain} cannot be used: {trouble}.", "Mend the TXT record.")
        return
    if everybody == "neutral":
        yield warning("SPF", f"It says nothing of other senders ({record}).", "End it with ~all or -all.")


def _spf_of_relay(tools: Tools, domain: str, record: str) -> Finding:
    named = parse_relay(settings().smtp_url)
    addresses = tools.sending_addresses(named)
    if not addresses:
        return unknown(
            "SPF", f"{domain} has a sound record ({record}); from which address mail leaves is not known here."
        )
    found = {address: Evaluation(tools.names, address) for address in addresses}
    refused = [address for address, evaluation in found.items() if evaluation.result(domain) != "pass"]
    if not refused:
        return ok("SPF", f"{domain} lets {' and '.join(addresses)} send for it.")
    if any(found[address].uncertain for address in refused):
        return unknown("SPF", f"Whether {domain} lets {' and '.join(refused)} send depends on the mail ({record}).")
    text = f"{domain} does not name {' and '.join(refused)} ({record})."
    if is_here(named.host):
        return failed("SPF", text, f"Add {' '.join(_mechanism(address) for address in refused)} to the record.")
    return warning("SPF", f"{text} The relay may send from other addresses.", "Its provider says what to include.")


def _mechanism(address: str) -> str:
    return f"ip{6 if ':' in address else 4}:{address}"


def dkim(tools: Tools) -> Iterator[Finding]:
    """Each key's record against the key itself."""
    domain = signing_domain(settings())
    keys = load_keys(domain, settings().dkim_keys, settings().data_dir)
    if not keys:
        advice = "If the relay does not sign, `blogapp dkim new` makes a key."
        yield unknown("DKIM", "blogapp signs no mail; whether the relay does cannot be told from here.", advice)
    for key in keys:
        yield _dkim_record(tools.names, domain, key)


def _dkim_record(names: Names, domain: str, key: DkimKey) -> Finding:
    wanted = key.record(domain)
    found = [text for text in names.txt(wanted.name) if "p=" in text.replace(" ", "")]
    advice = "`blogapp dkim show` prints the record as it should be."
    if len(found) != 1:
        count = f"{len(found)} records" if found else "no record"
        return failed("DKIM", f"{wanted.name} has {count}: the signatures of {key.selector} hold for nobody.", advice)
    said = tags(found[0])
    public = "".join(said.get("p", "").split())
    hashes = said.get("h", "sha256").replace(" ", "").split(":")
    if not public:
        return failed("DKIM", f"The record of {key.selector} takes its key back (p= is empty).", advice)
    if public != key.public or said.get("k", "rsa") != key.kind:
        return failed("DKIM", f"The record of {key.selector} is that of another key.", advice)
    if said.get("v", "DKIM1") != "DKIM1" or "sha256" not in hashes or said.get("s", "*") not in ("*", "email"):
        return failed("DKIM", f"The record of {key.selector} does not let it sign mail like ours.", advice)
    if "y" in said.get("t", "").replace(" ", "").split(":"):
        return warning("DKIM", f"The record of {key.selector} says that it is a test (t=y).", "Take t=y out of it.")
    if key.kind == "rsa" and key.bits < GOOD_BITS:
        text = f"The key of {key.selector} has {key.bits} bits; it should have {GOOD_BITS}."
        return warning("DKIM", text, "Make a new one with `blogapp dkim new`, and let both sign for a while.")
    return ok("DKIM", f"The record of {key.selector} is that of its key.")


def dmarc(tools: Tools) -> Iterator[Finding]:
    """What receivers do with mail that proves nothing, and whether ours proves something."""
    domain = from_domain()
    place, record = _dmarc_record(tools.names, domain)
    if record is None:
        advice = (
            f'Add a TXT record at _dmarc.{domain}: "v=DMARC1; p=none". Gmail and Yahoo ask senders of many for one.'
        )
        yield warning("DMARC", f"{domain} has no DMARC record.", advice)
        return
    said = tags(record)
    asked = (said.get("sp") if place != domain else None) or said.get("p", "")
    if asked.lower() not in ("none", "quarantine", "reject"):
        yield failed(
            "DMARC", f"The record of {place} names no policy ({record}).", 'It needs p=none or stricter: "p=none".'
        )
        return
    meaning = {"none": "only watches", "quarantine": "asks for the spam folder", "reject": "asks for refusal"}
    yield ok("DMARC", f"{place} has a record; it {meaning[asked.lower()]} where a mail proves nothing (p={asked}).")
    yield _alignment(domain, place, said)


def _alignment(domain: str, place: str, said: dict[str, str]) -> Finding:
    """DMARC takes a proof only from the domain that readers see, or one of its family."""
    proofs = {"SPF": (envelope_domain(), said.get("aspf", "r"))}
    if settings().dkim_keys:
        proofs["DKIM"] = (signing_domain(settings()), said.get("adkim", "r"))
    wrong = [name for name, (other, mode) in proofs.items() if not _aligned(domain, other, place, strict=mode == "s")]
    if not wrong:
        return ok("alignment", f"{' and '.join(proofs)} speak for the domain that readers see, {domain}.")
    text = f"{' and '.join(wrong)}: the domain is {', '.join(proofs[name][0] for name in wrong)}, readers see {domain}."
    verdict = failed if len(wrong) == len(proofs) else warning
    return verdict("alignment", f"{text} For DMARC that proves nothing.", "Use one domain for all of them.")


def _aligned(domain: str, other: str, family: str, *, strict: bool) -> bool:
    if strict or domain == other:
        return domain == other
    return all(name == family or name.endswith(f".{family}") for name in (domain, other)) or (
        domain.endswith(f".{other}") or other.endswith(f".{domain}")
    )


def _dmarc_record(names: Names, domain: str) -> tuple[str, str | None]:
    """The record that counts, and whose it is: the domain's own, or the nearest above it."""
    labels = domain.split(".")
    for place in [".".join(labels[at:]) for at in range(len(labels) - 1)][:MOST_STEPS]:
        found = [text for text in names.txt(f"_dmarc.{place}") if text.replace(" ", "").startswith("v=DMARC1")]
        if len(found) == 1:
            return place, found[0]
        if found:
            break
    return domain, None


def tags(record: str) -> dict[str, str]:
    """`v=DMARC1; p=none` taken apart (RFC 6376 §3.2); names in lower case."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}
