"""The settings: one frozen dataclass, read once from the environment.

Every field is set by `BLOG_<NAME>` or, for secrets kept in files, `BLOG_<NAME>_FILE`; a `.env` in the working
directory is read first and loses against the real environment. docs/settings.md lists them all; a test holds it to
this file.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, cast

from dotenv import dotenv_values
from flask import Flask, current_app

from blogapp.core.colours import DEFAULT_ACCENT
from blogapp.core.errors import BadSetting
from blogapp.core.settingchecks import check_settings

EXTENSION = "blogapp.settings"


def setting(doc: str, **options: Any) -> Any:
    """A dataclass field with its one-line description; no `default` makes it a derived one (see `load`)."""
    return field(metadata={"doc": doc}, **options)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that an operator can set. Units stand in the names."""

    data_dir: Path = setting("Folder for the database, the files and the secret key", default=Path("data"))
    files: str = setting(
        "Where the members' files are, if not in the data folder: `s3://key:secret@bucket/prefix?endpoint=https://…`",
        default="",
        repr=False,
    )
    database_url: str = setting(
        "SQLAlchemy address; `postgresql://…` for several hosts (default: SQLite in the data folder)", default=""
    )
    base_url: str = setting("Where readers reach the site; used in mails and feeds", default="http://127.0.0.1:8000")
    secret_key: str = setting(
        "Signs log-ins and members' links (default: made once, kept in the data folder)", default="", repr=False
    )
    smtp_url: str = setting(
        "Where mail goes: `smtp://user:pass@host:port`, `smtps://…`, `?starttls=required|opportunistic|never`",
        default="smtp://127.0.0.1:25?starttls=opportunistic",
        repr=False,
    )
    mail_from: str = setting("Sender of all mail: `Name <address>` or an address", default="blog@localhost.localdomain")
    bounce_address: str = setting(
        "Address that undeliverable mail comes back to, such as `bounces@notes.example.org`; each mail gets its own "
        "`bounces+…@notes.example.org`",
        default="",
    )
    mail_in: str = setting(
        "Mailbox where bounces and complaints arrive: `maildir:/path`, `imaps://user:pass@host/INBOX`, "
        "`imap://…?starttls=required|never`",
        default="",
        repr=False,
    )
    site_title: str = setting("The site's name", default="Weeknotes")
    site_tagline: str = setting("One line under the title", default="")
    site_accent: str = setting("The accent colour, as in CSS: `#rrggbb`", default=DEFAULT_ACCENT)
    footer_links: str = setting(
        "Links at the foot of every page: `Label https://…`, a line or a semicolon between them", default=""
    )
    outside_pictures: str = setting(
        "Pictures that posts show from other hosts: `ask` before one is fetched, or `show` them", default="ask"
    )
    site_language: str = setting("Language of the site, as in HTML's `lang`", default="en-GB")
    site_timezone: str = setting("Time zone in which dates are shown", default="Europe/London")
    site_epoch: date = setting("The Monday of week 0, as YYYY-MM-DD", default=date(2009, 1, 12))
    dkim_keys: tuple[str, ...] = setting(
        "Comma-separated keys that sign all mail, `selector:path` each (`blogapp dkim new` makes one)", default=()
    )
    dkim_domain: str = setting("The domain that signs (default: that of the sender)", default="")
    digest_hold_seconds: int = setting("How long a digest waits after publication before it leaves", default=900)
    audience_change_percent: int = setting(
        "A change of the audience since the last digest that is asked about before anything leaves; 0 never asks",
        default=20,
    )
    trusted_proxies: tuple[str, ...] = setting(
        "Comma-separated addresses or networks whose X-Forwarded-* headers are believed", default=()
    )
    max_upload_mb: int = setting("Largest file that a member may attach, in MB", default=20)
    page_cache_mb: int = setting(
        "Memory for public pages, in MB per web process; 0 makes each anew for every reader", default=64
    )
    mail_connections: int = setting("SMTP connections that a sending may open at once", default=16)
    mail_per_second: float = setting("Mails a second, of all workers; 0: as fast as the relay takes them", default=0.0)
    mail_per_domain: float = setting("The same for each domain of recipients; 0: no limit", default=0.0)
    mail_quiet_hours: str = setting(
        "When no digest leaves, in the site's time zone, like `22:00-07:00`; empty: never", default=""
    )
    mail_warm_up: date | None = setting(
        "The day on which a new sender's warm-up begins, as YYYY-MM-DD; empty: none", default=None
    )
    in_doubt: str = setting(
        "A mail whose connection broke after the final dot: `resend` once, or `hold` it for a person", default="resend"
    )
    websub_hub: str = setting(
        "Address of the WebSub hub that is told when a feed changes, such as `https://hub.example.org/`", default=""
    )
    log_format: str = setting("`text` for people, `json` for machines", default="text")
    production: bool = setting(
        "Refuse to start with settings that are unsafe on the open internet (default: when the base URL is https)",
        default=False,
    )

    @property
    def secure(self) -> bool:
        """Whether readers come by https, so that cookies may insist on it."""
        return self.base_url.startswith("https://")


def settings() -> Settings:
    """The settings of the running application."""
    # Not through the proxy's own attributes, which take twice as long: a page asks fifty times.
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return cast(Settings, app.extensions[EXTENSION])


def load(environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Read the settings.

    Raises:
        BadSetting: one has a value that cannot be used, or is unknown; the message is one line that names it.
    """
    given = os.environ if environ is None else environ
    values = {k: v for k, v in (dotenv_values(dotenv) if dotenv else {}).items() if v is not None} | dict(given)
    known = {f"BLOG_{f.name.upper()}": f for f in fields(Settings)}
    chosen: dict[str, Any] = {}
    for name in sorted(values):
        if not name.startswith("BLOG_"):
            continue
        plain = name.removesuffix("_FILE")
        if plain not in known:
            raise BadSetting(f"{name} is not a setting of this program (docs/settings.md lists them)")
        text = _from_file(name, values[name]) if name.endswith("_FILE") else values[name]
        chosen[known[plain].name] = _parse(plain, known[plain].type, text.strip())
    return complete(Settings(**chosen), chosen)


def complete(settings: Settings, chosen: Mapping[str, Any]) -> Settings:
    """Fill in what follows from the rest, and check that it holds together.

    Raises:
        BadSetting: a value is of the right type but makes no sense or is unsafe in production.
    """
    data_dir = settings.data_dir.expanduser().resolve()
    changes: dict[str, Any] = {"data_dir": data_dir, "base_url": settings.base_url.rstrip("/")}
    if not settings.database_url:
        changes["database_url"] = f"sqlite:///{data_dir / 'blog.sqlite3'}"
    if "production" not in chosen:
        changes["production"] = settings.base_url.startswith("https://")
    if not settings.secret_key:
        changes["secret_key"] = _kept_secret(data_dir)
    whole = Settings(**{f.name: changes.get(f.name, getattr(settings, f.name)) for f in fields(Settings)})
    check_settings(whole)
    return whole


def _from_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{name}: cannot read {path} ({error.__class__.__name__})") from None


def _parse(name: str, kind: Any, text: str) -> Any:
    parsers: dict[Any, tuple[Callable[[str], Any], str]] = {
        str: (str, "text"),
        int: (int, "a whole number"),
        float: (float, "a number"),
        bool: (_boolean, "yes or no"),
        Path: (Path, "a path"),
        date: (date.fromisoformat, "a date as YYYY-MM-DD"),
        date | None: (lambda t: date.fromisoformat(t) if t else None, "a date as YYYY-MM-DD, or empty"),
        tuple[str, ...]: (lambda t: tuple(part.strip() for part in t.split(",") if part.strip()), "a list"),
    }
    parser, wanted = parsers[kind]
    try:
        return parser(text)
    except ValueError:
        raise BadSetting(f"{name} should be {wanted}, not {text[:60]!r}") from None


def _boolean(text: str) -> bool:
    words = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}
    try:
        return words[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _kept_secret(data_dir: Path) -> str:
    """The key kept in the data folder, made on first use; two processes that start at once agree on one."""
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            fresh = path.with_name(f"secret_key.{os.getpid()}.{secrets.token_hex(4)}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        reason = error.strerror or error.__class__.__name__
        raise BadSetting(f"BLOG_DATA_DIR: cannot keep a secret key in {data_dir} ({reason})") from None
