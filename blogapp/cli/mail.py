"""`blogapp mail`: does mail leave?"""

import secrets
import time
from urllib.parse import urlsplit

import click

from blogapp.cli import Refused
from blogapp.cli.context import inside
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.site import choice
from blogapp.delivery.advice import advice_for
from blogapp.delivery.dkim import signer
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.headers import parse_mailbox
from blogapp.delivery.message import build_message
from blogapp.delivery.relay import Relay, parse_relay
from blogapp.delivery.replies import Outcome, Verdict
from blogapp.delivery.smtp import Connection, RelayTrouble
from blogapp.subscribing.addresses import normalise_address

# A person waits. The worker is as patient as RFC 5321 asks for.
PATIENCE_SECONDS = 60


@click.group()
def mail() -> None:
    """The relay that all mail leaves by."""


@mail.command()
@click.argument("address")
def test(address: str) -> None:
    """Send a short mail to ADDRESS now, and show what the relay (BLOG_SMTP_URL) says, line by line.

    It does not wait in the outbox: what you see is one SMTP session as the worker would have it. Passwords are not
    shown. The exit code is 1 unless the relay took the mail.

    \b
    Example:
      blogapp mail test alice@example.org
    """
    with inside():
        recipient = normalise_address(address)
        relay = parse_relay(settings().smtp_url)
        sender = parse_mailbox(settings().mail_from).address
        encryption = "TLS" if relay.implicit_tls else f"STARTTLS {relay.starttls}"
        click.echo(f"Relay: {relay.host}:{relay.port} ({encryption}{', with a log-in' if relay.username else ''})")
        click.echo(f"From:  {sender}\nTo:    {recipient}\n")
        try:
            outcome = _send(relay, Envelope(None, sender, recipient, _message(recipient)))
        except RelayTrouble as trouble:
            raise Refused(f"No mail can leave: {trouble}.{_said(str(trouble))}") from None
        click.echo()
        _judge(outcome, recipient)


class Transcript:
    """Prints what both sides say; what is secret or long is left out."""

    def __init__(self) -> None:
        self._logging_in = False
        self._in_message = False

    def __call__(self, who: str, data: bytes) -> None:
        if who == "tls":
            click.echo(f"       (encrypted from here: {data.decode()})")
        elif who == "relay":
            line = data.decode("utf-8", "replace").rstrip()
            self._logging_in = self._logging_in and line.startswith("334")
            self._in_message = line.startswith("354")
            click.echo(f"relay  {line}")
        elif self._in_message:
            click.echo(f"we     (the message, {len(data):,} bytes)")
        else:
            for line in data.decode("utf-8", "replace").splitlines():
                click.echo(f"we     {self._without_password(line)}")

    def _without_password(self, line: str) -> str:
        if self._logging_in:
            return "…"
        self._logging_in = line.upper().startswith("AUTH ")
        return " ".join([*line.split()[:2], "…"]) if self._logging_in and len(line.split()) > 2 else line


def _send(relay: Relay, envelope: Envelope) -> Outcome:
    deadline = time.monotonic() + PATIENCE_SECONDS

    def tick() -> str:
        return "" if time.monotonic() < deadline else f"this took longer than {PATIENCE_SECONDS} s"

    connection = Connection(relay, tick, Transcript())
    try:
        ((_, outcome),) = connection.deliver(iter([envelope]))
    finally:
        connection.quit()
    return outcome


def _message(recipient: str) -> bytes:
    title = choice("site_title")
    host = urlsplit(settings().base_url).hostname
    message = build_message(
        sender=settings().mail_from,
        to=recipient,
        subject=f"Test mail from {title}",
        text=f"This mail was sent by `blogapp mail test`, for {title} at {settings().base_url}.\n\n"
        "That it arrived says that the relay takes mail from there.\n",
        headers={"Auto-Submitted": "auto-generated"},
        date=now(),
        message_id=f"<test-{secrets.token_hex(8)}@{host}>",
    )
    sign = signer(settings())
    return sign(message) if sign else message


def _judge(outcome: Outcome, recipient: str) -> None:
    """
    Raises:
        Refused: the relay did not take the mail.
    """
    meaning = {
        Verdict.DEFERRED: "The relay puts it off. The worker would try again later.",
        Verdict.REFUSED: "The relay refuses it for good.",
        Verdict.SLOW_DOWN: "The relay is too busy for us. The worker would go slower.",
        Verdict.TROUBLE: "The relay cannot be used: nothing is wrong with the mail.",
        Verdict.IN_DOUBT: "The connection broke after the whole mail had left: it may arrive or not.",
    }
    if outcome.verdict is Verdict.ACCEPTED:
        click.echo(f"The relay took it. Whether it arrives is said in the inbox of {recipient}, or among its spam.")
        return
    raise Refused(f"{meaning[outcome.verdict]} ({outcome.reply}){_said(outcome.reply)}")


def _said(reason: str) -> str:
    return f" {advice}" if (advice := advice_for(reason)) else ""
