"""What a file of the team's past is, and what a person would type into the browser to have it there. Pure.

A document is what somebody wrote for readers. The site's machinery is no document: whatever lies in a folder of code
and templates, is written in a language for programs or templates (Ruby, Haml, ERB), or is a layout by its name.
A page that leaves such a language for a readable one becomes a document at that moment.
"""

import re
from dataclasses import dataclass

from blogapp.core.addresses import SLUG, suggest_slug
from blogapp.porting.snips.parsing import BadSnip, Snip, file_stem, first_heading, kind_of, parse_snip
from blogapp.porting.snips.templating import humanise
from blogapp.posts.naming import MAX_TITLE, text_for, title_for
from blogapp.posts.weeks import Weeks

MACHINE_FOLDERS = frozenset({"dynasnips", "layouts", "system", "templates"})
MACHINE_LANGUAGES = frozenset({"rb", "haml", "erb"})
MACHINE_NAME = re.compile(r"(?:.*-)?(?:layout|template)")
DRAFTS, PEOPLE = "_drafts", "people"
YES = frozenset({"true", "yes"})


@dataclass(frozen=True)
class Wanted:
    """A post as its file wants it. `author` is a slug; "" where the file names nobody."""

    slug: str
    title: str
    body: str
    kind: str
    weeks: Weeks | None
    author: str
    draft: bool


def is_document(path: str, content: str) -> bool:
    """Whether somebody wrote this for readers."""
    *folders, filename = path.split("/")
    name, *languages = filename.split(".")
    if not name or MACHINE_NAME.fullmatch(name):
        return False
    if not MACHINE_FOLDERS.isdisjoint(folders) or not MACHINE_LANGUAGES.isdisjoint(languages):
        return False
    return read_file(path, content).get("render_as").lower() != "ruby"


def is_person(path: str) -> bool:
    """Whether it is a member's own page."""
    return folder_of(path) == PEOPLE


def name_of(path: str) -> str:
    """`soups/weeknotes/week-400.snip.markdown` -> `week-400`."""
    return file_stem(path.rpartition("/")[2])


def folder_of(path: str) -> str:
    """The folder that says the kind: the one that the file lies in, drafts' folders aside."""
    folders = [folder for folder in path.split("/")[:-1] if folder != DRAFTS]
    return folders[-1] if folders else ""


def read_file(path: str, content: str) -> Snip:
    """The file taken apart; one without a readable block of metadata is all text, as its author left it."""
    try:
        return parse_snip(path.rpartition("/")[2], content)
    except BadSnip:
        return Snip(name_of(path), content.strip("\n").rstrip(), ())


def wanted(path: str, content: str) -> Wanted:
    """What a person would type for this file, and whether they would publish it.

    The team's own rule, all through the years: a week's note, links or an article is public when it says its `:kind:`
    (and not `:kind: draft` or `:draft: true`); a page always is. What has no text yet is a draft.
    """
    snip = read_file(path, content)
    said, folder = snip.get("kind"), folder_of(path)
    kind, weeks = kind_of(snip.name, folder, folder if said == "draft" else said)
    body = text_for(snip.body)
    draft = (
        said == "draft"
        or snip.get("draft").lower() in YES
        or DRAFTS in path.split("/")
        or (kind != "page" and not said)
        or not body.strip()
    )
    slug = snip.name if SLUG.fullmatch(snip.name) else suggest_slug(snip.name)
    return Wanted(slug, _title(snip, weeks), body, kind, weeks, suggest_slug(snip.get("author")), draft)


def _title(snip: Snip, weeks: Weeks | None) -> str:
    title = snip.get("page_title") or first_heading(snip.body) or (weeks.title if weeks else humanise(snip.name))
    return title_for(title[:MAX_TITLE], weeks)
