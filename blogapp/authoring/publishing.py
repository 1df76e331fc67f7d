"""The page about a post, and what can be done to the post as a whole."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only
from blogapp.authoring.blueprint import ID, act_on, bp
from blogapp.authoring.showing import post_page
from blogapp.core.errors import NotFound
from blogapp.digest import controls, correcting, holding
from blogapp.digest import publishing as digest
from blogapp.digest.compose import send_test_copy
from blogapp.digest.progress import progress_of_post
from blogapp.posts.deleted import restore_post


@bp.get(f"/posts/{ID}")
@members_only
def post(post_id: int) -> ResponseReturnValue:
    """How a post is doing: its state, its digest, its revisions."""
    demand(asking(), "post.see")
    return render_template("authoring/post.html", **post_page(post_id), problem=None)


@bp.post(f"/posts/{ID}/publication")
@members_only
def publish(post_id: int) -> ResponseReturnValue:
    """Make it public, with or without a digest."""
    with_digest = "digest" in request.form
    return act_on(
        post_id,
        lambda: digest.publish(
            post_id, version_seen(), asking().id, with_digest=with_digest, audience=_audience_agreed()
        ),
        "Published.",
    )


@bp.post(f"/posts/{ID}/withdrawal")
@members_only
def withdraw(post_id: int) -> ResponseReturnValue:
    """Make it a draft again."""
    done = "Withdrawn. Readers no longer see it."
    return act_on(post_id, lambda: digest.withdraw(post_id, version_seen(), asking().id), done)


@bp.post(f"/posts/{ID}/deletion")
@members_only
def delete(post_id: int) -> ResponseReturnValue:
    """Put it away for 30 days."""
    done = "Deleted. It can be brought back for 30 days."
    return act_on(post_id, lambda: digest.delete(post_id, version_seen(), asking().id), done)


@bp.post(f"/posts/{ID}/restoration")
@members_only
def restore(post_id: int) -> ResponseReturnValue:
    """Bring a deleted post back."""
    return act_on(post_id, lambda: restore_post(post_id, asking().id), "It is back, as a draft.")


@bp.post(f"/posts/{ID}/digest/send")
@members_only
def send_now(post_id: int) -> ResponseReturnValue:
    """Let the digest leave at once."""
    number = _digest_of(post_id)
    agreed = _audience_agreed()
    return act_on(post_id, lambda: holding.send_now(number, asking().id, audience=agreed), "The digest leaves now.")


@bp.post(f"/posts/{ID}/digest/arm")
@members_only
def send_digest(post_id: int) -> ResponseReturnValue:
    """Send what was published without a digest as one after all."""
    agreed = _audience_agreed()
    done = "It is sent as a digest."
    return act_on(post_id, lambda: digest.send_digest(post_id, asking().id, audience=agreed), done)


@bp.post(f"/posts/{ID}/digest/hold")
@members_only
def hold(post_id: int) -> ResponseReturnValue:
    """Keep the digest until somebody sends it."""
    number = _digest_of(post_id)
    return act_on(post_id, lambda: holding.hold(number, asking().id), "The digest is held until somebody sends it.")


@bp.post(f"/posts/{ID}/digest/cancel")
@members_only
def cancel(post_id: int) -> ResponseReturnValue:
    """Let the post be public without its digest."""
    number = _digest_of(post_id)
    done = "The digest is cancelled. It can still be sent later, by hand."
    return act_on(post_id, lambda: holding.cancel(number, asking().id), done)


@bp.post(f"/posts/{ID}/digest/resume")
@members_only
def resume(post_id: int) -> ResponseReturnValue:
    """Have a paused sending try the mail server now."""
    number = _digest_of(post_id)
    return act_on(post_id, lambda: controls.resume_now(number, asking().id), "The mail server is tried again now.")


@bp.post(f"/posts/{ID}/digest/doubts")
@members_only
def doubts(post_id: int) -> ResponseReturnValue:
    """Decide about the mails of which nobody knows whether they arrived."""
    number = _digest_of(post_id)
    again = request.form.get("resend") == "yes"
    done = "They are sent once more." if again else "They count as sent."
    return act_on(post_id, lambda: controls.settle_doubts(number, asking().id, resend=again), done)


@bp.post(f"/posts/{ID}/correction/send")
@members_only
def send_correction(post_id: int) -> ResponseReturnValue:
    """Have a correction leave by mail now, to those who got the post."""
    text = request.form.get("correction", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    done = "The correction leaves by mail, to those who got the post."
    return act_on(post_id, lambda: correcting.send_correction(post_id, number, asking().id), done)


@bp.post(f"/posts/{ID}/digest/test")
@members_only
def test_copy(post_id: int) -> ResponseReturnValue:
    """Mail the digest to the member who asks, and to nobody else."""
    done = f"A test copy is on its way to {asking().email}."
    return act_on(post_id, lambda: send_test_copy(post_id, asking().id), done)


def version_seen() -> int:
    """The version of the post that the person who clicked saw; -1 fits none."""
    number = _posted("version")
    return -1 if number is None else number


def _audience_agreed() -> int | None:
    """How many they said yes to, where they were asked once more."""
    return _posted("audience")


def _posted(name: str) -> int | None:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _digest_of(post_id: int) -> int:
    """
    Raises:
        NotFound: the post has no digest.
    """
    progress = progress_of_post(post_id)
    if progress is None:
        raise NotFound("This post has no digest.")
    return progress.digest_id
