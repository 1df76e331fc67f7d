"""The pages of tags: all of them, and one; renaming, for editors."""

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand, may
from blogapp.auth.session import asking, current_member, members_only, tell
from blogapp.core.errors import Invalid
from blogapp.posts.retagging import rename_tag
from blogapp.reading import finding
from blogapp.reading.blueprint import bp
from blogapp.reading.finding import Topic
from blogapp.reading.responses import public
from blogapp.reading.views import by_year, place_asked

ON_A_PAGE = 60


@bp.get("/tags")
def tags() -> ResponseReturnValue:
    """All tags that a public post has, by name."""
    return public(render_template("reading/tags.html", topics=finding.topics()))


def find_topic(slug: str) -> Topic:
    """The tag of that address, or the one that it has become; 404 where no public post has it."""
    topic = None if "\0" in slug else finding.topic_at(slug)
    if topic is None:
        abort(404)
    return topic


@bp.get("/tags/<slug>")
def tag(slug: str) -> ResponseReturnValue:
    """A tag's posts, the newest first; `?before=<id of a post>` goes back in time."""
    topic = find_topic(slug)
    if topic.slug != slug:
        return moved(url_for("reading.tag", slug=topic.slug))
    return public(_page(topic))


def moved(address: str) -> ResponseReturnValue:
    """A lasting redirect that browsers still ask about: a tag of that name may be made again."""
    response = redirect(address, code=301)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _page(topic: Topic, problem: str = "") -> str:
    before = place_asked()
    found = finding.tagged(topic.id, ON_A_PAGE + 1, before=before)
    if found is None:
        abort(404)
    shown = found[:ON_A_PAGE]
    return render_template(
        "reading/tag.html",
        topic=topic,
        years=by_year(shown),
        older=shown[-1].id if len(found) > ON_A_PAGE else None,
        before=before,
        renames=may(current_member(), "tag.manage"),
        problem=problem,
        name=request.form.get("name", topic.name),
    )


@bp.post("/tags/<slug>")
@members_only
def rename(slug: str) -> ResponseReturnValue:
    """Give the tag another name, or make one of two."""
    demand(asking(), "tag.manage")
    topic = find_topic(slug)
    try:
        target = rename_tag(topic.slug, request.form.get("name", ""), asking().id)
    except Invalid as error:
        return public(_page(topic, str(error))), 422
    tell(f"The tag is called “{target.name}” now. Its old address leads here.")
    return redirect(url_for("reading.tag", slug=target.slug), code=303)
