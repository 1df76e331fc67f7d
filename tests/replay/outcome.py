"""What a replay came to: the site as it is in the end, held against the files and against what it owed."""

from collections.abc import Mapping

from sqlalchemy import func, select

from blogapp.core.addresses import Redirect, Slug
from blogapp.core.db import db
from blogapp.digest.models import Digest, Sending
from blogapp.posts.models import Post, Revision
from tests.replay.documents import Wanted, is_document, is_person, name_of, read_file, wanted
from tests.replay.tally import Tally, Text
from tests.replay.team import bio_of


def differences(files: Mapping[str, str]) -> list[str]:
    """Where the site differs from the files (path -> content) that the team had in the end, in words."""
    found: list[str] = []
    named = set()
    for path, content in sorted(files.items()):
        if not is_document(path, content):
            continue
        if is_person(path):
            if bio_of(name_of(path)) != read_file(path, content).body:
                found.append(f"{path}: the profile says something else")
            continue
        want = wanted(path, content)
        named.add(want.slug)
        post = db.session.execute(select(Post).where(Post.slug == want.slug)).scalar_one_or_none()
        found += [f"{path}: {what}" for what in _unlike(post, want)]
    living = db.session.execute(select(Post.slug).where(Post.deleted_at.is_(None))).scalars()
    return found + [f"/{slug} has no file" for slug in living if slug not in named]


def _unlike(post: Post | None, want: Wanted) -> list[str]:
    if post is None or post.deleted_at is not None:
        return ["there is no such post"]
    pairs = {
        "title": (post.title, want.title),
        "text": (post.body, want.body),
        "kind": (post.kind, want.kind),
        "weeks": (post.weeks, want.weeks),
        "author": (post.author.slug, want.author or post.author.slug),
        "draft": (post.state == "draft", want.draft),
    }
    return [f"{what} differs" for what, (is_so, should_be) in pairs.items() if is_so != should_be]


def wrong_dates(tally: Tally) -> list[str]:
    """Posts whose dates are not those of what was done to them. Those purged in between have none."""
    found = []
    for post_id, (at, _) in tally.first.items():
        post = db.session.get(Post, post_id)
        if post is None:
            continue
        public = post.published_at if post.state == "published" else at
        if (post.first_published_at, public) != (at, at):
            found.append(f"/{post.slug}: first public {at}, and says {post.first_published_at}, {post.published_at}")
    return found


def lost_texts(tally: Tally) -> list[str]:
    """Posts whose revisions are not exactly the texts that readers could see (and whatever a draft said)."""
    found = []
    for post_id, texts in tally.seen.items():
        post = db.session.get(Post, post_id)
        if post is not None and sorted(_public_texts(post_id)) != sorted(texts):
            found.append(f"/{post.slug}: {len(texts)} texts were public, {len(_public_texts(post_id))} are kept")
    return found


def _public_texts(post_id: int) -> list[Text]:
    query = select(Revision.title, Revision.body).where(Revision.post_id == post_id, Revision.was_published)
    return [(title, body) for title, body in db.session.execute(query)]


def lost_addresses(tally: Tally) -> list[str]:
    """Old addresses of posts that do not lead to them, and were not taken by anybody else either."""
    found = []
    for slug, post_id in tally.renamed:
        post = db.session.get(Post, post_id)
        if db.session.get(Slug, slug) is not None:
            continue
        leads_to = db.session.execute(select(Redirect.target).where(Redirect.path == slug)).all()
        if [row[0] for row in leads_to] != [post.slug if post else None]:
            found.append(f"/{slug} leads to {leads_to}")
    return found


def begun() -> set[int]:
    """The posts whose digest has begun to leave."""
    return set(db.session.execute(select(Digest.post_id).where(Digest.sending_id.is_not(None))).scalars())


def count(what: type[Post] | type[Revision] | type[Sending] | type[Redirect]) -> int:
    """How many rows there are."""
    return db.session.execute(select(func.count()).select_from(what)).scalar_one()


def table(tally: Tally, mails: int, differing: list[str], seconds: float) -> str:
    """The replay in figures, a line each."""
    rows: list[tuple[str, object]] = [
        ("changes of files", tally.changes),
        ("commits", tally.commits),
        ("documents", tally.documents),
        ("first publications", len(tally.first)),
        ("  of weeknotes", len(tally.first_weeks)),
        ("digests planned", count(Sending)),
        ("  for anything else", len(begun() - tally.owed)),
        ("mails accepted", mails),
        ("taken back within the hold", len(tally.recalled)),
        ("withdrawn", tally.withdrawn),
        ("published again", tally.again),
        ("deleted", tally.deleted),
        ("brought back", tally.restored),
        ("saved", tally.saves),
        ("revisions", count(Revision)),
        ("  of texts that were public", sum(len(texts) for texts in tally.seen.values())),
        ("  edits after publication", tally.edits),
        ("moves of files", tally.moved),
        ("  that changed a public address", len(tally.renamed)),
        ("redirects", count(Redirect)),
        ("bulk commits", len(tally.bulks)),
        ("  changes in them", sum(bulk.changes for bulk in tally.bulks)),
        ("  digests armed by them", sum(bulk.digests for bulk in tally.bulks)),
        ("differences in the end", len(differing)),
        ("seconds of our own CPU", round(seconds, 1)),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:{width}}  {value:>6}" for name, value in rows]
    return "\n".join(lines + [f"done otherwise: {line}" for line in tally.otherwise] + differing)
