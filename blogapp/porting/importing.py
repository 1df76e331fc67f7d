"""Bringing documents in: one transaction each, so that a bad one changes nothing and a good one is whole.

Nothing is mailed and no digest is made. Running again changes nothing for documents that have not changed; a changed
one becomes a revision. Where the post was edited here too, it keeps the site's text, and the document's is kept as a
revision beside it. Stopping between two documents loses nothing: run it again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from blogapp.auth.address import normalise_email
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.db import db
from blogapp.core.errors import BlogError
from blogapp.core.markup import render
from blogapp.porting import making, people
from blogapp.porting.documents import Document, Item, Person, Refusal
from blogapp.porting.pictures import Pictures
from blogapp.porting.report import Outcome, Report
from blogapp.porting.snips.reading import read_snips
from blogapp.posts.queries import count_posts

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Run:
    """What holds for a whole import.

    by: the member who does it; None is the operator at the command line.
    emails: slug of an author -> the address of the member that they are, or are to be.
    lies: whether there is a file at that path of the import; tells two of one name.
    gone: whether the import should hold a file at that path and does not; tells a renamed one from a new one.
    authors: slug -> id of the members that were met and stay.
    is_first: there was nothing here before it that could be one of its documents.
    weeks_met: in a dry run, the weeks that its documents would cover.
    """

    by: int | None = None
    dry_run: bool = False
    pictures: Pictures = field(default_factory=Pictures)
    emails: Mapping[str, str] = field(default_factory=dict)
    lies: Callable[[str], bool] = lambda path: False
    gone: Callable[[str], bool] = lambda path: False
    authors: dict[str, int] = field(default_factory=dict)
    is_first: bool = False
    weeks_met: set[int] = field(default_factory=set)


def import_snips(
    paths: Iterable[str | Path],
    *,
    images: Path | None = None,
    by: int | None = None,
    dry_run: bool = False,
    emails: Mapping[str, str] | None = None,
    report: Report | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Import files and folders of snips.

    Args:
        images: the folder behind `/images/`; the pictures in it that a document shows become attachments. A folder
            `images` among the snips is taken for it where none is named.
        by, dry_run, emails, report, on_progress: as for `import_items`.

    Raises:
        NotAllowed: `by` may not import.
        Invalid: an address in `emails` is none.
    """
    folder = read_snips((Path(path) for path in paths), lambda text: render(text).html)
    images = images or folder.images()
    run = Run(by, dry_run, Pictures(images), checked(emails or {}), folder.lies, folder.gone)
    return import_items(folder.read(), run, total=folder.count(), report=report, on_progress=on_progress)


def import_items(
    items: Iterable[Item],
    run: Run,
    *,
    total: int | None = None,
    report: Report | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Import what a reader found, in its order. Memory stays flat, however many there are.

    Args:
        report: is filled and returned; its `on_outcome` hears of each as soon as it is safe.
        on_progress: called after each with how many are done and how many there are (0 where nobody knows); may raise
            to stop: what is done stays done.

    Raises:
        NotAllowed: `run.by` may not add members, which an import does.
    """
    if run.by is not None:
        demand(db.session.get(Member, run.by), "member.manage")
    report = report or Report()
    report.dry_run = run.dry_run
    run = replace(run, is_first=count_posts() == 0)
    db.session.rollback()
    for done, item in enumerate(items, 1):
        report.add(import_one(item, run))
        if on_progress:
            on_progress(done, total or 0)
    return report


def import_one(item: Item, run: Run) -> Outcome:
    """What became of one document; nothing of a refused one stays."""
    if isinstance(item, Refusal):
        return Outcome(item.path, "refused", item.reason)
    try:
        if isinstance(item, Document):
            return making.bring(item, run)
        if isinstance(item, Person):
            return people.bring(item, run)
        return making.keep_leftover(item, run)
    except BlogError as error:
        return Outcome(item.path, "refused", str(error))
    except IntegrityError:
        return Outcome(item.path, "refused", "somebody else took its address at the same moment; run the import again")


def checked(emails: Mapping[str, str]) -> dict[str, str]:
    """The addresses as members have them.

    Raises:
        Invalid: one is none.
    """
    return {slug: normalise_email(email) for slug, email in emails.items()}
