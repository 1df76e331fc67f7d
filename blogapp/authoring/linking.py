"""Reference links: all labels, one label's past, another address or name everywhere, and what the editor asks."""

from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.authoring.blueprint import bp
from blogapp.authoring.comparing import Piece, compare
from blogapp.authoring.editing import post_previewed
from blogapp.authoring.wording import plain_day
from blogapp.core.clock import now
from blogapp.core.dialect.blocks import reference_id
from blogapp.core.errors import BlogError, Invalid
from blogapp.posts.labels import Line, histories, lines_of, list_labels, suggest_labels
from blogapp.posts.naming import text_for
from blogapp.posts.relinking import Change, Plan, Wish, change_everywhere, plan_change

MOST_USES = 1_000
# Posts whose changed lines a preview shows; the others it names.
SHOWN = 50


@dataclass(frozen=True)
class Shown:
    """A post that changes, and how."""

    change: Change
    pieces: list[Piece]
    frozen: list[tuple[str, str]]


@bp.app_template_global("links_in_text")
def links_in_text(text: str, post_id: int, format: str) -> list[Line]:
    """What a text refers to and where that leads, for the block under it."""
    return lines_of(text_for(text), post_id, format)


@bp.get("/write/links")
@members_only
def links() -> ResponseReturnValue:
    """All labels, searchable."""
    demand(asking(), "post.see")
    words = request.args.get("words", "").replace("\0", "")[:200]
    several = request.args.get("addresses") == "several"
    page = min(10_000, max(1, request.args.get("page", 1, type=int)))
    rows, more = list_labels(words, several=several, page=page)
    return render_template("authoring/links.html", rows=rows, more=more, words=words, several=several, page=page)


@bp.get("/write/links/label")
@members_only
def link() -> ResponseReturnValue:
    """A label's past: every post with its address."""
    demand(asking(), "post.see")
    return _page(Wish(request.args.get("of", "").replace("\0", "")))


@bp.post("/write/links/label")
@members_only
def change_link() -> ResponseReturnValue:
    """Another address or label everywhere: a look at what changes, and with `do=now` the act."""
    demand(asking(), "link.manage")
    names = ("label", "old_url", "new_url", "new_label")
    wish = Wish(*(request.form.get(name, "").replace("\0", "") for name in names))
    try:
        if request.form.get("do") != "now":
            return _preview(plan_change(wish))
        done = change_everywhere(wish, request.form.get("mark", ""), asking().id)
    except Invalid as error:
        return _page(wish, error), error.status
    except BlogError as error:
        if error.status != 409:
            raise
        return _preview(plan_change(wish), str(error)), error.status
    where = "1 post. What it" if done == 1 else f"{done} posts. What each"
    tell(f"Changed in {where} said before is among its revisions.")
    return redirect(url_for("authoring.link", of=reference_id(wish.new_label.strip()) or wish.label), code=303)


def _page(wish: Wish, problem: Invalid | None = None) -> str:
    label = reference_id(wish.label.strip())
    return render_template(
        "authoring/link.html",
        label=label,
        past=histories([label], most=MOST_USES).get(label),
        most=MOST_USES,
        typed=wish,
        fields=problem.fields if problem else {},
    )


def _preview(plan: Plan, problem: str = "") -> str:
    shown = [_shown(change, by_line=bool(plan.wish.new_url)) for change in plan.changes[:SHOWN]]
    return render_template(
        "authoring/link_change.html", plan=plan, wish=plan.wish, shown=shown, rest=plan.changes[SHOWN:], problem=problem
    )


def _shown(change: Change, *, by_line: bool) -> Shown:
    pieces = _lines(change) if by_line else compare(change.before, change.after)
    was, becomes = ({f"[{label}]: {url}" for label, url in of.items()} for of in (change.frozen_before, change.frozen))
    pairs = list(zip(sorted(was - becomes), sorted(becomes - was), strict=False))
    return Shown(change, [] if change.before == change.after else pieces, pairs)


def _lines(change: Change) -> list[Piece]:
    """The changed lines as wholes: two addresses mixed word by word read like confetti."""
    pieces: list[Piece] = []
    for was, becomes in zip(change.before.split("\n"), change.after.split("\n"), strict=True):
        if was != becomes:
            pieces += [Piece("out", f"{was}\n"), Piece("in", f"{becomes}\n")]
        elif pieces and pieces[-1].kind == "skip":
            pieces[-1] = Piece("skip", "", pieces[-1].lines + 1)
        else:
            pieces.append(Piece("skip", "", 1))
    return pieces


@bp.get("/write/links/suggestions")
@members_only
def suggest_links() -> ResponseReturnValue:
    """Labels that begin like what somebody types, for the editor."""
    demand(asking(), "post.write")
    typed, words = (request.args.get(name, "").replace("\0", "")[:200] for name in ("q", "text"))
    return {"labels": [_suggested(*found) for found in suggest_labels(typed, words)]}


def _suggested(label: str, url: str, past: Any) -> dict[str, str]:
    if past is None:
        return {"label": label, "url": url, "note": "member"}
    note = f"{past.last.title}, {plain_day(past.last.at, now())}"
    several = f"; {len(past.addresses)} addresses" if past.is_ambiguous else ""
    return {"label": label, "url": url, "note": note + several}


@bp.post("/write/links/text")
@members_only
def links_typed() -> ResponseReturnValue:
    """The block under a text, for the text as it is typed; nothing is kept."""
    demand(asking(), "post.write")
    lines = lines_of(text_for(request.form.get("body", "")), post_previewed())
    return {"html": render_template("authoring/_links.html", lines=lines)}
