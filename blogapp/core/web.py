"""What every page shares: request ids, proxies, security headers, the origin guard, safe redirects, dates."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from zoneinfo import ZoneInfo

from flask import Flask, Response, request
from markupsafe import Markup

from blogapp.core.assets import asset
from blogapp.core.clock import iso as iso
from blogapp.core.config import settings
from blogapp.core.errors import NotAllowed
from blogapp.core.logs import begin_request, request_id
from blogapp.core.pagecache import withdraw_offer
from blogapp.core.sanitise import FRAME_HOSTS
from blogapp.core.site import choice
from blogapp.core.styles import inline_styles, style_sources
from blogapp.core.theme import site_accent

F = TypeVar("F", bound=Callable[..., Any])

CSP = (
    "default-src 'none'; img-src 'self' https: data:; media-src 'self' https:; style-src 'self'%s; script-src 'self'; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "frame-src 'self' " + " ".join(f"https://{host}" for host in FRAME_HOSTS)
)

SECURITY = [
    (name.lower(), name, value)
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Strict-Transport-Security", "max-age=31536000"),  # the last: only where the site is read by https alone
    )
]

# Nothing in it that means another place than it says: a host, `..`
PLAIN_PATH = re.compile(r"/(?![/.])(?!.*/[/.])")


class TrustedProxies:
    """WSGI middleware: believe X-Forwarded-For, -Proto and -Host, but only from the networks named in the settings."""

    def __init__(self, app: WSGIApplication, networks: Iterable[str]) -> None:
        self.app = app
        self.networks: list[IPv4Network | IPv6Network] = [ip_network(network) for network in networks]
        # Most requests come from the same few proxies.
        self.trusts = lru_cache(maxsize=1024)(self._trusts) if self.networks else lambda _: False

    def _trusts(self, address: str) -> bool:
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self.networks)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self.trusts(environ.get("REMOTE_ADDR", "")):
            # Right to left: the first address that is no proxy of ours is the client; the rest is hearsay.
            for hop in reversed([h.strip() for h in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if h.strip()]):
                environ["REMOTE_ADDR"] = hop
                if not self.trusts(hop):
                    break
            if environ.get("HTTP_X_FORWARDED_PROTO") in ("http", "https"):
                environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"]
            if host := environ.get("HTTP_X_FORWARDED_HOST"):
                environ["HTTP_HOST"] = host.split(",")[-1].strip()
        return self.app(environ, start_response)


def init_web(app: Flask) -> None:
    """Request ids, security headers, template filters and globals."""
    app.before_request(_take_request_id)
    app.after_request(_add_headers)
    app.jinja_env.filters.update(day=day, moment=moment, iso=iso)
    app.jinja_env.globals.update(
        asset=asset, choice=choice, inline_styles=inline_styles, site_accent=site_accent, whole_url=whole_url
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _take_request_id() -> None:
    begin_request(request.headers.get("X-Request-ID", ""))


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-ID"] = request_id.get()
    present = {name.lower() for name, _ in headers}  # setdefault looks through all of them each time
    if "content-security-policy" not in present:
        headers.add("Content-Security-Policy", CSP % style_sources())
    for lower, name, value in SECURITY if settings().secure else SECURITY[:-1]:
        if lower not in present:
            headers.add(name, value)
    return response


def client_address() -> str:
    """Where the request comes from, for throttling and for members' log-in lists."""
    return request.remote_addr or "unknown"


def public_form(view: F) -> F:
    """Mark a view whose form carries no cookie and so no CSRF token; it calls `check_origin` itself."""
    view.public_form = True  # type: ignore[attr-defined]
    return view


def check_origin(*, null_too: bool = False) -> None:
    """Guard a public form that carries no cookie: a browser that says it comes from another site is refused.

    A request without these headers (a script, an old client) has no standing that a foreign site could borrow.

    Args:
        null_too: accept `Origin: null`, which is what a browser sends from a page of ours whose Referrer-Policy is
            no-referrer (Fetch standard, "append a request Origin header"). Such a page's address holds a secret.

    Raises:
        NotAllowed: Origin or Sec-Fetch-Site names another site.
    """
    origin = request.headers.get("Origin")
    own = {urlsplit(settings().base_url).netloc, request.host} - {""}
    foreign = origin is not None and parts_of(origin).netloc not in own and not (null_too and origin == "null")
    if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise NotAllowed("This form was sent from another site. Fill it in here instead.")


def parts_of(header: str) -> SplitResult:
    """The parts of an address that a browser sent; all empty where it cannot be taken apart, like `http://[`."""
    try:
        return urlsplit(header)
    except ValueError:
        return urlsplit("")


def safe_next(target: str | None, default: str) -> str:
    """Where to go on: only to a path of this site, never to another host (open redirect)."""
    if (
        not target
        or not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or re.search(r"[\x00-\x20\\]", target)
    ):
        return default
    parts = urlsplit(urljoin("http://here.invalid/", target))
    return target if parts.netloc == "here.invalid" else default


def whole_url(path: str) -> str:
    """The path as an address that works in a mail or a feed."""
    if PLAIN_PATH.match(path):
        return settings().base_url + path  # as urljoin, in a tenth of its time
    return urljoin(settings().base_url + "/", path)


def local(at: datetime) -> datetime:
    """The moment in the site's time zone."""
    return at.astimezone(ZoneInfo(settings().site_timezone))


def day(value: datetime | date, name: str = "") -> Markup:
    """`5 February 2018` in the site's time zone, as a <time>; one with a class (microformats) tells the second."""
    on = local(value).date() if isinstance(value, datetime) else value
    return _day(on, iso(value) if name and isinstance(value, datetime) else on.isoformat(), name)


@lru_cache(maxsize=4096)
def _day(on: date, exact: str, name: str) -> Markup:
    attributes = Markup(' class="{}"').format(name) if name else ""
    return Markup('<time{} datetime="{}">{} {}</time>').format(attributes, exact, on.day, f"{on:%B %Y}")


def moment(value: datetime) -> Markup:
    """`5 February 2018, 14:32` in the site's time zone, as a <time>."""
    at = local(value)
    text = f"{at.day} {at:%B %Y, %H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), text)


def private(response: Response) -> Response:
    """Mark a page that only this person may see: no cache on the way keeps it."""
    withdraw_offer(response)
    response.headers["Cache-Control"] = "private, no-store"
    return response
