"""`blogapp templates`, and the example of docs/look.md."""

import re
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from blogapp.app import create_app
from tests.commands import Command
from tests.conftest import dispose, make_settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "look.md").read_text(encoding="utf-8")


def standing(blogapp: Command) -> dict[str, tuple[str, str]]:
    return {row["template"]: (row["state"], row["about"]) for row in blogapp.json("templates list --own --json")}


def test_a_copy_is_used_and_remembers_the_version_it_was_made_from(blogapp: Command, tmp_path: Path) -> None:
    assert blogapp.json("templates list --own --json") == []
    blogapp("templates copy reading/post.html")
    path = tmp_path / "data" / "templates" / "reading" / "post.html"
    assert standing(blogapp) == {"reading/post.html": ("overridden", "")}
    path.write_text(re.sub(r"[0-9a-f]{12}\.", "0123456789ab.", path.read_text(), count=1))
    path.with_name("archive.html").write_text("{% nonsense %}")
    path.with_name("ours.html").write_text("ours")
    path.with_name("post.html~").write_text("an editor's leftover")
    assert standing(blogapp) == {
        "reading/archive.html": ("broken", "not used: line 1: Encountered unknown tag 'nonsense'."),
        "reading/ours.html": ("own", "none that came with the program has this name"),
        "reading/post.html": ("overridden", "a copy of an older version: compare it with a new copy"),
    }
    every = blogapp.json("templates list --json")
    assert {"template": "base.html", "state": "shipped", "about": ""} in every


def test_a_copy_overwrites_nothing_and_a_wrong_name_is_refused(blogapp: Command, tmp_path: Path) -> None:
    blogapp("templates copy base.html")
    path = tmp_path / "data" / "templates" / "base.html"
    path.write_text("changed")
    assert "is there already" in blogapp.refused("templates copy base.html")
    assert path.read_text() == "changed"
    assert "Did you mean reading/post.html?" in blogapp.refused("templates copy reading/pots.html")
    assert "is called ../../secret_key" in blogapp.refused("templates copy ../../secret_key")


def test_every_shipped_template_works_as_a_copy_of_itself(app: Flask, blogapp: Command, database_url: str) -> None:
    """What a copy's first line adds must not show: an XML declaration has to stay first, a subject one line."""
    names = ["reading/feed.atom.xml", "reading/home.html", "emails/confirmation/subject.txt"]
    plain = [app.jinja_env.get_template(name).module for name in names[2:]]
    before = app.test_client().get("/feed.atom").text, app.test_client().get("/").text
    for name in names:
        blogapp(f"templates copy {name}")
    folder = Path(blogapp.environ["BLOG_DATA_DIR"])
    copied = create_app(make_settings(folder, database_url))
    copied.testing = True
    with copied.app_context():
        after = copied.test_client().get("/feed.atom").text, copied.test_client().get("/").text
        assert after == before
        assert [str(copied.jinja_env.get_template(name).module) for name in names[2:]] == list(map(str, plain))
    dispose(copied)


def test_the_example_of_the_page_does_what_it_says(database_url: str, tmp_path: Path) -> None:
    (example,) = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
    folder = tmp_path / "data"
    (folder / "templates").mkdir(parents=True)
    (folder / "templates" / "base.html").write_text(example)
    (folder / "static").mkdir()
    (sheet,) = re.findall(r"^    (:root .*)$", PAGE, re.MULTILINE)
    (folder / "static" / "own.css").write_text(sheet)
    app = create_app(make_settings(folder, database_url))
    reader: FlaskClient = app.test_client()
    for path in ("/", "/archive", "/login"):
        page = reader.get(path).text
        assert page.index('<footer class="foot">') < page.index("Paid for by the members")
        assert '<link rel="stylesheet" href="/own/own.css?v=' in page
    with app.app_context():
        dispose(app)
