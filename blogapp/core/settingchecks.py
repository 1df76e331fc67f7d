"""What must hold of the settings: each check stops the start with one line that names what is wrong."""

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

from blogapp.core.bucket import parse_place
from blogapp.core.colours import parse_colour
from blogapp.core.errors import BadSetting
from blogapp.core.footer import parse_links
from blogapp.core.quiet import parse_quiet_hours

if TYPE_CHECKING:
    from blogapp.core.config import Settings

CHOOSABLE = {"in_doubt": ("resend", "hold"), "outside_pictures": ("ask", "show"), "log_format": ("text", "json")}


def check_settings(settings: "Settings") -> None:
    """
    Raises:
        BadSetting: a value is of the right type but makes no sense or is unsafe in production.
    """
    parse_place(settings.files)
    for check in (_check_addresses, _check_mail_in, _check_site, _check_limits, _check_production):
        check(settings)


def _check_addresses(s: "Settings") -> None:
    base = urlsplit(s.base_url)
    if base.scheme not in ("http", "https") or not base.hostname or base.query or base.fragment or base.path:
        raise BadSetting(f"BLOG_BASE_URL should be like https://notes.example.org (no path), not {s.base_url!r}")
    try:
        smtp = urlsplit(s.smtp_url)
        usable = smtp.scheme in ("smtp", "smtps") and smtp.hostname and (smtp.port is None or smtp.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise BadSetting("BLOG_SMTP_URL should be like smtp://user:password@host:587?starttls=required")
    address = s.mail_from.rpartition("<")[2].rstrip(">").strip() if "<" in s.mail_from else s.mail_from
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise BadSetting(f"BLOG_MAIL_FROM should be an address or `Name <address>`, not {s.mail_from!r}") from None
    if not s.database_url.startswith(("sqlite:", "postgresql:", "postgresql+psycopg:")):
        raise BadSetting("BLOG_DATABASE_URL should begin with sqlite: or postgresql:")
    hub = urlsplit(s.websub_hub)
    if s.websub_hub and (hub.scheme not in ("http", "https") or not hub.hostname):
        raise BadSetting(f"BLOG_WEBSUB_HUB should be like https://hub.example.org/, not {s.websub_hub!r}")
    for proxy in s.trusted_proxies:
        try:
            ip_network(proxy)
        except ValueError:
            raise BadSetting(f"BLOG_TRUSTED_PROXIES: {proxy!r} is not an address or network") from None


def _check_mail_in(s: "Settings") -> None:
    local, at, domain = s.bounce_address.rpartition("@")
    # What is put between them takes up to 40 octets of the local part's 64.
    plain = re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,23})", local) and re.fullmatch(r"[^\s@<>]+", domain)
    if s.bounce_address and not (at and plain):
        raise BadSetting(
            f"BLOG_BOUNCE_ADDRESS should be an address like bounces@notes.example.org (up to 24 letters, figures, dots "
            f"and hyphens before the @), not {s.bounce_address!r}"
        )
    try:
        box = urlsplit(s.mail_in)
        path, host = box.scheme == "maildir" and box.path.startswith("/"), box.hostname and (box.port or 1) > 0
        usable = path or (box.scheme in ("imap", "imaps") and host)
    except ValueError:
        usable = False
    if s.mail_in and not usable:
        raise BadSetting("BLOG_MAIL_IN should be like maildir:/path or imaps://user:password@host/INBOX")


def _check_site(s: "Settings") -> None:
    if s.site_epoch.weekday() != 0:
        raise BadSetting(f"BLOG_SITE_EPOCH should be a Monday; {s.site_epoch} is a {s.site_epoch:%A}")
    try:
        # Asked for by name: to list all there are takes a tenth of a second.
        ZoneInfo(s.site_timezone)
    except (LookupError, OSError, ValueError):
        raise BadSetting(f"BLOG_SITE_TIMEZONE: no such time zone as {s.site_timezone!r} (like Europe/London)") from None
    if not s.site_title.strip():
        raise BadSetting("BLOG_SITE_TITLE should not be empty")
    for name, parse in (("site_accent", parse_colour), ("footer_links", parse_links)):
        try:
            parse(getattr(s, name))
        except ValueError as error:
            raise BadSetting(f"BLOG_{name.upper()}: {error}") from None


def _check_limits(s: "Settings") -> None:
    bounds = {"digest_hold_seconds": (0, 7 * 86400), "max_upload_mb": (1, 1024), "mail_connections": (1, 256)}
    bounds |= {"page_cache_mb": (0, 65536), "mail_per_second": (0, 100_000), "mail_per_domain": (0, 100_000)}
    bounds["audience_change_percent"] = (0, 1000)
    for name, (low, high) in bounds.items():
        if not low <= getattr(s, name) <= high:
            raise BadSetting(f"BLOG_{name.upper()} should be from {low} to {high}, not {getattr(s, name)}")
    try:
        parse_quiet_hours(s.mail_quiet_hours)
    except ValueError as error:
        raise BadSetting(f"BLOG_MAIL_QUIET_HOURS {error}, not {s.mail_quiet_hours!r}") from None
    for name, choices in CHOOSABLE.items():
        if getattr(s, name) not in choices:
            raise BadSetting(f"BLOG_{name.upper()} should be {' or '.join(choices)}, not {getattr(s, name)!r}")


def _check_production(s: "Settings") -> None:
    if not s.production:
        return
    if len(s.secret_key) < 32:
        raise BadSetting("BLOG_SECRET_KEY is too short for production: 32 characters or more")
    if not s.secure:
        raise BadSetting("BLOG_BASE_URL should begin with https:// in production")
    if s.mail_from.rstrip(">").endswith((".localdomain", "@localhost")):
        raise BadSetting("BLOG_MAIL_FROM should be a real address in production")
