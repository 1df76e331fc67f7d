"""What two people changed in a post's settings, put together."""

import pytest

from blogapp.authoring.together import put_together

BASE = {"title": "", "body": "", "slug": "a", "tags": "one, two"}


@pytest.mark.parametrize(
    ("mine", "theirs", "both"),
    [
        ("one, two, three", "one, two, four", "one, two, four, three"),
        ("one", "two", ""),
        ("two, three", "one, two, three", "two, three"),
        ("", "one, two, four", "four"),
        ("one, two", "four", "four"),
        ("four", "one, two", "four"),
    ],
)
def test_of_tags_both_have_what_they_added_and_not_what_either_took_away(mine: str, theirs: str, both: str) -> None:
    together = put_together(BASE, {**BASE, "tags": mine}, {**BASE, "tags": theirs})
    assert (together.fields["tags"], together.clashes) == (both, [])


def test_of_other_settings_the_one_that_was_changed_counts_and_two_changes_clash() -> None:
    assert put_together(BASE, BASE, {**BASE, "slug": "b"}).fields["slug"] == "b"
    assert put_together(BASE, {**BASE, "slug": "c"}, BASE).fields["slug"] == "c"
    (clash,) = put_together(BASE, {**BASE, "slug": "c"}, {**BASE, "slug": "b"}).clashes
    assert (clash.field, clash.mine, clash.theirs) == ("slug", "c", "b")
