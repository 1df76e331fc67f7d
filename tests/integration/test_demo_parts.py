"""The demo's own parts: its folder, its mail catcher, its inbox, its content."""

import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from blogapp.porting.snips.parsing import parse_snip, read_document
from blogapp.posts.weeks import week_of
from demo.catcher import Catcher
from demo.fill import CONTENT, PICTURE, dated
from demo.folder import CURRENT_WEEK, MARK, Refused, open_folder
from demo.mailbox import Mailbox
from demo.pictures import PICTURES
from demo.webmail import create_inbox, linked, post_one_click

TODAY = date(2026, 11, 25)
LONDON = ZoneInfo("Europe/London")
HERE = {"Origin": "http://localhost"}


@pytest.fixture
def mailbox(tmp_path: Path) -> Mailbox:
    return Mailbox(tmp_path / "mail")


@pytest.fixture
def catcher(mailbox: Mailbox) -> Iterator[Catcher]:
    catcher = Catcher(mailbox)
    catcher.start()
    yield catcher
    catcher.stop()


@pytest.fixture
def inbox(mailbox: Mailbox) -> FlaskClient:
    return create_inbox(mailbox, "The Notebook", "http://127.0.0.1:8000").test_client()


def letter(subject: str = "Week 473", html: str = "<p>Hello <a href='http://x.example/'>you</a></p>") -> bytes:
    message = EmailMessage()
    message["From"] = "The Notebook <notes@blog.test>"
    message["To"] = "ann@reader.example"
    message["Subject"] = subject
    message["List-Unsubscribe"] = "<http://127.0.0.1:8000/unsubscribe/1-abc>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("Hello you: http://x.example/\n<script>alert(1)</script>\n")
    message.add_alternative(html, subtype="html")
    return message.as_bytes()


# The folder


def test_the_current_week_has_its_number_and_the_epoch_is_a_monday_that_stays(tmp_path: Path) -> None:
    first = open_folder(tmp_path / "demo", fresh=False, today=TODAY)
    assert first.epoch.weekday() == 0
    assert week_of(TODAY, first.epoch) == CURRENT_WEEK
    first.note_filled()
    first.lock.close()
    again = open_folder(tmp_path / "demo", fresh=False, today=date(2027, 3, 1))
    assert (again.epoch, again.filled) == (first.epoch, True)
    again.lock.close()


def test_starting_over_empties_only_a_folder_with_the_mark(tmp_path: Path) -> None:
    holiday = tmp_path / "holiday"
    holiday.mkdir()
    (holiday / "photo.jpg").write_text("dear")
    for fresh in (False, True):
        with pytest.raises(Refused, match="not a demo"):
            open_folder(holiday, fresh=fresh, today=TODAY)
    assert (holiday / "photo.jpg").read_text() == "dear"


def test_starting_over_forgets_and_a_link_out_of_the_folder_loses_nothing(tmp_path: Path) -> None:
    dear = tmp_path / "dear"
    dear.mkdir()
    (dear / "photo.jpg").write_text("dear")
    folder = open_folder(tmp_path / "demo", fresh=False, today=TODAY)
    folder.note_filled()
    (folder.path / "site").mkdir()
    (folder.path / "site" / "blog.sqlite3").write_text("x")
    (folder.path / "away").symlink_to(dear)
    folder.lock.close()
    again = open_folder(tmp_path / "demo", fresh=True, today=TODAY)
    assert sorted(path.name for path in again.path.iterdir()) == [MARK]
    assert not again.filled
    assert (dear / "photo.jpg").read_text() == "dear"
    again.lock.close()


def test_a_folder_whose_filling_was_interrupted_is_filled_again(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "demo", fresh=False, today=TODAY)
    (folder.path / "half").write_text("x")
    folder.lock.close()
    again = open_folder(tmp_path / "demo", fresh=False, today=TODAY)
    assert not again.filled
    assert not (again.path / "half").exists()
    again.lock.close()


def test_a_second_demo_on_the_same_folder_is_told_where_the_first_is(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "demo", fresh=False, today=TODAY)
    folder.keep({"site": "http://127.0.0.1:8000"})
    for fresh in (False, True):
        with pytest.raises(Refused, match=r"running already: http://127\.0\.0\.1:8000"):
            open_folder(tmp_path / "demo", fresh=fresh, today=TODAY)
    folder.lock.close()


# The content


def test_every_file_of_the_content_is_a_good_snip_of_a_past_date() -> None:
    epoch = date(2017, 11, 6)
    kinds: dict[str, int] = {}
    for file in sorted(CONTENT.glob("*.md")):
        text = dated(file.read_text(encoding="utf-8"), epoch, LONDON)
        document = read_document(parse_snip(file.name, text), "content")
        assert document.created_at is not None
        # Whoever starts the demo on a Monday morning reads nothing from the days to come.
        monday = datetime(2017, 11, 6, 9, 10, tzinfo=LONDON).date().toordinal() + 7 * CURRENT_WEEK
        assert document.created_at.toordinal() <= monday
        assert all(name in PICTURES for name in PICTURE.findall(document.body))
        assert document.draft == (file.stem == "week-473")
        kinds[document.kind] = kinds.get(document.kind, 0) + 1
    assert kinds == {"week": 13, "links": 2, "article": 3, "page": 1}


def test_a_date_in_the_content_is_worked_out_in_local_time() -> None:
    text = "Text\n\n:created_at: week 1, Friday 16:35\n"
    assert ":created_at: 2026-07-10 16:35:00 +0100" in dated(text, date(2026, 6, 29), LONDON)
    with pytest.raises(ValueError, match="no date"):
        dated("Text\n\n:created_at: 2018-01-01\n", date(2026, 6, 29), LONDON)


def test_the_pictures_are_pictures() -> None:
    for draw in PICTURES.values():
        assert draw().startswith(b"\x89PNG")


# The catcher


def test_the_catcher_offers_pipelining_and_keeps_the_very_bytes(catcher: Catcher, mailbox: Mailbox) -> None:
    message = letter().replace(b"\n", b"\r\n") + b"\r\n..leading dots\r\n"
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.ehlo()
        assert client.has_extn("pipelining")
        client.sendmail("bounce@blog.test", ["ann@reader.example"], message)
    mail = mailbox.newest(1)[0]
    assert (mail.sender, mail.recipients) == ("bounce@blog.test", ("ann@reader.example",))
    assert mailbox.message(mail.number) == message


def test_mails_that_come_in_one_write_are_all_taken(catcher: Catcher, mailbox: Mailbox) -> None:
    one = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<r%d@x.test>\r\nDATA\r\n"
    body = b"Subject: s\r\n\r\nx\r\n.\r\n"
    with socket.create_connection(("127.0.0.1", catcher.port)) as client:
        client.sendall(b"EHLO me\r\n" + b"".join(one % number + body for number in range(5)) + b"QUIT\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    assert answer.count(b"250 2.0.0 Taken") == 5
    assert [mail.recipients for mail in mailbox.newest(9)] == [(f"r{number}@x.test",) for number in (4, 3, 2, 1, 0)]


def test_a_slow_catcher_takes_its_time(mailbox: Mailbox) -> None:
    catcher = Catcher(mailbox, slow_ms=120)
    catcher.start()
    started = time.monotonic()
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.sendmail("a@b.test", ["c@d.test"], "Subject: s\r\n\r\nx")
    catcher.stop()
    assert time.monotonic() - started > 0.12


# The mailbox


def test_a_restart_finds_the_mails_and_counts_on(tmp_path: Path) -> None:
    first = Mailbox(tmp_path)
    first.add("a@b.test", ["c@d.test"], letter("One"))
    first.add("a@b.test", ["c@d.test"], letter("Two"))
    again = Mailbox(tmp_path)
    assert [mail.subject for mail in again.newest(9)] == ["Two", "One"]
    assert again.newest(1) == first.newest(1)
    assert again.add("a@b.test", ["c@d.test"], b"").number == 3


def test_half_a_mail_is_forgotten(tmp_path: Path) -> None:
    Mailbox(tmp_path).add("a@b.test", ["c@d.test"], letter("One"))
    (tmp_path / "000002.json").write_text('{"from": "a@b')
    (tmp_path / "000003.json").write_text('{"from": "a", "to": [], "at": "2026-01-01T00:00:00+00:00"}')
    assert len(Mailbox(tmp_path)) == 1


@pytest.mark.parametrize("message", [b"", b"\0\xff\n\n\xff", b"Subject: =?utf-8?q?=FF?=\nFrom: <<<@\n\n", b"To" * 999])
def test_a_malformed_mail_is_shown_as_far_as_it_can_be(mailbox: Mailbox, inbox: FlaskClient, message: bytes) -> None:
    number = mailbox.add("a@b.test", ["c@d.test"], message).number
    assert inbox.get("/").status_code == 200
    for view in ("letter", "text", "source"):
        assert inbox.get(f"/mails/{number}?view={view}").status_code == 200


def test_news_comes_as_soon_as_a_mail_does(mailbox: Mailbox, inbox: FlaskClient) -> None:
    threading.Timer(0.1, mailbox.add, ("a@b.test", ["c@d.test"], letter("Fresh"))).start()
    started = time.monotonic()
    news = inbox.get(f"/news?stamp={mailbox.stamp}").get_json()
    assert time.monotonic() - started < 2
    assert (news["stamp"], news["total"]) == (1, 1)
    assert "Fresh" in news["rows"]


# The inbox


def test_a_mail_is_shown_in_a_frame_that_runs_no_script(mailbox: Mailbox, inbox: FlaskClient) -> None:
    mailbox.add("a@b.test", ["c@d.test"], letter("<script>alert(1)</script>", "<script>alert(1)</script><p>Hi</p>"))
    page = inbox.get("/mails/1")
    assert "<script>alert" not in page.text
    assert "allow-scripts" not in page.text
    frame = inbox.get("/mails/1/letter")
    csp = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in csp
    assert "sandbox" in csp
    assert "allow-scripts" not in csp
    assert '<base target="_blank">' in frame.text
    text = inbox.get("/mails/1?view=text").text
    assert '<a href="http://x.example/" target="_blank" rel="noopener">http://x.example/</a>' in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://x.example/a(b).", "https://x.example/a(b)"),
        ("(https://x.example/a)", "https://x.example/a"),
        ("<https://x.example/a_(b)>,", "https://x.example/a_(b)"),
        ('"http://x.example/?a=1&b=2"', "http://x.example/?a=1&amp;b=2"),
    ],
)
def test_addresses_in_plain_text_become_links_without_what_stands_around_them(text: str, address: str) -> None:
    assert f'<a href="{address}" ' in linked(text)


def test_another_site_can_neither_empty_the_inbox_nor_read_it(mailbox: Mailbox, inbox: FlaskClient) -> None:
    mailbox.add("a@b.test", ["c@d.test"], letter())
    assert inbox.post("/delete", headers={"Origin": "http://evil.example"}).status_code == 403
    assert inbox.post("/delete").status_code == 403
    assert inbox.get("/", headers={"Host": "evil.example"}).status_code == 403
    assert len(mailbox) == 1
    assert inbox.post("/delete", headers=HERE).status_code == 303
    assert len(mailbox) == 0
    assert not list(mailbox.folder.iterdir())
    assert inbox.get("/mails/1").status_code == 404


def test_one_click_posts_only_to_the_blog_of_the_demo(mailbox: Mailbox, inbox: FlaskClient) -> None:
    evil = letter().replace(b"http://127.0.0.1:8000/unsub", b"http://evil.example/unsub")
    mailbox.add("a@b.test", ["c@d.test"], evil)
    assert inbox.post("/mails/1/unsubscribe", headers=HERE).status_code == 422


def test_one_click_is_one_post_that_follows_no_redirect() -> None:
    seen: list[tuple[str, bytes, str]] = []

    class Blog(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, body, self.headers.get("Cookie", "")))
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Blog)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    assert post_one_click(f"{base}/unsubscribe/1-abc") == "200 OK, no cookie"
    assert post_one_click(f"{base}/moved") == "302 Found"
    server.shutdown()
    server.server_close()
    assert seen == [(path, b"List-Unsubscribe=One-Click", "") for path in ("/unsubscribe/1-abc", "/moved")]
    assert post_one_click(f"{base}/unsubscribe/1-abc").startswith("no answer")
