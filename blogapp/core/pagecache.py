"""The page cache: WSGI middleware that answers for public pages, and compresses and validates what it lets through.

A view offers its answer (`offer`); the middleware keeps it under the stamp that it read before the view began, and
gives it out while that stamp is the present one. docs/decisions/0011-page-cache.md has the rules and the reasons.
"""

import re
import time
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Response, request
from werkzeug.http import is_resource_modified

from blogapp.core import access
from blogapp.core.access import MARK
from blogapp.core.codings import IDENTITY, LEAST_BYTES, best_coding, encode, is_text
from blogapp.core.hits import Note
from blogapp.core.logs import begin_request, name_request
from blogapp.core.pages import Pages
from blogapp.core.stamps import Stamp
from blogapp.core.tracking import without_tracking

# What MARK says: whether the middleware may keep this answer.
KEEP, ONCE = "keep", "once"
# Where in the environ the offered bytes are: a HEAD request's answer has lost them.
BODY = "blogapp.offered"
# Pages of a list, in the one way to write each; static files by their content.
QUERIES = re.compile(r"before=[1-9][0-9]{0,8}|v=[0-9a-f]{12}")
# What a page is validated and described by is made here, for each coding.
OWN = {"content-length", "content-encoding", "etag", "vary", "x-request-id", MARK.lower()}
OF_THE_BODY = {"content-type", "content-language", "content-disposition"}

Headers = list[tuple[str, str]]


def offer(response: Response, *, keep: bool = True) -> Response:
    """Say that these bytes are for everybody who asks: compressed and validated on the way out.

    Args:
        keep: whether the same ones may be given out until something is written or the day is over.
    """
    request.environ[BODY] = response.get_data()
    response.headers[MARK] = KEEP if keep else ONCE
    return response


def withdraw_offer(response: Response) -> None:
    """Take it back: the answer is one person's."""
    response.headers.pop(MARK, None)


class Coded:
    """A page in one coding."""

    __slots__ = ("body", "etag", "short", "whole")

    def __init__(self, body: bytes, coding: str, headers: Headers) -> None:
        self.body = body
        self.etag = blake2b(body, digest_size=12).hexdigest()
        encoding = [] if coding == IDENTITY else [("Content-Encoding", coding)]
        tag = ("ETag", f'"{self.etag}"')
        self.whole = [*headers, tag, *encoding, ("Content-Length", str(len(body)))]
        self.short = [*(pair for pair in headers if pair[0].lower() not in OF_THE_BODY), tag]


class Page:
    """An offered answer: its bytes in every coding that somebody has asked for."""

    def __init__(self, body: bytes, headers: Headers, stamp: Stamp | None) -> None:
        self.stamp = stamp
        given = {name.lower(): value for name, value in headers}
        self.last_modified = given.get("last-modified")
        self.is_text = is_text(given.get("content-type", "").partition(";")[0]) and len(body) >= LEAST_BYTES
        vary = ", ".join([*(["Accept-Encoding"] if self.is_text else []), *filter(None, [given.get("vary")])])
        self.headers = [pair for pair in headers if pair[0].lower() not in OWN]
        self.headers += [("Vary", vary)] if vary else []
        self.body = body
        self._coded: dict[str, Coded] = {}

    @property
    def size_bytes(self) -> int:
        return len(self.body) + sum(len(coded.body) + 2_000 for coded in list(self._coded.values()))

    def has(self, coding: str) -> bool:
        return coding in self._coded

    def coded(self, coding: str) -> Coded:
        """The page in that coding, made when it is first asked for."""
        found = self._coded.get(coding)
        if found is None:
            body = encode(self.body, coding)
            found = self._coded[coding] = Coded(body, coding, self.headers)
        return found


class Clock(Protocol):
    """What tells the present stamp, as Stamps does."""

    def now(self) -> Stamp | None: ...


class PageCache:
    """The middleware.

    Args:
        cookies: the names of our own; who brings one is shown their own pages.
        most_bytes: what the kept pages may take together; 0 keeps none.
    """

    def __init__(self, app: WSGIApplication, stamps: Clock, cookies: Iterable[str], most_bytes: int) -> None:
        self.app = app
        self.stamps = stamps
        self.cookies = tuple(cookies)
        self.pages: Pages[Page] = Pages(most_bytes)
        # Notes hits more cheaply than `access.note`, which a test can hear: see core/hits.py.
        self.note_hit: Note | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        key = self._key(environ) if self.pages.most_bytes else None
        stamp = self.stamps.now() if key is not None else None
        if key is None or stamp is None:
            return self._made(environ, start_response, began)
        page = self.pages.get(key, stamp)
        if page is None:
            return self._made(environ, start_response, began, key, stamp)
        asked = environ.get("HTTP_X_REQUEST_ID", "")
        name = begin_request(asked) if self.note_hit is None else name_request(asked)
        return self._answer(page, key, environ, start_response, began, name, self.note_hit)

    def _key(self, environ: WSGIEnvironment) -> str | None:
        """Under what the answer is kept; None where it is not for everybody, or may not be.

        Never by the host: no page depends on it.
        """
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return None
        if "HTTP_AUTHORIZATION" in environ or "HTTP_RANGE" in environ or environ.get("SCRIPT_NAME"):
            return None
        cookies = environ.get("HTTP_COOKIE")
        if cookies and any(name in cookies for name in self.cookies):
            return None
        query = environ.get("QUERY_STRING")
        if not query:
            return str(environ["PATH_INFO"])
        query = without_tracking(query)
        if query and not QUERIES.fullmatch(query):
            return None
        # The application is asked for no more than the key says: no kept page can depend on the rest.
        environ["QUERY_STRING"] = query
        return f"{environ['PATH_INFO']}?{query}" if query else str(environ["PATH_INFO"])

    def _made(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        began: float,
        key: str | None = None,
        stamp: Stamp | None = None,
    ) -> Iterable[bytes]:
        """Have the application answer. What it offers is kept, if it may be; anything else passes untouched."""
        offered: list[Headers] = []

        def started(status: str, headers: Headers, exc_info: Any = None) -> Any:
            if any(name == MARK for name, _ in headers):
                if status.startswith("200 ") and BODY in environ:
                    offered.append(headers)
                    return lambda _: None
                headers = [pair for pair in headers if pair[0] != MARK]
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        answer = self.app(environ, started)
        if not offered:
            return answer
        if hasattr(answer, "close"):
            answer.close()
        (headers,) = offered
        page = Page(environ.pop(BODY), headers, stamp)
        given = {name.lower(): value for name, value in headers}
        if stamp is None or given[MARK.lower()] != KEEP or "set-cookie" in given:
            key = None
        return self._answer(page, key, environ, start_response, began, given.get("x-request-id", "-"))

    def _answer(
        self,
        page: Page,
        key: str | None,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        began: float,
        request_id: str,
        note_hit: Note | None = None,
    ) -> Iterable[bytes]:
        """Send a page in the client's coding, or 304 where they have it. A coding that is new is kept, under `key`."""
        coding = best_coding(environ.get("HTTP_ACCEPT_ENCODING", "")) if page.is_text else IDENTITY
        new = not page.has(coding)
        coded = page.coded(coding)
        if new and key is not None:
            self.pages.put(key, page)
        method = environ["REQUEST_METHOD"]
        if _unchanged(environ, coded.etag, page.last_modified):
            status, headers, body = "304 NOT MODIFIED", coded.short, b""
        else:
            status, headers, body = "200 OK", coded.whole, b"" if method == "HEAD" else coded.body
        start_response(status, [*headers, ("X-Request-ID", request_id)])
        if note_hit is None:
            access.note(environ, int(status[:3]), began)
        else:
            ms = round((time.perf_counter() - began) * 1000, 1)
            note_hit(method, access.path_of(environ), int(status[:3]), ms, request_id)
        return [body] if body else []


def _unchanged(environ: WSGIEnvironment, etag: str, last_modified: str | None) -> bool:
    """Whether the client has these very bytes (RFC 9110 §13.2.2)."""
    match = environ.get("HTTP_IF_NONE_MATCH")
    if match is None and "HTTP_IF_MODIFIED_SINCE" not in environ:
        return False
    if match == f'"{etag}"':
        return True
    return not is_resource_modified(environ, etag, last_modified=last_modified)
