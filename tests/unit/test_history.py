"""Reading a team's past: which document a change is about."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.replay.documents import is_document, wanted
from tests.replay.history import Change, Commit, Shelf, clock, group, likeness
from tests.replay.sample import KEEL, RUDDER, SAILS

NOON = datetime(2015, 1, 5, 12, tzinfo=UTC)
META = "\n\n:kind: blog\n:author: mia-moor\n"


def acts(shelf: Shelf, *changes: tuple[str, str | None], after: timedelta = timedelta()) -> list[tuple[int, str, bool]]:
    commit = Commit(NOON + after, tuple(Change(f"soups/{path}", content) for path, content in changes))
    return [(step.document, step.act, step.moved) for step in shelf.take(commit)]


def test_a_file_that_changes_is_the_same_document() -> None:
    shelf = Shelf()
    assert acts(shelf, ("weeknotes/week-1.md", KEEL)) == [(1, "made", False)]
    assert acts(shelf, ("weeknotes/week-1.md", RUDDER)) == [(1, "saved", False)]
    assert acts(shelf, ("weeknotes/week-1.md", None)) == [(1, "deleted", False)]


@pytest.mark.parametrize("first", ["put", "delete"])
def test_a_move_is_a_put_and_a_delete_in_either_order(first: str) -> None:
    shelf = Shelf()
    acts(shelf, ("week-1.markdown", KEEL))
    changes = [("weeknotes/week-1.snip.markdown", KEEL), ("week-1.markdown", None)]
    assert acts(shelf, *(changes if first == "put" else changes[::-1])) == [(1, "saved", True)]


def test_of_the_same_name_it_is_the_same_document_however_much_the_text_changes() -> None:
    shelf = Shelf()
    acts(shelf, ("week-1.markdown", KEEL))
    assert acts(shelf, ("week-1.markdown", None), ("week-1.snip.markdown", SAILS)) == [(1, "saved", True)]


def test_of_another_name_it_is_the_same_document_if_the_text_is_but_for_small_edits() -> None:
    shelf = Shelf()
    acts(shelf, ("week-40.md", KEEL + META), ("week-5.md", SAILS + META))
    edited = KEEL.replace("Friday", "Thursday") + META
    moved = acts(shelf, ("week-4.md", edited), ("week-40.md", None), ("week-5.md", None), ("week-6.md", RUDDER + META))
    assert sorted(moved) == [(1, "saved", True), (2, "deleted", False), (3, "made", False)]


def test_among_many_each_finds_the_text_that_is_most_like_it() -> None:
    shelf = Shelf()
    acts(shelf, ("a.md", KEEL), ("b.md", f"{KEEL} And more."))
    changes = [("x.md", f"{KEEL} And more."), ("y.md", KEEL), ("a.md", None), ("b.md", None)]
    assert acts(shelf, *changes) == [(2, "saved", True), (1, "saved", True)]


def test_what_two_files_say_about_themselves_does_not_make_them_alike() -> None:
    assert likeness(KEEL + META * 20, SAILS + META * 20) == 0
    assert likeness(KEEL, KEEL) == 1


def test_a_name_that_was_given_up_can_be_anothers_years_later() -> None:
    shelf = Shelf()
    acts(shelf, ("week-40.md", KEEL))
    acts(shelf, ("week-40.md", None), ("week-4.md", KEEL))
    assert acts(shelf, ("week-40.md", SAILS), after=timedelta(days=700)) == [(2, "made", False)]


@pytest.mark.parametrize(
    ("text", "days", "comes_back"),
    [(KEEL, 0, True), (f"{KEEL} Yes.", 29, True), (SAILS, 0, False), (KEEL, 30, False)],
)
def test_what_was_deleted_comes_back_if_it_is_soon_and_much_the_same(text: str, days: int, comes_back: bool) -> None:
    shelf = Shelf()
    acts(shelf, ("week-1.md", KEEL))
    acts(shelf, ("week-1.md", None))
    expected = (1, "back", False) if comes_back else (2, "made", False)
    assert acts(shelf, ("week-1.md", text), after=timedelta(days=days)) == [expected]


def test_a_page_becomes_a_document_when_it_leaves_the_templates_and_ends_when_it_becomes_one() -> None:
    shelf = Shelf()
    assert acts(shelf, ("about.haml", "%p Hello")) == []
    assert acts(shelf, ("about.haml", None), ("about.snip.html", "<p>Hello</p>")) == [(1, "made", False)]
    assert acts(shelf, ("about.snip.html", None), ("templates/about.snip.html", "…")) == [(1, "deleted", False)]


@pytest.mark.parametrize(
    ("path", "text", "is_one"),
    [
        ("soups/weeknotes/week-1.snip.markdown", "", True),
        ("soups/weeknotes/week-1.snip copy.markdown", "", True),
        ("soups/old.snip", "", True),
        ("soups/alumni.snip.html", "", True),
        ("soups/wiki/.gitkeep", "", False),
        ("soups/dynasnips/kind.snip.rb", "", False),
        ("soups/projects/boat.haml", "", False),
        ("soups/projects/boat.snip.erb", "", False),
        ("soups/templates/week-nnn.snip.markdown", "", False),
        ("soups/layouts/wide.snip", "", False),
        ("soups/layout.snip", "", False),
        ("soups/blog-layout.snip", "", False),
        ("soups/feed.snip", "class Feed\nend\n\n:render_as: Ruby\n", False),
    ],
)
def test_machinery_is_no_document(path: str, text: str, is_one: bool) -> None:
    assert is_document(path, text) is is_one


@pytest.mark.parametrize(
    ("path", "text", "draft"),
    [
        ("weeknotes/week-1.md", f"{KEEL}\n\n:kind: blog\n", False),
        ("weeknotes/week-1.md", f"{KEEL}\n\n:kind: blog\n:draft: false\n", False),
        ("weeknotes/week-1.md", f"{KEEL}\n\n:kind: blog\n:draft: true\n", True),
        ("weeknotes/week-1.md", f"{KEEL}\n\n:kind: draft\n", True),
        ("weeknotes/week-1.md", f"{KEEL}\n\n:author: mia-moor\n", True),
        ("weeknotes/week-1.md", KEEL, True),
        ("weeknotes/week-1.md", f"{KEEL}\n\n:kind: blog\nnot a key\n", True),
        ("weeknotes/week-1.md", "\n\n:kind: blog\n", True),
        ("blog/_drafts/knots.md", f"{KEEL}\n\n:kind: blog\n", True),
        ("about.md", "Three people and a shed.", False),
        ("about.md", "", True),
    ],
)
def test_what_is_public_says_its_kind_and_a_page_always_is(path: str, text: str, draft: bool) -> None:
    assert wanted(f"soups/{path}", text).draft is draft


def test_what_a_person_would_type_for_a_file() -> None:
    text = f"Shows\n=====\n\n{KEEL}\n\n:kind: draft\n:author: Mia-Moor\n"
    want = wanted("soups/show-and-tell/Open_Yard.snip.markdown", text)
    assert (want.slug, want.title, want.kind, want.author) == ("open-yard", "Shows", "article", "mia-moor")
    assert wanted("soups/weeklinks/week-3-links.snip", "* One\n\n:kind: blog\n").title == "Week 3"
    assert wanted("soups/blog/knots.snip", "Twelve.\n\n:page_title: Our knots\n").title == "Our knots"
    assert len(wanted("soups/blog/knots.snip", f"# {'long ' * 99}").title) <= 200


def test_changes_of_one_moment_are_one_commit_and_time_never_runs_backwards() -> None:
    moments = ["2015-01-02T00:00:00Z", "2015-01-03T00:00:00Z", "2015-01-02T12:00:00Z", "2015-01-04T00:00:00Z"]
    rows = [{"seq": seq, "at": at, "path": str(seq), "action": "put", "content": ""} for seq, at in enumerate(moments)]
    commits = group([*reversed(rows), {"seq": 9, "at": moments[0], "path": "x", "action": "delete"}])
    assert [[change.path for change in commit.changes] for commit in commits] == [["0", "x"], ["1"], ["2"], ["3"]]
    assert [at.day for at, _ in clock(commits)] == [2, 3, 3, 4]
