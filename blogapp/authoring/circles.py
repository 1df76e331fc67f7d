"""Who may read a post: the choice in the editor, and the act on the post's page that opens it to everybody."""

from flask.typing import ResponseReturnValue

from blogapp.auth.members import list_members
from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, act_on, bp
from blogapp.authoring.forms import EditForm
from blogapp.authoring.publishing import version_seen
from blogapp.core.db import db
from blogapp.digest import publishing
from blogapp.posts.circles import Circle, circle_of, sees_all
from blogapp.posts.models import Post

WORDS = {"public": "Everybody", "members": "Members", "listed": "These members"}


def offer_circle(form: EditForm, post: Post) -> None:
    """Fill in the choice: what is published for members is not opened to everybody by saving a text."""
    circle = circle_of(db.session(), post)
    form.readers.choices = [
        (name, words)
        for name, words in WORDS.items()
        if name != "public" or post.state != "published" or not post.is_limited
    ]
    may_be_chosen = (one for one in list_members() if one.active and one.id != post.author_id and not sees_all(one))
    ticked = (one for one in list_members() if one.id in circle.members)
    people = {one.id: one.name for one in (*may_be_chosen, *ticked)}
    form.viewers.choices = sorted(people.items(), key=lambda one: one[1].lower())
    if not form.readers.raw_data:
        form.readers.data, form.viewers.data = circle.visibility, sorted(circle.members)


def circle_chosen(form: EditForm) -> Circle | None:
    """Who may read it, if the form that was sent says so."""
    if not form.readers.raw_data:
        return None
    return Circle(form.readers.data or "", frozenset(form.viewers.data or ()))


@bp.post(f"/posts/{ID}/opening")
@members_only
def open_to_all(post_id: int) -> ResponseReturnValue:
    """Show to everybody what was published for members."""
    done = "Everybody can read it now. No mail has left."
    return act_on(post_id, lambda: publishing.open_to_all(post_id, version_seen(), asking().id), done)
