"""The team that the demo is about, and its readers. Everybody is invented; .example leads nowhere (RFC 2606)."""

from dataclasses import dataclass

SITE_TITLE = "Lantern Row"
TAGLINE = "Weekly notes of a co-operative that makes small, careful software"
MAIL_FROM = "Lantern Row <notes@lanternrow.example>"
# One for all, made for the demo only: its site listens on this machine alone.
PASSWORD = "biscuits before tickets"


@dataclass(frozen=True)
class Person:
    """A member of the team."""

    name: str
    role: str
    bio: str

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")

    @property
    def email(self) -> str:
        return f"{self.name.split()[0].lower()}@lanternrow.example"


TEAM = (
    Person(
        "Nadia Okafor",
        "admin",
        "Nadia keeps the accounts, the clients and the rest of us in good order, and still writes code on Fridays. "
        "Before Lantern Row she ran a branch library, which is why ours lend books and not \"items\".\n\n"
        "She wrote down [how we decide things](/how-we-decide-things).",
    ),
    Person(
        "Tomasz Wren",
        "editor",
        "Tomasz likes databases that tell the truth and machines that sleep. He came to software from clock repair, "
        "and reads everybody's weeknote before it goes out.\n\n"
        "Most of what we know about batteries is in [A machine that mostly sleeps](/a-machine-that-mostly-sleeps).",
    ),
    Person(
        "Priya Lindqvist",
        "author",
        "Priya makes the difficult parts look dull, and takes that as a compliment. She's our person for maps, tides "
        "and spreadsheets with a past, and rings the tenor at St Oswald's on Thursdays.",
    ),
    Person(
        "Ewan Hale",
        "contributor",
        "Ewan joined us this year after eight as a gardener. He's learning fast, asks the question that the rest of "
        "us had stopped asking, and looks after [Seedbook](https://seedbook.example/).",
    ),
)  # fmt: skip
# Who wrote the draft that waits for being published.
AUTHOR = TEAM[2]
DRAFT = "week-473"

CONFIRMED = (
    "Maureen Holt <maureen@hollinsroad.example>",
    "harbourmaster@portwenlow.example",
    "Jo Fairweather <jo@calderbrook-libraries.example>",
    "tower.captain@ringers.example",
    "sam@otherco-op.example",
)
PENDING = "visitor@somewhere.example"


def more_readers(count: int) -> list[str]:
    """Addresses for as many confirmed readers in all as are wanted, to watch a long sending."""
    return [f"reader{number}@readers.example" for number in range(1, count - len(CONFIRMED) + 1)]
