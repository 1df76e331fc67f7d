"""The digest as a message: what a reader gets, header by header."""

import email
import re
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html as lxml_html

from blogapp.audit import AuditEntry
from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Invalid, NotAllowed, NotFound
from blogapp.core.markup import render
from blogapp.core.sanitise import sanitise
from blogapp.core.site import link_key
from blogapp.core.tokens import read_link_token
from blogapp.delivery.message import inline_styles
from blogapp.delivery.models import OutboxMail
from blogapp.digest.compose import compose, personal_values, preview, send_test_copy
from blogapp.digest.models import Digest
from blogapp.posts.models import Post
from blogapp.subscribing.models import Subscriber
from tests.people import member

BODY = "Hello all. We moved to [Leeds](/leeds) on Monday.\n\n## GDS\n\nWork.\n\n## Social\n\nDrinks.[^1]\n\n[^1]: Two."
DATE = datetime(2018, 2, 9, 10, 0, tzinfo=UTC)


def write(author: Member, body: str = BODY, **values: Any) -> int:
    """A post that is there; a draft of week 473 if nothing else is said."""
    rendered = render(body, title=values.get("title", "Week 473"))
    given: dict[str, Any] = {"kind": "week", "slug": "week-473", "title": "Week 473", "week_from": 473, "week_to": 473}
    if values.get("kind", "week") != "week":
        given = {"slug": re.sub(r"\W+", "-", values["title"].lower())}
    with transaction() as session:
        given |= {"html": rendered.html, "summary": rendered.summary} | values
        post = Post(author_id=author.id, body=body, **given)
        session.add(post)
        session.flush()
        return post.id


def public(author: Member, title: str, *, at: datetime = DATE, **values: Any) -> int:
    """A published article."""
    dates = {"state": "published", "published_at": at, "first_published_at": at, "published_here": True}
    return write(author, f"What {title} says.", **({"kind": "article", "title": title} | dates | values))


def message(
    post_id: int, *, sending: int = 7, subscriber: int = 12, name: str = "", date: datetime = DATE
) -> EmailMessage:
    values = personal_values(link_key(), sending, subscriber, "ada@reader.test", name)
    data = compose(db.session(), post_id, date=date).template.splice(values)
    return email.message_from_bytes(data, policy=policy.default)


def part(mail: EmailMessage, subtype: str) -> str:
    found = mail.get_body((subtype,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_the_headers_of_a_digest(app: Flask, bob: Member) -> None:
    mail = message(write(bob), name="Ada")
    assert mail["From"] == "The Notebook <notes@blog.test>"
    assert mail["To"] == "Ada <ada@reader.test>"
    assert mail["Reply-To"] == "Bob Barker <bob@blog.test>"
    assert mail["Subject"] == "Week 473: GDS, Social"
    assert mail["Date"].datetime == DATE
    assert mail["List-Id"] == "The Notebook <digest.blog.test>"
    assert mail["List-Post"] == "NO"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Precedence" not in mail
    names = [name.lower() for name in mail]
    assert len(names) == len(set(names))
    assert not mail.defects


def test_the_links_speak_for_this_subscriber_and_purpose(app: Flask, bob: Member) -> None:
    mail = message(write(bob), subscriber=12)
    one_click = re.fullmatch(r"<http://blog\.test/unsubscribe/([^/>]+)>", str(mail["List-Unsubscribe"]))
    assert one_click
    assert read_link_token(link_key(), "unsubscribe", one_click[1]) == 12
    for subtype in ("plain", "html"):
        body = part(mail, subtype)
        preferences = re.search(r"http://blog\.test/preferences/([\w-]+)", body)
        assert preferences
        assert read_link_token(link_key(), "preferences", preferences[1]) == 12
        assert f"http://blog.test/unsubscribe/{one_click[1]}" in body
        assert "ada@reader.test" in body


def test_a_repeat_is_the_same_mail_and_anybody_elses_another(app: Flask, bob: Member) -> None:
    template = compose(db.session(), write(bob), date=DATE).template
    first = [template.splice(personal_values(link_key(), 7, n, "ada@reader.test")) for n in (12, 12, 13)]
    assert first[0] == first[1]
    ids = {str(email.message_from_bytes(data, policy=policy.default)["Message-ID"]) for data in first}
    assert len(ids) == 2
    assert all(re.fullmatch(r"<7\.1[23]\.[0-9a-f]{16}@blog\.test>", value) for value in ids)


def test_both_parts_tell_the_whole_story(app: Flask, bob: Member) -> None:
    mail = message(write(bob))
    text, html = part(mail, "plain"), part(mail, "html")
    assert text.startswith("The Notebook\n\nWeek 473\n========\n\n5–9 February 2018, by Bob Barker\n")
    assert "Read in your browser: http://blog.test/week-473\n" in text
    assert "We moved to Leeds [1] on Monday." in text
    assert "[1] http://blog.test/leeds\n" in text
    assert "Reply to this mail and Bob Barker gets it." in text
    page = lxml_html.document_fromstring(html)
    assert page.get("lang") == "en-GB"
    assert page.findtext("head/title") == "Week 473: GDS, Social"
    assert "Week473" in page.xpath("string(//h1)")
    assert page.xpath("//a[. = 'Read in your browser']/@href") == ["http://blog.test/week-473"]
    assert page.xpath("//a[. = 'Leeds']/@href") == ["http://blog.test/leeds"]
    assert "We moved to Leeds on Monday." in page.xpath("string(//*[@class = 'preheader'])")


def test_the_html_is_fit_for_mail_programs(app: Flask, bob: Member) -> None:
    post_id = write(bob, BODY + "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n")
    html = part(message(post_id), "html")
    page = lxml_html.document_fromstring(html)
    assert all(table.get("role") == "presentation" for table in page.xpath("//table[not(@class = 'data')]"))
    assert [table.get("role") for table in page.xpath("//table[@class = 'data']")] == [None]
    assert not page.xpath("//img | //script | //link | //iframe | //form | //span[@class]")
    assert not re.search(r"flex|grid|position:|url\(|@import", html)
    assert "prefers-color-scheme" in html
    assert page.xpath("//p[@style]")
    assert not [e for e in page.xpath("//*[@id]") if f"#{e.get('id')}" not in html]


def test_an_author_who_has_left_gets_no_replies(app: Flask, bob: Member) -> None:
    post_id = write(bob)
    with transaction() as session:
        session.get_one(Member, bob.id).active = False
    mail = message(post_id)
    assert "Reply-To" not in mail
    assert "Reply to this mail" not in part(mail, "plain") + part(mail, "html")


def test_names_in_any_script_are_read_as_they_are_written(app: Flask) -> None:
    author = member("Soeren", "author")
    with transaction() as session:
        session.get_one(Member, author.id).name = "Søren Ångström"
    values = personal_values(link_key(), 1, 2, "ada@reader.test", "Müller, Żaneta")
    data = compose(db.session(), write(author, "Ein Häuschen."), date=DATE).template.splice(values)
    mail = email.message_from_bytes(data, policy=policy.default)
    assert mail["Reply-To"].addresses[0].display_name == "Søren Ångström"
    assert mail["To"].addresses[0].display_name == "Müller, Żaneta"
    assert mail["Subject"] == "Week 473: Ein Häuschen"


def test_what_else_was_first_published_here_lately(app: Flask, bob: Member, erin: Member) -> None:
    post_id = write(bob)
    recent = public(erin, "Recent", at=DATE - timedelta(days=13))
    public(bob, "Newest", at=DATE - timedelta(hours=1))
    public(bob, "Old", at=DATE - timedelta(days=15))
    public(bob, "Later", at=DATE + timedelta(hours=1))
    public(bob, "Imported", published_here=False)
    public(bob, "Contact", kind="page")
    public(bob, "Draft", state="draft", published_at=None)
    public(bob, "Unlisted", visibility="members")
    cancelled = public(bob, "Cancelled", at=DATE - timedelta(days=2))
    with transaction() as session:
        for state in ("waiting", "held"):
            session.add(Digest(post_id=public_in(session, bob, state), state=state, due_at=DATE))
        session.add(Digest(post_id=cancelled, state="cancelled", due_at=DATE))
    composed = compose(db.session(), post_id, date=DATE)
    assert composed.also == ["Newest", "Cancelled", "Recent"]
    text = part(message(post_id), "plain")
    assert "Also new on The Notebook\n------------------------\n\nNewest\nBob Barker, 9 February\n" in text
    assert "Recent\nErin Eames, 27 January\nWhat Recent says.\nhttp://blog.test/recent\n" in text
    assert compose(db.session(), recent, date=DATE).also == ["Newest", "Cancelled"]


def public_in(session: Any, author: Member, state: str) -> int:
    post = Post(
        author_id=author.id, kind="links", slug=state, title=f"Links {state}", body="x", state="published",
        published_at=DATE, first_published_at=DATE, published_here=True,
    )  # fmt: skip
    session.add(post)
    session.flush()
    return int(post.id)


def test_many_others_are_cut_short_with_a_link(app: Flask, bob: Member) -> None:
    post_id = write(bob)
    for number in range(15):
        public(bob, f"Number {number}", at=DATE - timedelta(hours=number + 1))
    assert len(compose(db.session(), post_id, date=DATE).also) == 12
    assert "And 3 more in the archive:\nhttp://blog.test/archive\n" in part(message(post_id), "plain")


def item(number: int) -> str:
    return f'<li><a href="https://a.test/{number}">Item {number}</a></li>'


def noted(number: int) -> str:
    return f'<p>Word<sup id="fnref:{number}"><a class="footnote-ref" href="#fn:{number}">{number}</a></sup>.</p>'


def notes(count: int) -> str:
    items = "".join(f'<li id="fn:{number}"><p>N</p></li>' for number in range(1, count))
    return f'<div class="footnote"><hr><ol>{items}</ol></div>'


LONG = {
    "many sections": f"<h2>Part</h2>\n<p>{'Some words. ' * 40}</p>\n" * 600,
    "one list": "<ul>" + "".join(map(item, range(3000))) + "</ul>",
    "one block of code": "<pre><code>" + "some code\n" * 20000 + "</code></pre>",
    "many bytes a character": "<p>日本語の文章。</p>\n" * 3000,
    "notes": "".join(map(noted, range(1, 900))) + notes(900),
}


@pytest.mark.parametrize("kind", LONG)
def test_a_long_post_is_shortened_at_a_block_with_a_link_to_the_rest(app: Flask, bob: Member, kind: str) -> None:
    post_id = write(bob, html=sanitise(LONG[kind]))
    values = personal_values(link_key(), 7, 12, "ada@reader.test")
    data = compose(db.session(), post_id, date=DATE).template.splice(values)
    html_part = data.split(b'Content-Type: text/html; charset="utf-8"')[1]
    assert 60_000 < len(html_part) <= 102_400
    mail = email.message_from_bytes(data, policy=policy.default)
    for sent in (part(mail, "html"), part(mail, "plain")):
        assert "There is more than fits into a mail." in sent
        assert "http://blog.test/week-473" in sent
    page = lxml_html.document_fromstring(part(mail, "html"))
    (before,) = page.xpath("//p[@class = 'rest']/preceding-sibling::*[1]")
    assert before.tag not in ("h2", "h3")


def test_a_post_whose_first_block_is_too_long_sends_its_first_lines(app: Flask, bob: Member) -> None:
    post_id = write(bob, "Words. " * 20000)
    assert preview(post_id).shortened
    text = part(message(post_id), "plain")
    assert "Words. Words. Words." in text
    assert "Read the rest on the site:\nhttp://blog.test/week-473\n" in text


def test_a_preview_shows_a_draft_as_nobody_in_particular_would_get_it(app: Flask, bob: Member) -> None:
    seen = preview(write(bob))
    assert seen.subject == "Week 473: GDS, Social"
    assert "reader@example.org" in seen.html
    assert "reader@example.org" in seen.text
    assert seen.size_bytes > len(seen.html)
    assert seen.also == []
    assert not seen.shortened


def test_there_is_no_digest_of_what_is_not_there(app: Flask, bob: Member) -> None:
    post_id = write(bob, deleted_at=now())
    for number in (post_id, 9999):
        with pytest.raises(NotFound):
            preview(number)
        with pytest.raises(NotFound):
            send_test_copy(number, bob.id)


def test_a_test_copy_goes_to_the_member_who_asks(app: Flask, bob: Member, erin: Member, carol: Member) -> None:
    post_id = write(bob)
    send_test_copy(post_id, erin.id)
    mail = db.session.execute(db.select(OutboxMail)).scalar_one()
    assert (mail.purpose, mail.recipient) == ("test-copy", "erin@blog.test")
    sent = email.message_from_bytes(mail.message, policy=policy.default)
    assert sent["Subject"] == mail.subject == "[Test] Week 473: GDS, Social"
    assert sent["To"].addresses[0].addr_spec == "erin@blog.test"
    assert "This is a test copy." in part(sent, "plain")
    assert db.session.execute(db.select(AuditEntry.act)).scalars().all() == ["digest.test"]
    with pytest.raises(NotAllowed):
        send_test_copy(post_id, carol.id)


def test_a_member_without_an_address_is_told(app: Flask, bob: Member) -> None:
    post_id, number = write(bob), bob.id
    with transaction() as session:
        session.get_one(Member, number).email = None
    with pytest.raises(Invalid, match="no e-mail address"):
        send_test_copy(post_id, number)


def test_a_test_copy_unsubscribes_nobody(app: Flask, reader: FlaskClient, bob: Member) -> None:
    with transaction() as session:
        session.add(Subscriber(address="ada@reader.test", state="confirmed", confirmed_at=now()))
    send_test_copy(write(bob), bob.id)
    stored = db.session.execute(db.select(OutboxMail.message)).scalar_one()
    url = str(email.message_from_bytes(stored, policy=policy.default)["List-Unsubscribe"]).strip("<>")
    path = url.removeprefix("http://blog.test")
    assert reader.get(path).status_code == 200
    assert reader.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    db.session.rollback()
    assert db.session.execute(db.select(Subscriber.state)).scalars().all() == ["confirmed"]


def test_the_layout_of_single_mails_dresses_a_button_and_gives_its_address(app: Flask) -> None:
    source = (
        '{% extends "emails/base.html" %}{% from "emails/macros.html" import button %}'
        '{% block body %}{{ button("http://blog.test/?a=1&b=2", "Go on") }}{% endblock %}'
        "{% block reason %}You asked for it.{% endblock %}"
    )
    page = lxml_html.document_fromstring(inline_styles(app.jinja_env.from_string(source).render(subject="Go")))
    assert page.findtext("head/title") == "Go"
    assert page.xpath("//td[@class = 'body']//a/@href") == ["http://blog.test/?a=1&b=2"] * 2
    assert "background:" in page.xpath("//td[@class = 'button']/@style")[0]
    assert "You asked for it." in page.xpath("string(//td[@class = 'foot'])")
    assert all(table.get("role") == "presentation" for table in page.xpath("//table"))
