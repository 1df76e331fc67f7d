"""What was worked out before, in bounded memory; and the pieces of pages that are."""

from typing import Any

import pytest
from flask import Flask, render_template
from jinja2 import DictLoader

from blogapp.core import fragments
from blogapp.core.fragments import init_fragments
from blogapp.core.remembered import Remembered, remembering


def test_what_was_not_asked_for_the_longest_goes_first_and_the_bytes_stay_bounded() -> None:
    known: Remembered[str] = Remembered(20_000)
    for number in range(100):
        known.get(number, lambda: "x" * 1_000)
        assert known.get("used", lambda: "first") == "first"
        assert known.held_bytes <= 20_000
    assert known.get("used", lambda: "again") == "first"
    assert known.get(99, lambda: "again") == "x" * 1_000
    assert known.get(0, lambda: "again") == "again"


def test_what_is_too_large_or_failed_is_made_again() -> None:
    known: Remembered[str] = Remembered(20_000)
    with pytest.raises(ZeroDivisionError):
        known.get("key", lambda: str(1 // 0))
    assert known.get("key", lambda: "x" * 10_000) == "x" * 10_000
    assert known.get("key", lambda: "small") == "small"


def test_a_function_is_asked_once_for_each_of_its_arguments() -> None:
    asked: list[Any] = []

    @remembering(100_000)
    def shown(html: str, level: int = 2, *, pictures: bool = True) -> str:
        asked.append((html, level, pictures))
        return f"{html} {level} {pictures}"

    for _ in range(2):
        assert [shown("a"), shown("a", 3), shown("a", pictures=False)] == ["a 2 True", "a 3 True", "a 2 False"]
    assert len(asked) == 3


@pytest.fixture
def app() -> Flask:
    """An application with one template, which shows more than its piece names."""
    app = Flask("pieces")
    init_fragments(app)
    template = "{% kept name %}<b>{{ name }}</b> {{ other }}{% endkept %}"
    app.jinja_loader = DictLoader({"ours.html": template})
    return app


def shown(app: Flask, name: str, other: str, root: str = "") -> str:
    with app.test_request_context("/", base_url=f"http://localhost{root}"):
        return render_template("ours.html", name=name, other=other)


def test_a_piece_is_rendered_once_for_what_it_names(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "is_shipped", lambda _: True)
    assert shown(app, "<a>", "1") == "<b>&lt;a&gt;</b> 1"
    assert shown(app, "<a>", "2") == "<b>&lt;a&gt;</b> 1"
    assert shown(app, "b", "2") == "<b>b</b> 2"
    # Every address in it begins otherwise there.
    assert shown(app, "b", "3", root="/under") == "<b>b</b> 3"


def test_in_a_template_of_the_site_s_own_nothing_is_kept(app: Flask) -> None:
    assert shown(app, "a", "a member's") == "<b>a</b> a member&#39;s"
    assert shown(app, "a", "a stranger's") == "<b>a</b> a stranger&#39;s"
