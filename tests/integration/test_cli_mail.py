"""`blogapp mail test`: a real session with a relay, shown line by line."""

from pathlib import Path

import pytest

from tests.certificate import server_context
from tests.commands import Command
from tests.relay import Relay

# aiosmtpd's own opinion of a log-in without TLS.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
ANN = "ann@example.org"
LINE = f"mail test {ANN}"


def use(blogapp: Command, url: str) -> None:
    blogapp.environ = {**blogapp.environ, "BLOG_SMTP_URL": url}


def test_the_session_is_shown_and_the_mail_arrives(blogapp: Command, relay: Relay) -> None:
    use(blogapp, relay.url)
    said = blogapp("mail test Ann@Example.org").stdout
    assert relay.accepted == {ANN: 1}
    assert b"Subject: Test mail from The Notebook" in relay.bodies[ANN]
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in relay.bodies[ANN]
    assert "relay  220 " in said
    assert "we     MAIL FROM:<notes@blog.test>" in said
    assert "we     RCPT TO:<ann@example.org>" in said
    assert f"we     (the message, {len(relay.bodies[ANN]) + 3:,} bytes)" in said
    assert "relay  250 2.0.0 taken" in said
    assert "The relay took it." in said
    assert "That it arrived" not in said  # the message itself is not shown


def test_a_relay_that_takes_one_command_at_a_time_is_shown_as_well(blogapp: Command) -> None:
    with Relay(pipelining=False) as relay:
        use(blogapp, relay.url)
        said = blogapp(LINE).stdout
        assert relay.accepted == {ANN: 1}
        assert "we     DATA\nrelay  354 " in said
        assert "(the message, " in said
        assert "That it arrived" not in said


@pytest.mark.parametrize(
    ("at", "answer", "meaning"),
    [
        ("rcpt", "550 5.1.1 no such user", "The relay refuses it for good. (550 5.1.1 no such user)"),
        ("rcpt", "554 5.7.1 relay access denied", "does not send for BLOG_MAIL_FROM, or not for this machine."),
        ("rcpt", "450 4.2.0 greylisted", "The relay puts it off. The worker would try again later. (450 4.2.0 grey"),
        ("dot", "554 5.7.1 spam", "The relay refuses it for good. (554 5.7.1 spam)"),
        ("dot", "451 4.7.0 too many messages", "The relay is too busy for us."),
    ],
)
def test_what_the_relay_says_no_to_is_explained(
    blogapp: Command, relay: Relay, at: str, answer: str, meaning: str
) -> None:
    use(blogapp, relay.url)
    (relay.at_rcpt if at == "rcpt" else relay.at_dot)[ANN] = answer
    result = blogapp(LINE, code=1)
    assert f"relay  {answer}\n" in result.stdout
    assert meaning in result.stderr
    assert result.stderr.count("\n") == 1
    assert not relay.accepted


def test_a_connection_that_breaks_after_the_mail_is_in_doubt(blogapp: Command, relay: Relay) -> None:
    use(blogapp, relay.url)
    relay.hang_up_after_dot[ANN] = 1
    assert "it may arrive or not" in blogapp(LINE, code=1).stderr


@pytest.mark.parametrize("without", [[], ["PLAIN"]])
def test_a_log_in_works_and_neither_name_nor_password_is_shown(blogapp: Command, without: list[str]) -> None:
    with Relay(login=("blog", "pass@word"), auth_exclude_mechanism=without) as relay:
        use(blogapp, relay.url.replace("//", "//blog:pass%40word@"))
        said = blogapp(LINE).stdout
        assert relay.accepted == {ANN: 1}
        assert "relay  235 " in said
    assert "we     AUTH PLAIN …" in said or said.count("we     …\n") == 2
    # "blog", "pass@word" and both as base64
    assert not [secret for secret in ("pass@word", "Ymxvzw", "cGFzc0B3b3Jk", "AGJsb2cA") if secret in said]


def test_a_wrong_password_is_explained(blogapp: Command) -> None:
    with Relay(login=("blog", "pass@word")) as relay:
        use(blogapp, relay.url.replace("//", "//blog:wrong@"))
        assert "does not accept the name or password" in blogapp(LINE, code=1).stderr
        assert not relay.accepted


def test_a_relay_that_is_not_there_is_explained(blogapp: Command, relay: Relay) -> None:
    use(blogapp, relay.url)
    relay.stop()
    assert "Connection refused. Nothing listens there." in blogapp.refused(LINE)


def test_encryption_that_is_not_offered_is_explained(blogapp: Command, relay: Relay) -> None:
    use(blogapp, relay.url.replace("never", "required"))
    assert "does not offer STARTTLS" in blogapp.refused(LINE)
    use(blogapp, relay.url.replace("smtp:", "smtps:").partition("?")[0])
    assert "speaks no SMTP, or no TLS" in blogapp.refused(LINE)


def test_a_certificate_that_does_not_hold_is_explained(blogapp: Command, tmp_path: Path) -> None:
    with Relay(tls=server_context(tmp_path)) as relay:
        use(blogapp, relay.url.replace("never", "required"))
        assert "cannot prove that it is this host" in blogapp.refused(LINE)
        assert not relay.accepted
        use(blogapp, relay.url.replace("never", "opportunistic"))
        assert "(encrypted from here: TLSv1.3)" in blogapp(LINE).stdout
        assert relay.accepted == {ANN: 1}


def test_what_is_no_address_is_refused(blogapp: Command) -> None:
    assert "address" in blogapp.refused("mail test nonsense")
