"""The command line: what its commands do, on both databases."""

from typing import Any

import click
import pytest
from flask import Flask
from sqlalchemy import select, text

from blogapp.auth.members import find_member
from blogapp.auth.models import Login, Member
from blogapp.auth.passwords import fits
from blogapp.cli import COMMANDS, cli
from blogapp.core import migrate
from blogapp.core.db import db, transaction
from blogapp.delivery.models import OutboxMail
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from tests.commands import Command

PASSWORD = "seven purple otters"


@pytest.fixture
def draft(app: Flask, alice: Member) -> Post:
    return create_post("week", "Week 473", "We did *this*.", alice.id, weeks=Weeks(473, 473))


def each_command(group: click.Group, words: tuple[str, ...] = ()) -> list[tuple[str, click.Command]]:
    found = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        path = (*words, name)
        found.append((" ".join(path), command))
        if isinstance(command, click.Group):
            found += each_command(command, path)
    return found


# Help and refusals


def test_every_command_explains_itself_with_an_example() -> None:
    assert len(each_command(cli)) > len(COMMANDS)
    for path, command in each_command(cli):
        assert command.help, path
        if not isinstance(command, click.Group):
            assert f"blogapp {path}" in command.help, path
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{path} {parameter.name}"


def test_the_first_help_page_begins_a_site(blogapp: Command) -> None:
    said = blogapp("--help").stdout
    assert "blogapp upgrade" in said
    assert all(f"\n  {name} " in said for name in COMMANDS)


@pytest.mark.parametrize("line", ["nosuch", "member", "member add", "post list --state odd", "upgrade --nosuch"])
def test_what_is_not_understood_ends_with_2(blogapp: Command, line: str) -> None:
    assert blogapp(line, code=2).stderr or line == "member"


def test_a_bad_setting_is_one_line(blogapp: Command) -> None:
    blogapp.environ = {**blogapp.environ, "BLOG_SITE_EPOCH": "2026-01-06"}
    assert blogapp.refused("post list") == "BLOG_SITE_EPOCH should be a Monday; 2026-01-06 is a Tuesday"


def test_an_unknown_setting_is_one_line(blogapp: Command) -> None:
    blogapp.environ = {**blogapp.environ, "BLOG_SIET_TITLE": "x"}
    assert "BLOG_SIET_TITLE is not a setting" in blogapp.refused("check")


def test_a_database_that_is_not_there_is_one_line(blogapp: Command) -> None:
    blogapp.environ = {**blogapp.environ, "BLOG_DATABASE_URL": "postgresql://blog:secret@127.0.0.1:1/blog"}
    said = blogapp.refused("post list")
    assert said.startswith("The database does not answer: ")
    assert "secret" not in said


def test_there_has_to_be_an_admin_to_act(blogapp: Command, bob: Member) -> None:
    create_post("article", "On bread", "It rises.", bob.id)
    assert "blogapp member add" in blogapp.refused("post publish on-bread")


def test_one_acts_as_the_first_admin_or_as_somebody(
    blogapp: Command, draft: Post, alice: Member, bob: Member, now_see: Any
) -> None:
    assert "Your role does not allow this" in blogapp.refused(f"post publish week-473 --as {bob.email}")
    assert "no member nobody" in blogapp.refused("post publish week-473 --as nobody")
    blogapp("post publish week-473")
    now_see()
    acted = db.session.execute(text("SELECT member_id FROM audit_entries WHERE act = 'post.publish'")).scalars().all()
    assert acted == [alice.id]


# check, upgrade


def test_check_says_what_was_understood_and_no_password(blogapp: Command, database_url: str) -> None:
    found = blogapp.json("check --json")
    assert found["schema"] == migrate.wanted_revision()
    assert found["base_url"] == "http://blog.test"
    assert "fit" in blogapp("check").stdout


def test_an_old_schema_is_refused_and_upgrade_mends_it(blogapp: Command) -> None:
    assert "to 0006_subscribers" in blogapp("upgrade --to 0006 --yes").stdout
    said = f"The database is at 0006_subscribers, this program needs {migrate.wanted_revision()}. Run `blogapp upgrade`"
    for line in ("check", "post list", "worker", "serve", "member list"):
        if line == "serve":
            continue  # a process of its own looks for it: test_serve.py
        assert blogapp.refused(line).startswith(said)
    assert f"from 0006_subscribers to {migrate.wanted_revision()}" in blogapp("upgrade").stdout
    assert "Nothing to do" in blogapp("upgrade").stdout
    blogapp("check")


def test_an_empty_database_is_refused_and_upgrade_makes_it(blogapp: Command) -> None:
    migrate.move_to("base")
    with transaction() as session:
        session.execute(text("DROP TABLE alembic_version"))
    assert blogapp.refused("post list").startswith("The database has no tables yet. Run `blogapp upgrade`")
    assert "from empty to" in blogapp("upgrade").stdout
    blogapp("post list")


def test_going_back_asks_first(blogapp: Command, now_see: Any) -> None:
    result = blogapp("upgrade --to 0005_posts", stdin="n\n", code=1)
    assert "loses what newer revisions hold" in result.output
    assert migrate.present_revision() == migrate.wanted_revision()
    blogapp("upgrade --to 0005_posts", stdin="y\n")
    assert migrate.present_revision() == "0005_posts"


def test_a_revision_that_is_not_is_refused_with_those_that_are(blogapp: Command) -> None:
    assert "0001_core, 0002_audit" in blogapp.refused("upgrade --to 9999")
    assert "There is no revision 0" in blogapp.refused("upgrade --to 0")


# member


def test_the_first_member_is_added_with_a_password_from_standard_input(blogapp: Command, now_see: Any) -> None:
    said = blogapp('member add "Alice Archer" Alice@Example.org --role admin --password-stdin', stdin=f"{PASSWORD}\n")
    assert said.stdout == "Added Alice Archer <alice@example.org>, admin, as /alice-archer.\n"
    alice = find_member("alice@example.org")
    assert alice.role == "admin"
    assert alice.password_hash
    assert fits(alice.password_hash, PASSWORD)


def test_a_generated_password_is_printed_once_and_fits(blogapp: Command, now_see: Any) -> None:
    said = blogapp('member add "Bob Barker" bob@example.org --generate').stdout
    password = said.rpartition("Password: ")[2].strip()
    assert len(password) == 19
    found = find_member("bob@example.org").password_hash
    assert found
    assert fits(found, password)


def test_without_a_terminal_a_password_is_not_asked_for(blogapp: Command) -> None:
    result = blogapp('member add "Bob Barker" bob@example.org', code=2)
    assert "--password-stdin" in result.stderr
    assert blogapp.json("member list --json") == []


def test_a_password_can_be_typed_twice(blogapp: Command, monkeypatch: pytest.MonkeyPatch, now_see: Any) -> None:
    monkeypatch.setattr("blogapp.cli.members._asks", lambda: True)
    result = blogapp('member add "Bob Barker" bob@example.org', stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert PASSWORD not in result.output
    found = find_member("bob@example.org").password_hash
    assert found
    assert fits(found, PASSWORD)


def test_a_weak_password_is_refused_in_one_line_and_adds_nobody(blogapp: Command) -> None:
    blogapp.refused('member add "Bob Barker" bob@example.org --password-stdin', stdin="bob\n")
    assert blogapp.json("member list --json") == []


def test_a_member_is_invited_by_mail_and_the_link_is_printed(blogapp: Command, alice: Member, now_see: Any) -> None:
    said = blogapp('member add "Bob Barker" bob@example.org --invite').stdout
    assert "http://blog.test/password/" in said
    mail = db.session.execute(select(OutboxMail)).scalar_one()
    assert (mail.purpose, mail.recipient) == ("invitation", "bob@example.org")
    assert "http://blog.test/password/" in blogapp("member invite bob-barker").stdout
    assert "has a password already" in blogapp.refused(f"member invite {alice.email}")


def test_a_new_password_ends_the_log_ins(blogapp: Command, bob: Member, log_in: Any, now_see: Any) -> None:
    log_in(bob)
    assert db.session.execute(select(Login)).scalars().all()
    blogapp(f"member set-password {bob.email} --password-stdin", stdin=f"{PASSWORD}\n")
    now_see()
    assert db.session.execute(select(Login)).scalars().all() == []
    found = find_member(bob.id).password_hash
    assert found
    assert fits(found, PASSWORD)


def test_members_are_listed_as_lines_and_as_json(blogapp: Command, alice: Member, bob: Member) -> None:
    listed = blogapp.json("member list --json")
    assert [(m["name"], m["role"], m["email"]) for m in listed] == [
        ("Alice Archer", "admin", "alice@blog.test"),
        ("Bob Barker", "author", "bob@blog.test"),
    ]
    lines = blogapp("member list").stdout.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["Alice Archer", "Bob Barker"]
