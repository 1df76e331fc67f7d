"""What is known of a text's links to other sites, in words for its checklist. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urldefrag

from blogapp.authoring.wording import since
from blogapp.core.web import local
from blogapp.posts.checking import Finding
from blogapp.posts.outside import FRESH_FOR, OutsideLink, Wanted
from blogapp.posts.typed import line_of_address, short


@dataclass(frozen=True)
class OutsideReport:
    """How far the outside links of a text are checked, as of `at`. `stale`: more than a day ago.

    `unsure`: address and why nothing is known of it. `checked_at`: of the link that was looked at longest ago.
    """

    at: datetime
    total: int = 0
    waiting: int = 0
    unasked: int = 0
    stale: int = 0
    unsure: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    checked_at: datetime | None = None

    @property
    def line(self) -> str:
        """The state in a sentence; "" where the text has no such link."""
        links = _links(self.total)
        if not self.total:
            return ""
        if self.waiting:
            return f"{_links(self.waiting)} {'is' if self.waiting == 1 else 'are'} being checked…"
        if self.checked_at is None and self.unasked:
            return f"{_links(self.unasked)}, not checked yet."
        if self.checked_at is None:
            return f"{links}, of which none can be checked."
        all_there = not (self.unsure or self.unasked or any(one.severity == "mend" for one in self.findings))
        checked = f"{self.total - self.unasked} of {links}" if self.unasked else links
        return f"Checked {checked} {_when(self.checked_at, self.at)}{': all there' if all_there else ''}."

    @property
    def unsure_line(self) -> str:
        """What is left open, in a sentence; "" for nothing."""
        number = len(self.unsure)
        if not number or self.waiting or (self.checked_at is None and self.unasked):
            return ""
        return f"{number} could not be checked: look at {'it' if number == 1 else 'them'} yourself."

    @property
    def offer(self) -> str:
        """What a button does about it; "" where there is nothing to ask just now."""
        if self.waiting or not (self.unasked or self.stale):
            return ""
        if self.checked_at is None:
            return "Check the outside links"
        return "Check the others" if self.unasked else "Check them again"


def report_on(wanted: list[Wanted], known: Mapping[str, OutsideLink], text: str, at: datetime) -> OutsideReport:
    """What is known of the outside links of a text.

    Args:
        wanted: those links, in their order.
        known: what is known, by its address.
    """
    findings, unsure, moments = [], [], []
    waiting = unasked = stale = 0
    for one in wanted:
        row = known.get(one.url)
        if not one.url:
            unsure.append((one.address, one.refused))
        elif row is None:
            unasked += 1
        elif row.state == "waiting":
            waiting += 1
        else:
            moments.append(row.checked_at or at)
            stale += moments[-1] <= at - FRESH_FOR and row.due_at is None
            if row.state == "unsure":
                unsure.append((one.address, row.why))
            elif row.state != "ok":
                findings.append(_finding(one.address, row, line_of_address(text, one.address)))
    return OutsideReport(at, len(wanted), waiting, unasked, stale, unsure, findings, min(moments, default=None))


def _finding(address: str, row: OutsideLink, line: int | None) -> Finding:
    if row.state == "dead":
        how = "Link to where it is now, or take the link out."
        return Finding("mend", f"“{short(address)}” {row.why}.", how, line)
    # Who linked to a place in the page still means it (RFC 9110 §10.2.2).
    fragment = urldefrag(address).fragment
    new = f"{row.moved_to}#{fragment}" if fragment and "#" not in row.moved_to else row.moved_to
    return Finding("look", f"“{short(address)}” has moved for good.", "Link to its new address.", line, new)


def _links(number: int) -> str:
    return f"{number} outside link{'' if number == 1 else 's'}"


def _when(moment: datetime, at: datetime) -> str:
    """`at 14:03`, `yesterday`, `on Tuesday`, `on 3 May`."""
    days = (local(at).date() - local(moment).date()).days
    return f"{'' if days == 1 else 'at ' if days < 1 else 'on '}{since(moment, at)}"
