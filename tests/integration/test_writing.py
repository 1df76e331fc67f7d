"""Beginning and saving posts, on both databases."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from blogapp.audit.models import AuditEntry
from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect, Slug
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Gone, Invalid, NotAllowed, NotFound
from blogapp.core.markup import PIPELINE
from blogapp.core.site import site_version
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.posts.deleted import purge_deleted, restore_post
from blogapp.posts.models import Post, Revision
from blogapp.posts.naming import WeekTaken
from blogapp.posts.queries import list_revisions, next_week
from blogapp.posts.rendering import render_again
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, restore_revision, save_post

START = datetime(2018, 2, 5, 9, 0, tzinfo=UTC)  # the Monday of week 473


def fresh(post: Post) -> Post:
    db.session.expire_all()
    return db.session.get_one(Post, post.id)


def week(number: int, by: Member, body: str = "We shipped.") -> Post:
    return create_post("week", "", body, by.id, weeks=Weeks(number, number))


def test_a_week_is_called_after_its_number(app: Flask, bob: Member) -> None:
    post = week(473, bob)
    assert (post.title, post.slug, post.state, post.version) == ("Week 473", "week-473", "draft", 1)
    assert (post.html, post.summary, post.pipeline) == ("<p>We shipped.</p>", "We shipped.", PIPELINE)
    assert [(r.number, r.body, r.member_id) for r in list_revisions(post.id)] == [(1, "We shipped.", bob.id)]
    assert db.session.get_one(Slug, "week-473").owner == f"post:{post.id}"


@pytest.mark.parametrize(
    ("weeks", "slug", "title"),
    [
        (Weeks(853, 854), "week-853-and-854", "Weeks 853 and 854"),
        (Weeks(520, 524), "weeks-520-to-524", "Weeks 520 to 524"),
    ],
)
def test_a_note_may_cover_several_weeks(app: Flask, bob: Member, weeks: Weeks, slug: str, title: str) -> None:
    post = create_post("week", "", "", bob.id, weeks=weeks)
    assert (post.slug, post.title) == (slug, title)


def test_links_of_a_week_stand_beside_its_note(app: Flask, bob: Member) -> None:
    week(473, bob)
    post = create_post("links", "", "", bob.id, weeks=Weeks(473, 473))
    assert post.slug == "week-473-links"


def test_other_posts_are_called_after_their_title_and_never_like_a_page_of_the_site(app: Flask, bob: Member) -> None:
    slugs = [create_post("article", title, "x", bob.id).slug for title in ("Crème brûlée, or: How?", "Login", "Login")]
    assert slugs == ["creme-brulee-or-how", "login-2", "login-3"]


@pytest.mark.parametrize(
    ("kind", "title", "field"),
    [("week", "Week ?", "weeks"), ("article", "  ", "title"), ("essay", "x", "kind"), ("article", "x" * 201, "title")],
)
def test_what_is_missing_or_wrong_is_named(app: Flask, bob: Member, kind: str, title: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        create_post(kind, title, "", bob.id)
    assert list(refused.value.fields) == [field]
    assert db.session.execute(select(func.count()).select_from(Post)).scalar_one() == 0


def test_a_week_that_is_covered_already_is_refused_and_says_by_which_post(app: Flask, bob: Member) -> None:
    first = create_post("week", "", "", bob.id, weeks=Weeks(470, 473))
    with pytest.raises(WeekTaken, match="Week 472 is covered by “Weeks 470 to 473”") as refused:
        week(472, bob)
    assert refused.value.post_id == first.id
    other = week(474, bob)
    with pytest.raises(WeekTaken):
        save_post(other.id, 1, bob.id, title="", body="", weeks=Weeks(473, 474))
    assert (fresh(other).week_from, fresh(other).week_to) == (474, 474)


def test_the_week_suggested_is_this_one_or_the_next_that_is_free(app: Flask, bob: Member) -> None:
    assert next_week(START) == 473
    create_post("week", "", "", bob.id, weeks=Weeks(473, 474))
    week(475, bob)
    assert next_week(START) == 476


def test_only_who_may_write_in_anothers_name_does(app: Flask, alice: Member, bob: Member) -> None:
    assert create_post("article", "One", "", alice.id, author_id=bob.id).author_id == bob.id
    with pytest.raises(NotAllowed):
        create_post("article", "Two", "", bob.id, author_id=alice.id)
    post = create_post("article", "Three", "", bob.id)
    with pytest.raises(NotAllowed):
        save_post(post.id, 1, bob.id, title="Three", body="", author_id=alice.id)


def test_of_two_who_save_the_second_is_told_and_nothing_changes(app: Flask, alice: Member, bob: Member) -> None:
    post = week(473, bob)
    save_post(post.id, 1, alice.id, title="Week 473", body="Alice's text")
    with pytest.raises(Conflict):
        save_post(post.id, 1, bob.id, title="Week 473", body="Bob's text")
    assert fresh(post).body == "Alice's text"


def test_saving_knowingly_over_a_conflict_keeps_what_was_there_even_ones_own(app: Flask, bob: Member) -> None:
    post = week(473, bob, "zero")
    save_post(post.id, 1, bob.id, title="", body="first tab")
    save_post(post.id, 2, bob.id, title="", body="second tab", overwrites=True)
    assert [r.body for r in list_revisions(post.id)] == ["second tab", "first tab"]


def test_saving_what_is_there_already_changes_nothing(app: Flask, bob: Member) -> None:
    post = week(473, bob)
    entries = select(func.count()).select_from(AuditEntry)
    before = db.session.execute(entries).scalar_one()
    save_post(post.id, 1, bob.id, title="Week 473", body="We shipped.")
    assert fresh(post).version == 1
    assert db.session.execute(entries).scalar_one() == before


def test_a_revision_grows_for_ten_minutes_of_one_persons_editing(app: Flask, alice: Member, bob: Member) -> None:
    with time_machine.travel(START, tick=False) as clock:
        post = week(473, bob, "one")
        clock.shift(timedelta(minutes=9))
        save_post(post.id, 1, bob.id, title="", body="two")
        assert [r.body for r in list_revisions(post.id)] == ["two"]
        clock.shift(timedelta(minutes=1))
        save_post(post.id, 2, bob.id, title="", body="three")
        assert [r.body for r in list_revisions(post.id)] == ["three", "two"]
        save_post(post.id, 3, alice.id, title="", body="four")
        save_post(post.id, 4, bob.id, title="", body="five")
    assert [(r.number, r.body) for r in list_revisions(post.id)] == [(4, "five"), (3, "four"), (2, "three"), (1, "two")]


def test_what_was_published_never_changes_again(app: Flask, bob: Member) -> None:
    post = week(473, bob, "published text")
    publish(post.id, 1, bob.id)
    save_post(post.id, 2, bob.id, title="", body="corrected")
    withdraw(post.id, 3, bob.id)
    save_post(post.id, 4, bob.id, title="", body="rewritten")
    bodies = [(r.body, r.was_published) for r in list_revisions(post.id)]
    assert bodies == [("rewritten", False), ("corrected", True), ("published text", True)]


def test_a_restored_revision_is_a_new_one_and_loses_nothing(app: Flask, alice: Member, bob: Member) -> None:
    post = week(473, bob, "first")
    save_post(post.id, 1, alice.id, title="", body="second")
    restore_revision(post.id, 2, 1, bob.id)
    assert fresh(post).html == "<p>first</p>"
    assert [r.body for r in list_revisions(post.id)] == ["first", "second", "first"]
    with pytest.raises(NotFound):
        restore_revision(post.id, 3, 9, bob.id)


def test_saving_a_published_post_is_live_at_once(app: Flask, bob: Member) -> None:
    post = week(473, bob)
    before = site_version()
    save_post(post.id, 1, bob.id, title="", body="Still a draft")
    assert site_version() == before
    publish(post.id, 2, bob.id)
    before = site_version()
    save_post(post.id, 3, bob.id, title="", body="**Live**")
    assert site_version() == before + 1
    assert fresh(post).html == "<p><strong>Live</strong></p>"


def test_a_published_post_is_never_emptied(app: Flask, bob: Member) -> None:
    post = week(473, bob)
    publish(post.id, 1, bob.id)
    with pytest.raises(Invalid, match="Withdraw it first"):
        save_post(post.id, 2, bob.id, title="", body=" \n ")
    assert fresh(post).body == "We shipped."


def test_a_contributor_edits_their_own_drafts_and_nothing_that_readers_see(
    app: Flask, alice: Member, bob: Member, carol: Member
) -> None:
    own = create_post("article", "Mine", "x", carol.id)
    save_post(own.id, 1, carol.id, title="Mine", body="y")
    publish(own.id, 2, alice.id)
    with pytest.raises(NotAllowed):
        save_post(own.id, 3, carol.id, title="Mine", body="z")
    with pytest.raises(NotAllowed):
        save_post(week(473, bob).id, 1, carol.id, title="", body="z")


def test_the_address_of_a_draft_follows_its_title_and_one_chosen_by_hand_stays(app: Flask, bob: Member) -> None:
    post = create_post("article", "First thoughts", "x", bob.id)
    assert save_post(post.id, 1, bob.id, title="Second thoughts", body="x").slug == "second-thoughts"
    assert save_post(post.id, 2, bob.id, title="Second thoughts", body="x", slug="thoughts").slug == "thoughts"
    assert save_post(post.id, 3, bob.id, title="Third thoughts", body="x").slug == "thoughts"
    assert db.session.execute(select(Redirect)).all() == []
    with pytest.raises(Invalid) as refused:
        save_post(post.id, 4, bob.id, title="Third thoughts", body="x", slug="login")
    assert "slug" in refused.value.fields


def test_the_address_of_what_was_public_stays_or_leads_on(app: Flask, bob: Member) -> None:
    post = create_post("article", "Thoughts", "x", bob.id)
    publish(post.id, 1, bob.id)
    assert save_post(post.id, 2, bob.id, title="Afterthoughts", body="x").slug == "thoughts"
    save_post(post.id, 3, bob.id, title="Afterthoughts", body="x", slug="afterthoughts")
    assert db.session.get_one(Redirect, "thoughts").target == "afterthoughts"


def test_a_draft_becomes_another_kind_and_its_weeks_go_with_it(app: Flask, bob: Member) -> None:
    post = week(473, bob)
    post = save_post(post.id, 1, bob.id, title="An essay", body="x", kind="article")
    assert (post.kind, post.weeks, post.slug) == ("article", None, "an-essay")
    post = save_post(post.id, 2, bob.id, title="", body="x", kind="links", weeks=Weeks(473, 473))
    assert (post.weeks, post.slug, post.title) == (Weeks(473, 473), "week-473-links", "Week 473")
    post = save_post(post.id, 3, bob.id, title="Links", body="x", weeks=None)
    assert (post.weeks, post.slug) == (None, "links")


def test_characters_that_no_text_holds_are_left_out(app: Flask, bob: Member) -> None:
    post = create_post("article", "A\x00 title\nof two lines", "one\r\ntwo\x00\x07\ud800", bob.id)
    assert (post.title, post.body) == ("A title of two lines", "one\ntwo")


def test_a_deleted_post_comes_back_within_30_days_and_not_later(app: Flask, bob: Member) -> None:
    with time_machine.travel(START, tick=False) as clock:
        post = week(473, bob)
        delete(post.id, 1, bob.id)
        clock.shift(timedelta(days=29))
        assert purge_deleted() == 0
        assert restore_post(post.id, bob.id).deleted_at is None
        delete(post.id, 3, bob.id)
        clock.shift(timedelta(days=30))
        with pytest.raises(Gone):
            restore_post(post.id, bob.id)


def test_only_who_may_delete_a_post_brings_it_back(app: Flask, bob: Member, carol: Member) -> None:
    post = week(473, bob)
    delete(post.id, 1, bob.id)
    with pytest.raises(NotAllowed):
        restore_post(post.id, carol.id)
    restore_post(post.id, bob.id)
    with pytest.raises(Conflict):
        restore_post(post.id, bob.id)


def test_a_deleted_post_gives_its_week_up_and_cannot_take_it_back_by_force(app: Flask, bob: Member) -> None:
    old = week(473, bob, "old")
    delete(old.id, 1, bob.id)
    new = week(473, bob, "new")
    assert new.slug == "week-473"
    with pytest.raises(WeekTaken):
        restore_post(old.id, bob.id)
    delete(new.id, 1, bob.id)
    assert restore_post(old.id, bob.id).slug == f"week-473-deleted-{old.id}"


def test_a_purge_leaves_a_mark_where_something_was_public(app: Flask, bob: Member) -> None:
    with time_machine.travel(START, tick=False) as clock:
        public, draft = week(473, bob), week(474, bob)
        publish(public.id, 1, bob.id)
        save_post(public.id, 2, bob.id, title="", body="x", slug="the-week")
        delete(public.id, 3, bob.id)
        delete(draft.id, 1, bob.id)
        clock.shift(timedelta(days=30))
        assert purge_deleted() == 2
        assert purge_deleted() == 0
    db.session.expire_all()
    assert {r.path: r.target for r in db.session.execute(select(Redirect)).scalars()} == {
        "week-473": None,
        "the-week": None,
    }
    for table in (
        Post,
        Revision,
    ):
        assert db.session.execute(select(func.count()).select_from(table)).scalar_one() == 0
    assert week(474, bob).slug == "week-474"


def test_rendering_again_renews_the_html_and_disturbs_nobody(app: Flask, bob: Member) -> None:
    post = week(473, bob)
    publish(post.id, 1, bob.id)
    with db.engine.begin() as connection:
        connection.execute(update(Post).values(html="<p>old</p>", pipeline=0))
    before = site_version()
    assert render_again(outdated_only=True) == 1
    assert (fresh(post).html, fresh(post).pipeline, fresh(post).version) == ("<p>We shipped.</p>", PIPELINE, 2)
    assert site_version() == before + 1
    assert render_again(outdated_only=True) == 0
    assert render_again(post.id) == 0
    assert site_version() == before + 1


def test_rendering_again_is_on_record_when_it_changed_something(app: Flask, bob: Member) -> None:
    post = week(473, bob)
    with db.engine.begin() as connection:
        connection.execute(update(Post).values(html="<p>old</p>"))
    render_again()
    render_again()
    acts = select(AuditEntry.subject).where(AuditEntry.act == "post.render")
    assert db.session.execute(acts).scalars().all() == [f"post:{post.id}"]


def at_once(app: Flask, acts: Sequence[Callable[[], object]]) -> list[BaseException | None]:
    """Run each act in a thread of its own, all at the same moment; what each raised."""
    raised: list[BaseException | None] = [None] * len(acts)
    gate = threading.Barrier(len(acts))

    def run(number: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                acts[number]()
            except BaseException as error:
                raised[number] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_of_many_who_begin_overlapping_weeks_at_once_one_does(app: Flask, bob: Member) -> None:
    number = bob.id
    db.session.rollback()
    raised = at_once(
        app, [partial(create_post, "week", "", "", number, weeks=Weeks(470, last)) for last in range(470, 476)]
    )
    assert sum(error is None for error in raised) == 1
    assert all(isinstance(error, WeekTaken) for error in raised if error is not None), raised


def test_of_many_who_take_one_address_at_once_each_gets_one_of_their_own(app: Flask, bob: Member) -> None:
    number = bob.id
    db.session.rollback()
    raised = at_once(app, [partial(create_post, "article", "The same title", "", number)] * 6)
    assert raised == [None] * 6
    slugs = set(db.session.execute(select(Post.slug)).scalars())
    assert slugs == {"the-same-title", *(f"the-same-title-{n}" for n in range(2, 7))}


def test_of_many_who_save_one_version_at_once_one_does(app: Flask, bob: Member) -> None:
    post_id, number = week(473, bob).id, bob.id
    db.session.rollback()
    raised = at_once(app, [partial(save_post, post_id, 1, number, title="", body=f"Text {text}") for text in range(6)])
    assert sum(error is None for error in raised) == 1
    assert all(isinstance(error, Conflict) for error in raised if error is not None), raised
    assert db.session.get_one(Post, post_id).version == 2
