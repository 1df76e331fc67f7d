"""The checklist before publishing: `posts/checking.py`, asked with all that it wants to know."""

from dataclasses import dataclass
from functools import cached_property

from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.digest.compose import preview
from blogapp.posts.checking import Finding, check, own_paths
from blogapp.posts.models import Post
from blogapp.posts.places import places_at

# Shorter HTML never fills a mail of 102 kB, whatever its styles make of it; composing one takes some 60 ms.
SURELY_FITS = 12_000


@dataclass(frozen=True)
class Checklist:
    """What was found in a post's text."""

    findings: list[Finding]

    @cached_property
    def to_mend(self) -> list[Finding]:
        """What readers would stumble over."""
        return [finding for finding in self.findings if finding.severity == "mend"]

    @property
    def line(self) -> str:
        """The result in a sentence."""
        mend, look = len(self.to_mend), len(self.findings) - len(self.to_mend)
        if not self.findings:
            return "Checked: nothing to mend."
        parts = [f"{mend} {'thing' if mend == 1 else 'things'} to mend"] if mend else []
        parts += [f"{look} to look at"] if look else []
        return f"{' and '.join(parts)}."


def checklist_of(post: Post) -> Checklist:
    """The checklist of what a post says now."""
    session = db.session()
    base_url = settings().base_url
    places = places_at(session, own_paths(post.html, base_url), but=post.id)
    too_long = post.kind != "page" and len(post.html) > SURELY_FITS and preview(post.id).shortened
    found = check(post.body, post.html, base_url=base_url, places=places, format=post.format, too_long=too_long)
    return Checklist(found)


def checklist_of_text(post: Post, text: str, html: str) -> Checklist:
    """The same of a text that is typed and not saved; its digest is not made."""
    base_url = settings().base_url
    places = places_at(db.session(), own_paths(html, base_url), but=post.id)
    return Checklist(check(text, html, base_url=base_url, places=places, format=post.format))
