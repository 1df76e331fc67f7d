"""The checklist before publishing: `posts/checking.py`, asked with all that it wants to know."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from blogapp.auth.models import Member
from blogapp.authoring.outside import OutsideReport, report_on
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.heartbeat import alive
from blogapp.core.matching import matches
from blogapp.digest.compose import preview
from blogapp.posts.anchors import own_paths
from blogapp.posts.checking import Finding, Resolves, Standing, check
from blogapp.posts.labels import lines_of
from blogapp.posts.models import Post
from blogapp.posts.outside import known_of, wanted_in
from blogapp.posts.places import places_at
from blogapp.posts.sections import text_of

# Shorter HTML never fills a mail of 102 kB, whatever its styles make of it; composing one takes some 60 ms.
SURELY_FITS = 12_000
# More findings than these nobody reads at once, and ten thousand are a page of megabytes.
MOST_SHOWN = 100
# Addresses of this site that are looked up; a database takes only so many in one question.
MOST_PATHS = 2_000


@dataclass(frozen=True)
class Checklist:
    """What was found in a post's text. `worker_missing`: links wait for a worker, and none is running."""

    findings: list[Finding]
    outside: OutsideReport
    worker_missing: bool = False

    @cached_property
    def to_mend(self) -> list[Finding]:
        """What readers would stumble over."""
        return [finding for finding in self.findings if finding.severity == "mend"]

    @property
    def shown(self) -> list[Finding]:
        """The first ones; once they are mended the next ones come up."""
        return self.findings[:MOST_SHOWN]

    @property
    def line(self) -> str:
        """The result in a sentence."""
        mend, look = len(self.to_mend), len(self.findings) - len(self.to_mend)
        if not self.findings:
            return "Checked: nothing to mend."
        parts = [f"{mend} {'thing' if mend == 1 else 'things'} to mend"] if mend else []
        parts += [f"{look} to look at"] if look else []
        return f"{' and '.join(parts)}."


def checklist_of(post: Post, member: Member | None) -> Checklist:
    """The checklist of what a post says now, with the sections that wait, for a member: it tells what they may know."""
    too_long = post.kind != "page" and len(post.html) > SURELY_FITS and preview(post.id).shortened
    return _checked(post, member, post.body, post.html, too_long)


def checklist_of_text(post: Post, member: Member | None, text: str, html: str) -> Checklist:
    """The same of a text that is typed and not saved; its digest is not made.

    Args:
        html: the text with the post's sections, rendered.
    """
    return _checked(post, member, text, html, too_long=False)


def _checked(post: Post, member: Member | None, body: str, html: str, too_long: bool) -> Checklist:
    session, base_url = db.session(), settings().base_url
    text = text_of(session, post.id, body)
    paths = list(islice(own_paths(html, base_url), MOST_PATHS))
    places = places_at(session, paths, member, but=post.id)
    resolves = _resolver(text, post)
    found = check(
        text, html, base_url=base_url, places=places, format=post.format, resolves=resolves, too_long=too_long
    )
    wanted = wanted_in(html)
    outside = report_on(wanted, known_of([one.url for one in wanted]), text, now())
    found = sorted([*found, *outside.findings], key=lambda finding: finding.line or len(text) + 1)
    found = found if text == body else _in_the_editor(found, text, body)
    return Checklist(found, outside, worker_missing=bool(outside.waiting) and not alive("worker"))


def _resolver(text: str, post: Post) -> Resolves:
    """What the site's glossary and its members make of a label."""
    lines = {line.label: line for line in lines_of(text, post.id, post.format)}

    def standing(label: str) -> Standing:
        line = lines.get(label)
        if line is None or not line.by:
            return Standing.UNDEFINED
        unsure = line.by == "glossary" and line.history is not None and line.history.is_ambiguous
        return Standing.AMBIGUOUS if unsure else Standing.DEFINED

    return standing


def _in_the_editor(found: list[Finding], text: str, body: str) -> list[Finding]:
    """With the lines as the editor counts them, which has no sections; what is in a section has no line there."""
    same = matches(text.split("\n"), body.split("\n"), lines=True)
    lines = {start + n + 1: place + n + 1 for start, place, length in same for n in range(length)}
    return [replace(finding, line=lines.get(finding.line) if finding.line else None) for finding in found]
