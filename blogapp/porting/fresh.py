"""A document on its way in: as a post keeps it, rendered, and with its pictures ready."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from blogapp.core import files
from blogapp.core.markup import Rendered, render
from blogapp.porting import pictures
from blogapp.porting.documents import Document
from blogapp.porting.known import Known
from blogapp.porting.pictures import Place, Ready
from blogapp.posts.attachments import address_of
from blogapp.posts.glossary import resolving

if TYPE_CHECKING:
    from blogapp.porting.importing import Run


@dataclass(frozen=True)
class Fresh:
    """What a document says, in a post's terms; `body` as it came, until `with_pictures`.

    rendered: with stand-ins for the addresses of pictures, which are only known inside the transaction.
    shown: address in the document -> address of the attachment, or the mark of a file that is no good.
    met: members who were looked up on the way.
    """

    document: Document
    run: "Run"
    sha256: str
    title: str
    body: str
    rendered: Rendered
    places: list[Place]
    ready: dict[Path, Ready]
    broken: dict[Path, str]
    shown: dict[str, str] = field(default_factory=dict)
    met: dict[str, int] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """What is kept to tell what the document itself changes next time."""
        document = self.document
        return {
            "kind": document.kind,
            "author": document.author,
            "weeks": document.weeks.slug if document.weeks else "",
            "pictures": self.shown,
        }

    def with_pictures(self, session: Session) -> "Fresh":
        """The same with its pictures kept, in the caller's transaction, and their addresses where they are shown."""
        if not self.places:
            return self
        run, body, html, summary = self.run, self.body, self.rendered.html, self.rendered.summary
        addresses = {
            path: address_of(pictures.keep(session, ready, run.by, dry_run=run.dry_run))
            for path, ready in self.ready.items()
        }
        for path, ready in self.ready.items():
            html = html.replace(pictures.stand_in(ready), addresses[path])
            summary = summary.replace(pictures.stand_in(ready), addresses[path])
        shown = {self.body[place.start : place.end]: self._shown(place, addresses) for place in self.places}
        body = pictures.show_instead(body, self.places, addresses)
        return replace(
            self, body=body, rendered=replace(self.rendered, html=html, summary=summary), shown={**self.shown, **shown}
        )

    def _shown(self, place: Place, addresses: dict[Path, str]) -> str:
        return addresses.get(place.path) or pictures.bad_mark(place.path)


@contextmanager
def freshened(
    document: Document, run: "Run", known: Known | None, title: str, body: str, places: list[Place]
) -> Iterator[Fresh]:
    """The document with all that takes long done: pictures cleaned, the text rendered. Others may write meanwhile."""
    sha256 = hashlib.sha256(document.content).hexdigest()
    with pictures.readied(places, dry_run=run.dry_run) as (ready, broken):
        stand_ins = {path: pictures.stand_in(one) for path, one in ready.items()}
        text = pictures.show_instead(body, places, stand_ins)
        # What comes as published stays as it was written elsewhere; a draft of it looks as one of ours.
        references = resolving(known.post_id if known else None, text, as_it_is=not document.draft)
        rendered = render(text, title=title, format=document.format, references=references)
        shown = {a: b for a, b in (known.pictures if known else {}).items() if not b.startswith("!") and b in body}
        yield Fresh(document, run, sha256, title, body, rendered, places, ready, broken, shown)
        for one in () if run.dry_run else ready.values():
            files.make_sure(one.sha256)
