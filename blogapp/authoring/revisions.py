"""What a post said before: looking, comparing, going back."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, act_on, bp
from blogapp.authoring.publishing import version_seen
from blogapp.authoring.side_by_side import side_by_side
from blogapp.core.db import db
from blogapp.core.markup import prefix_ids, render
from blogapp.posts.blame import blame
from blogapp.posts.glossary import resolving
from blogapp.posts.queries import list_revisions, read_post, read_revision
from blogapp.posts.writing import restore_revision

NUMBER = "<int(max=2147483647):number>"


@bp.get(f"/posts/{ID}/revisions")
@members_only
def revisions(post_id: int) -> ResponseReturnValue:
    """All revisions, and what changed between two of them (by default the last two)."""
    demand(asking(), "post.see")
    post = read_post(post_id)
    found = list_revisions(post_id)
    numbers = {revision.number for revision in found}
    newest = next((revision.number for revision in found if not revision.beside), 0)
    # What an import brought and nobody has looked at yet is held against what the post says now.
    beside = found[0].number if found and found[0].beside else 0
    new = _chosen("new", numbers, beside or newest)
    before = newest if beside and new == beside else max((number for number in numbers if number < new), default=new)
    old = _chosen("old", numbers, before)
    older, newer = (next((r for r in found if r.number == number), None) for number in (min(old, new), max(old, new)))
    rows = side_by_side(older.body, newer.body) if older and newer and older is not newer else []
    return render_template("authoring/revisions.html", post=post, revisions=found, older=older, newer=newer, rows=rows)


def _chosen(name: str, numbers: set[int], otherwise: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) in numbers else otherwise


@bp.get(f"/posts/{ID}/blame")
@members_only
def who_wrote(post_id: int) -> ResponseReturnValue:
    """Each paragraph of the post with who wrote it, and when it was changed last."""
    demand(asking(), "post.see")
    revisions = {revision.number: revision for revision in list_revisions(post_id) if not revision.beside}
    texts = [(number, revisions[number].body) for number in sorted(revisions)]
    return render_template("authoring/blame.html", post=read_post(post_id), revisions=revisions, parts=blame(texts))


@bp.get(f"/posts/{ID}/revisions/{NUMBER}")
@members_only
def revision(post_id: int, number: int) -> ResponseReturnValue:
    """One revision, as it would look and as it was typed."""
    demand(asking(), "post.see")
    found = read_revision(db.session(), post_id, number)
    post = read_post(post_id)
    references = resolving(post_id, found.body)
    html = prefix_ids(render(found.body, title=found.title, format=post.format, references=references).html, "r-")
    return render_template("authoring/revision.html", post=post, revision=found, html=html)


@bp.post(f"/posts/{ID}/revisions/{NUMBER}/restoration")
@members_only
def bring_back(post_id: int, number: int) -> ResponseReturnValue:
    """Let the post say again what it said then."""
    done = f"Revision {number} is back, as the newest. What the post said before is still among the revisions."
    return act_on(post_id, lambda: restore_revision(post_id, version_seen(), number, asking().id), done)
