"""The inbox in the browser: the mails that the catcher took, as a reader of mail would see them."""

import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from blogapp.core.styles import squeezed
from demo.mailbox import Mail, Mailbox, header, one_click, parse, part

HERE = Path(__file__).parent / "inbox"
SHOWN = 200
WAIT_SECONDS = 20.0
HEADERS = ("From", "To", "Reply-To", "Date")
VIEWS = ("letter", "text", "source")
CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# What a mail may do: show itself, load pictures, and open links in a tab of their own. No script runs in it, so that
# it may keep its origin, by which the page around it learns how tall it is.
SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
LETTER_CSP = f"default-src 'none'; img-src * data:; style-src 'unsafe-inline'; sandbox {SANDBOX}"


class QuietHandler(WSGIRequestHandler):
    """Says nothing on the terminal."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """RFC 8058 §3.1: the POST is answered, not redirected."""

    def redirect_request(self, *_: Any) -> None:
        return None


def create_inbox(mailbox: Mailbox, site_title: str, base_url: str) -> Flask:
    """The web application of the inbox; `base_url` is the blog's."""
    app = Flask("demo", static_folder=str(HERE / "static"), template_folder=str(HERE))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(site_title=site_title, base_url=base_url, sandbox=SANDBOX)
    app.after_request(_add_headers)
    app.before_request(_only_from_here)
    _add_reading(app, mailbox)
    _add_acts(app, mailbox, base_url)
    return app


def _add_reading(app: Flask, mailbox: Mailbox) -> None:
    def page(mail: Mail | None = None, **more: Any) -> str:
        stamp = mailbox.stamp
        mails = mailbox.newest(SHOWN)
        return render_template("inbox.html", mails=mails, total=len(mailbox), stamp=stamp, mail=mail, **more)

    @app.get("/")
    def inbox() -> str:
        return page()

    @app.get("/site.css")
    def look() -> Response:
        return Response(squeezed(("reading", "site")), mimetype="text/css")

    @app.get("/news")
    def news() -> ResponseReturnValue:
        """Answers when the list is another than at ?stamp, or after WAIT_SECONDS."""
        stamp = mailbox.wait(request.args.get("stamp", -1, type=int), WAIT_SECONDS)
        shown = mailbox.get(request.args.get("open", 0, type=int))
        rows = render_template("rows.html", mails=mailbox.newest(SHOWN), total=len(mailbox), mail=shown)
        return {"stamp": stamp, "total": len(mailbox), "rows": rows}

    @app.get("/mails/<int:number>")
    def mail(number: int) -> str:
        mail, message = _find(mailbox, number)
        shown = opened(message, request.args.get("view", ""), request.args.get("width", ""))
        return page(mail, answer=request.args.get("answer", ""), **shown)

    @app.get("/mails/<int:number>/letter")
    def letter(number: int) -> ResponseReturnValue:
        html = part(parse(_find(mailbox, number)[1]), "html")
        if html is None:
            abort(404)
        # Links leave the frame; <base> only where the mail brings none of its own.
        base = "" if "<base" in html.lower() else '<base target="_blank">'
        return Response(base + html, mimetype="text/html", headers={"Content-Security-Policy": LETTER_CSP})


def opened(message: bytes, view: str, width: str) -> dict[str, Any]:
    """What the page about one mail shows; `view` and `width` as asked for, else what suits the mail."""
    parsed = parse(message)
    has_letter = part(parsed, "html") is not None
    if view not in VIEWS or (view == "letter" and not has_letter):
        view = "letter" if has_letter else "text"
    return {
        "view": view,
        "width": "phone" if width == "phone" else "wide",
        "has_letter": has_letter,
        "headers": [(name, header(parsed, name)) for name in HEADERS if header(parsed, name)],
        "text": linked(part(parsed, "plain") or ""),
        "source": message.decode("utf-8", "replace"),
        "one_click": one_click(parsed),
    }


def _add_acts(app: Flask, mailbox: Mailbox, base_url: str) -> None:
    @app.post("/mails/<int:number>/unsubscribe")
    def unsubscribe(number: int) -> ResponseReturnValue:
        """What a mail client does when its own unsubscribe button is pressed (RFC 8058)."""
        mail, _ = _find(mailbox, number)
        if mail.one_click is None or urlsplit(mail.one_click).netloc != urlsplit(base_url).netloc:
            abort(422, "This mail offers no one-click unsubscription at this blog.")
        return redirect(url_for("mail", number=number, answer=post_one_click(mail.one_click)), code=303)

    @app.post("/delete")
    def delete() -> ResponseReturnValue:
        mailbox.delete_all()
        return redirect(url_for("inbox"), code=303)


def _find(mailbox: Mailbox, number: int) -> tuple[Mail, bytes]:
    mail, message = mailbox.get(number), mailbox.message(number)
    if mail is None or message is None:
        abort(404)
    return mail, message


def post_one_click(address: str) -> str:
    """POST as RFC 8058 says and tell what came back, in a line."""
    opener = urllib.request.build_opener(NoRedirect)
    ask = urllib.request.Request(address, data=b"List-Unsubscribe=One-Click", method="POST")
    ask.add_header("Content-Type", "application/x-www-form-urlencoded")
    try:
        with opener.open(ask, timeout=10) as answer:
            cookie = "with a cookie" if "Set-Cookie" in answer.headers else "no cookie"
            return f"{answer.status} {answer.reason}, {cookie}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.reason}"
    except OSError as error:
        return f"no answer ({error})"


def linked(text: str) -> Markup:
    """Plain text with its addresses made links."""
    pieces = []
    for line in text.splitlines(keepends=True):
        words = [_link(word) if "http" in word else escape(word) for word in _words(line)]
        pieces.append(Markup("").join(words))
    return Markup("").join(pieces)


def _words(line: str) -> list[str]:
    """A line cut at its blanks, which stay."""
    words = [""]
    for character in line:
        if character.isspace() == words[-1][-1:].isspace() and words[-1]:
            words[-1] += character
        else:
            words.append(character)
    return words


def _link(word: str) -> Markup:
    start = word.find("http")
    address = word[start:].partition(">")[0].rstrip(".,;:]'\"")
    if address.count(")") > address.count("("):
        address = address.rstrip(").,;")
    if not address.startswith(("http://", "https://")):
        return escape(word)
    link = Markup('<a href="{0}" target="_blank" rel="noopener">{0}</a>').format(address)
    return escape(word[:start]) + link + escape(word[start + len(address) :])


def _only_from_here() -> None:
    """Another page in the same browser can't empty the inbox or read it under another name (DNS rebinding)."""
    if urlsplit(f"//{request.host}").hostname not in ("127.0.0.1", "localhost"):
        abort(403)
    if request.method == "POST" and request.headers.get("Origin") != f"http://{request.host}":
        abort(403)


def _add_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CSP)
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not no-referrer: a form's Origin would be null, and ours would be refused with the foreign ones.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


class Webmail:
    """The inbox's server, on a thread of its own and a socket that is listening already."""

    def __init__(self, app: Flask, file_descriptor: int, port: int) -> None:
        self.server: BaseWSGIServer = make_server(
            "127.0.0.1", port, app, threaded=True, request_handler=QuietHandler, fd=file_descriptor
        )
        # A browser that waits for news must not hold the end up.
        self.server.daemon_threads = True  # type: ignore[attr-defined]
        self.server.block_on_close = False  # type: ignore[attr-defined]
        self.thread = threading.Thread(target=self.server.serve_forever, name="inbox", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
