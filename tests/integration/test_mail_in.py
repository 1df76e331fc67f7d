"""The three ways in for what comes back: a pipe, a Maildir folder, an IMAP server."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from blogapp.audit import AuditEntry
from blogapp.core.config import EXTENSION, settings
from blogapp.core.db import db
from blogapp.core.errors import BadSetting
from blogapp.core.site import link_key
from blogapp.delivery import mailboxes, verp
from blogapp.delivery.bounces import LARGEST
from blogapp.delivery.mailboxes import MailboxTrouble, Server, open_mailbox, parse_server
from blogapp.delivery.suppressions import suppressed
from blogapp.digest.feedback import take_in
from blogapp.digest.mail_in import look_for_mail
from tests import bounced, readers
from tests.bounced import Sent
from tests.certificate import server_context
from tests.commands import Command, environment
from tests.conftest import make_settings
from tests.imap import ImapServer

SEEN, FLAGGED = {r"\Seen"}, {r"\Flagged"}


@pytest.fixture
def chosen() -> dict[str, Any]:
    return {"bounce_address": "bounces@notes.test"}


@pytest.fixture
def use(app: Flask) -> Callable[[str], None]:
    """Have BLOG_MAIL_IN say so."""

    def set_it(url: str) -> None:
        app.extensions[EXTENSION] = replace(settings(), mail_in=url)

    return set_it


@pytest.fixture
def imap() -> Iterator[ImapServer]:
    with ImapServer() as server:
        yield server


@pytest.fixture
def maildir(tmp_path: Path, use: Callable[[str], None]) -> Path:
    folder = tmp_path / "Mail dir"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    use(f"maildir:{folder}".replace(" ", "%20"))
    return folder


def bounce(address: str = "ann@reader.test") -> bytes:
    """A hard bounce of a digest's mail to a new subscriber."""
    number = readers.subscriber(address)
    return bounced.postfix(Sent(verp.sender_for(link_key(), 1, number), address))


def dead(address: str = "ann@reader.test") -> bool:
    db.session.rollback()
    return suppressed(db.session(), address) is not None


def acts() -> list[str]:
    db.session.rollback()
    return list(db.session.execute(select(AuditEntry.act)).scalars())


def test_a_message_comes_in_by_a_pipe(blogapp: Command) -> None:
    message = bounce().decode()
    assert blogapp("mail-in", stdin=message).output == "hard, subscriber:1: never mailed again\n"
    assert dead()
    assert blogapp("mail-in", stdin=message).output == "hard, subscriber:1: known already\n"
    assert blogapp("mail-in", stdin="Hello?").output == "unknown: not understood\n"
    assert "too large" in blogapp("mail-in", stdin="x" * (LARGEST + 200_000)).output
    readers.subscriber("bea@reader.test")
    sender = verp.sender_for(link_key(), 1, 2)
    anonymous = bounced.postfix(Sent("notes@blog.test", "bea@reader.test")).decode()
    assert "subscriber:2: never" in blogapp(f"mail-in --to {sender}", stdin=anonymous).output


@pytest.mark.parametrize("url", ["sqlite:////none/blog.sqlite3", "postgresql://127.0.0.1:1/blog", "no:such"])
def test_a_pipe_that_cannot_reach_the_database_asks_for_another_try(url: str, tmp_path: Path) -> None:
    ended = Command(environment(tmp_path, BLOG_DATABASE_URL=url))("mail-in", stdin="Hello", code=75)
    assert ended.stderr.startswith("blogapp: ")
    assert ended.stderr.count("\n") == 1


def test_a_maildir_is_emptied_into_what_was_understood_and_what_is_for_people(maildir: Path) -> None:
    (maildir / "new" / "1.ann").write_bytes(bounce())
    (maildir / "new" / "2.letter").write_bytes(bounced.letter("bounces@notes.test"))
    (maildir / "new" / "3.huge").write_bytes(b"x" * (LARGEST + 1))
    (maildir / "new" / "4.bea").write_bytes(bounce("bea@reader.test"))
    (maildir / "new" / ".hidden").write_bytes(b"x")
    assert look_for_mail() == 3
    assert sorted(file.name for file in (maildir / "cur").iterdir()) == [
        "1.ann:2,S",
        "2.letter:2,",
        "3.huge:2,",
        "4.bea:2,S",
    ]
    assert dead()
    assert dead("bea@reader.test")
    assert look_for_mail() == 0


def test_a_message_that_cannot_be_read_does_not_keep_the_others_waiting(
    imap: ImapServer, maildir: Path, use: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (maildir / "new" / "1.broken").write_bytes(b"x")
    (maildir / "new" / "2.ann").write_bytes(bounce())
    read = Path.read_bytes

    def broken(path: Path) -> bytes:
        if path.name == "1.broken":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", broken)
    assert look_for_mail() == 1
    assert dead()
    assert (maildir / "new" / "1.broken").exists()
    use(imap.url)
    imap.broken = {imap.add(bounce("cat@reader.test"))}
    imap.add(bounce("bea@reader.test"))
    assert look_for_mail() == 1
    assert dead("bea@reader.test")
    assert imap.flags() == [set(), SEEN]


def test_an_imap_folder_is_left_with_marks_and_looked_at_once(imap: ImapServer, use: Callable[[str], None]) -> None:
    use(imap.url)
    for message in (bounce(), bounced.letter("bounces@notes.test"), b"x" * (LARGEST + 1), bounced.vacation(Sent())):
        imap.add(message)
    assert look_for_mail() == 3
    assert imap.flags() == [SEEN, FLAGGED, FLAGGED, SEEN]
    assert dead()
    assert look_for_mail() == 0
    assert not any("BODY[]" in command for command in imap.commands)  # It would count as seen before it was taken in.


def test_a_long_folder_is_searched_in_pieces(
    imap: ImapServer, use: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "WINDOW", 2)
    use(imap.url)
    for _ in range(5):
        imap.add(bounced.vacation(Sent()))
    assert look_for_mail() == 5
    assert imap.flags() == [SEEN] * 5


def test_what_was_taken_in_when_it_was_killed_is_not_taken_in_twice(
    imap: ImapServer, maildir: Path, use: Callable[[str], None]
) -> None:
    message = bounce()
    (maildir / "new" / "1.ann").write_bytes(message)
    (maildir / "cur").rmdir()  # It cannot be marked.
    assert look_for_mail() == 0
    assert dead()
    use(imap.url)
    imap.add(message)
    imap.hang_up_at = "STORE"
    assert look_for_mail() == 0
    imap.hang_up_at = ""
    assert look_for_mail() == 1
    assert imap.flags() == [SEEN]
    assert acts() == ["subscriber.bounce"]


def test_two_workers_may_look_at_once(app: Flask, maildir: Path) -> None:
    for number in range(12):
        (maildir / "new" / f"{number}").write_bytes(bounce(f"r{number}@reader.test"))
    begin = threading.Barrier(2)

    def look(_: int) -> None:
        begin.wait()
        with app.app_context():
            look_for_mail()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(look, range(2)))
    look_for_mail()
    assert len(list((maildir / "cur").glob("*:2,S"))) == 12
    assert acts() == ["subscriber.bounce"] * 12


def test_whatever_is_wrong_with_the_mailbox_is_said_in_time(imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "TIMEOUT_SECONDS", 0.3)
    imap.add(bounced.vacation(Sent()))

    def trouble(url: str) -> str:
        began = time.monotonic()
        with pytest.raises(MailboxTrouble) as found, open_mailbox(url) as mailbox:
            list(mailbox.waiting())
        assert time.monotonic() - began < 5
        return str(found.value)

    assert "AUTHENTICATIONFAILED" in trouble(imap.url.replace("pass", "other"))
    assert "no such folder" in trouble(imap.url.replace("Come", "Go"))
    assert "refused" in trouble("imap://a:b@127.0.0.1:1/?starttls=never")
    assert "TLS not supported" in trouble(imap.url.replace("never", "required"))
    assert trouble(imap.url.replace("imap:", "imaps:").replace("?starttls=never", ""))
    assert "new: No such file" in trouble("maildir:/nowhere/at/all")
    imap.delay = 1
    assert "timed out" in trouble(imap.url)


@pytest.mark.parametrize("implicit", [True, False])
def test_a_server_has_to_prove_who_it_is_before_it_gets_the_password(
    implicit: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ImapServer(server_context(tmp_path), implicit=implicit) as server:
        address = f"{'imaps' if implicit else 'imap'}://ann:pass%40word@localhost:{server.port}/Come%20back"
        with (
            pytest.raises(MailboxTrouble, match="CERTIFICATE_VERIFY_FAILED"),
            open_mailbox(address),
        ):
            pass
        assert not any("LOGIN" in command for command in server.commands)
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        with open_mailbox(address) as mailbox:
            assert list(mailbox.waiting()) == []


def test_a_database_that_is_away_leaves_the_mail_where_it_is(
    maildir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (maildir / "new" / "1.ann").write_bytes(bounce())
    with monkeypatch.context() as patch:
        patch.setattr(
            "blogapp.digest.mail_in.take_in",
            lambda _: (_ for _ in ()).throw(OperationalError("", {}, Exception("away"))),
        )
        assert look_for_mail() == 0
    assert [str(record.reason) for record in caplog.records] == ["away"]  # type: ignore[attr-defined]
    assert look_for_mail() == 1
    assert dead()


def test_a_message_that_breaks_something_keeps_no_other_one_waiting(
    maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (maildir / "new" / "1.bad").write_bytes(b"bad")
    (maildir / "new" / "2.ann").write_bytes(bounce())
    real = take_in
    monkeypatch.setattr("blogapp.digest.mail_in.take_in", lambda message: 1 / 0 if message == b"bad" else real(message))
    assert look_for_mail() == 1
    assert sorted(file.name for file in (maildir / "cur").iterdir()) == ["1.bad:2,", "2.ann:2,S"]
    assert dead()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mail_in", "pop3://a:b@c/"), ("mail_in", "maildir:relative"), ("mail_in", "imaps:///INBOX"), ("mail_in", "imap://a:b@c:x/"),
        ("bounce_address", "nobody"), ("bounce_address", "a+b@c.test"), ("bounce_address", f"{'x' * 25}@c.test"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_meant_stops_the_start(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=f"BLOG_{name.upper()}"):
        make_settings(tmp_path, **{name: value})


def test_an_address_of_a_server_is_taken_apart() -> None:
    assert parse_server("imaps://a%40b:p%2Fw@mail.test/") == Server("mail.test", 993, True, True, "a@b", "p/w", "INBOX")
    assert parse_server("imap://a:b@mail.test/Sub%2Ffolder?starttls=never") == Server(
        "mail.test", 143, False, False, "a", "b", "Sub/folder"
    )
    for url in ("imap://mail.test/", "imap://a:b@mail.test/?starttls=maybe", "imap://a:b@mail.test/?x=y"):
        with pytest.raises(BadSetting):
            parse_server(url)
