"""Posts from anywhere: what a file, a folder or an archive is, and the reader for it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from blogapp.core.config import settings
from blogapp.core.errors import Invalid
from blogapp.porting.detect import detect
from blogapp.porting.documents import BadDocument, Document, Item, Refusal
from blogapp.porting.importing import Progress, Run, checked, import_items, import_snips
from blogapp.porting.pictures import Pictures
from blogapp.porting.report import Report
from blogapp.porting.services import frontmatter, ghost, substack, wordpress
from blogapp.porting.services.sites import find_site
from blogapp.porting.unpacking import opened

FAR_APART = timedelta(days=400)
READERS: dict[str, Callable[[Path], Iterator[Item]]] = {
    "ghost": ghost.read,
    "wordpress": wordpress.read,
    "markdown": frontmatter.read,
    "substack": substack.read,
}


def import_posts(
    path: Path,
    origin: str = "",
    *,
    images: Path | None = None,
    by: int | None = None,
    dry_run: bool = False,
    emails: Mapping[str, str] | None = None,
    report: Report | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Import the posts of a file or a folder, or of an archive of one.

    Args:
        origin: `snips` or one of READERS; nothing has it found out.
        images: the folder of images (or an archive of it), where they do not lie among the posts.
        by, dry_run, emails, report, on_progress: as for `importing.import_items`.

    Raises:
        Invalid: it is nothing of that kind, or an archive that cannot be unpacked.
        NotAllowed: `by` may not import.
    """
    emails = checked(emails or {})
    try:
        with opened(path) as there, opened(images) if images else nullcontext() as pictures:
            what = origin or detect(there)
            if what == "snips":
                return import_snips(
                    [there], images=pictures, by=by, dry_run=dry_run, emails=emails, report=report,
                    on_progress=on_progress,
                )  # fmt: skip
            folder = pictures or (find_site(there).root if what == "markdown" else None)
            run = Run(by, dry_run, Pictures(folder), emails)
            return import_items(_sensible(READERS[what](there)), run, report=report, on_progress=on_progress)
    except BadDocument as error:
        raise Invalid(f"{path.name}: {error}") from None


def _sensible(items: Iterator[Item]) -> Iterator[Item]:
    """Without what one export has twice, and with weeks only where they are this site's."""
    seen: set[str] = set()
    for item in items:
        if isinstance(item, Document):
            if item.name in seen:
                yield Refusal(item.path, "another one of this export has the same number or name")
                continue
            seen.add(item.name)
            item = _of_our_weeks(item)
        yield item


def _of_our_weeks(document: Document) -> Document:
    """Others count weeks too, from another beginning: a "Week 12" that is years from ours is an article."""
    at = document.published_at or document.created_at
    if document.weeks is None or at is None:
        return document
    apart = abs(document.weeks.first_day(settings().site_epoch) - at.date())
    if apart <= FAR_APART:
        return document
    said = f"{document.weeks.title} is far from its date here, so it is an article (see BLOG_SITE_EPOCH)"
    return replace(document, kind="article", weeks=None, warnings=(*document.warnings, (0, said)))
