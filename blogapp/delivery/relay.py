"""Where mail goes: the relay that BLOG_SMTP_URL names."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from blogapp.core.errors import BadSetting

STARTTLS = ("required", "opportunistic", "never")
PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True)
class Relay:
    """A relay and how to talk to it.

    `starttls`: `required` and verified; `opportunistic`: encrypted if offered, without asking who it is (RFC 7435),
    as mail servers do among themselves; `never`. A password is only ever sent over a verified connection, or where
    the setting says `never` in so many words (a relay on this machine).
    """

    host: str
    port: int
    implicit_tls: bool = False
    starttls: str = "opportunistic"
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def verified(self) -> bool:
        """Whether the relay has to prove who it is."""
        return self.implicit_tls or self.starttls == "required"

    def tls_context(self) -> ssl.SSLContext:
        """TLS as Python recommends it; without verification only where TLS itself is optional."""
        context = ssl.create_default_context()
        if not self.verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_relay(url: str) -> Relay:
    """`smtp://user:pass@host:port?starttls=required`, `smtps://…`. With a password STARTTLS is required by default.

    Raises:
        BadSetting: the URL says something that is not known, or would send a password in the clear by accident.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    starttls = query.pop("starttls", ["required" if parts.username else "opportunistic"])[-1]
    if parts.scheme not in PORTS or not parts.hostname or query or parts.path.strip("/") or starttls not in STARTTLS:
        raise BadSetting(
            "BLOG_SMTP_URL should be like smtp://user:password@host:587?starttls=required|opportunistic|never"
        )
    if parts.username and starttls == "opportunistic" and parts.scheme == "smtp":
        raise BadSetting("BLOG_SMTP_URL: a password needs starttls=required (or never, for a relay on this machine)")
    return Relay(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        implicit_tls=parts.scheme == "smtps",
        starttls=starttls,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
