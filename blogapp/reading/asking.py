"""What other hosts would send waits on a page until the reader asks. Pure functions over sanitised HTML.

A closed <details> is not laid out, and what is lazy in it is not fetched (HTML, "lazy loading attributes"): opening it
is the click, with a mouse or a keyboard, without any script.
"""

import re
from html import escape, unescape
from urllib.parse import urlsplit

from blogapp.core.embeds import embed, link_to
from blogapp.core.sanitise import FRAME, as_browsers_read, sources_in

TAG = re.compile(r"<(?P<closing>/?)(?P<name>[a-z][a-z0-9]*)(?:[^\"<>]|\"[^\"]*\")*>")
PICTURE = r'<img\s(?:[^"<>]|"[^"]*")*>'
FRAMED = r'<iframe(?:[^"<>]|"[^"]*")*></iframe>'
PIECE = rf'(?:{FRAMED}|{PICTURE}|<a\s(?:[^"<>]|"[^"]*")*>\s*{PICTURE}\s*</a>)'
# A paragraph of nothing but pictures and frames is no paragraph: a <details> may not stand in one.
ONLY_PIECES = re.compile(rf"<p>((?:\s|<br>)*(?:{PIECE}(?:\s|<br>)*)+)</p>")
LINKED = re.compile(rf'<a\s((?:[^"<>]|"[^"]*")*)>\s*({PICTURE})\s*</a>')
PLAYER = re.compile(r"<(video|audio)(?=[\s>]).*?</\1>", re.DOTALL)
POSTER = re.compile(r'\sposter="[^"]*"')
MEDIA = re.compile(r'<(?:img|video|audio|source)\s(?:[^"<>]|"[^"]*")*>')
ADDRESS = re.compile(r'(?:^|\s)(src|srcset|poster|alt|href)="([^"]*)"')
ELSEWHERE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
# Inside these a <details> would break the page or could not be operated.
INLINE = frozenset(
    "p a abbr b bdi bdo cite code del dfn em h1 h2 h3 h4 h5 h6 i ins kbd mark pre q s samp small span strong sub sup "
    "summary time tt u var caption dt rt rp ruby".split()
)
SHAPES = ((1.6, "wide"), (1.2, "classic"), (0.85, "square"), (0.0, "tall"))
# A player of sound is a strip, whatever its width.
STRIP = 200


def asked_for(html: str, own_origin: str, *, pictures: bool = True) -> str:
    """Turn every frame, and the pictures of other hosts, into something to be opened.

    Args:
        own_origin: `https://notes.example.org`; what comes from there is shown at once.
        pictures: whether outside pictures wait as well; sound and films are then not looked up beforehand either.
    """
    own = f"{own_origin.rstrip('/')}/"
    outside = pictures and _has_outside(html, own)
    if not outside and "<iframe" not in html:
        return html
    wanted = re.compile(rf"(?P<piece>{PIECE})|{TAG.pattern}" if outside else rf"(?P<piece>{FRAMED})|{TAG.pattern}")
    html = ONLY_PIECES.sub(lambda match: _bare(match, own, outside=outside), html)
    html = _replaced(html, wanted, own)
    return PLAYER.sub(lambda match: _quiet(match[0], own), html) if outside else html


def _has_outside(html: str, own: str) -> bool:
    return any(_is_outside(tag, own) for tag in MEDIA.findall(html))


def _is_outside(tag: str, own: str) -> bool:
    """Whether something that a tag fetches comes from another host."""
    for name, value in ADDRESS.findall(tag):
        if name not in ("alt", "href"):
            parts = sources_in(unescape(value)) if name == "srcset" else [unescape(value)]
            if any(_leads_away(part, own) for part in parts):
                return True
    return False


def _leads_away(address: str, own: str) -> bool:
    # What an older pipeline stored was not brought to this form.
    address = as_browsers_read(address)
    return ELSEWHERE.match(address) is not None and not address.startswith(own)


def _bare(match: re.Match[str], own: str, *, outside: bool) -> str:
    """The pieces without the paragraph around them, where one of them will have to be opened."""
    waits = "<iframe" in match[1] or (outside and _is_outside(match[1], own))
    return f'<div class="pieces">{match[1]}</div>' if waits else match[0]


def _replaced(html: str, wanted: re.Pattern[str], own: str) -> str:
    """Go through the tags, so that each piece is known to stand between blocks or in the middle of a text."""
    out: list[str] = []
    inline, linked, done = 0, 0, 0
    for match in wanted.finditer(html):
        piece = match["piece"]
        if piece is None:
            step = -1 if match["closing"] else 1
            inline += step * (match["name"] in INLINE)
            linked += step * (match["name"] == "a")
            continue
        if not piece.startswith("<iframe") and not _is_outside(piece, own):
            continue
        out += [html[done : match.start()], _in_text(piece, linked=linked > 0) if inline else _to_open(piece)]
        done = match.end()
    return "".join([*out, html[done:]])


def _in_text(piece: str, *, linked: bool) -> str:
    """A piece in the middle of a sentence: a link in its place; where that is in a link already, words."""
    if FRAME.fullmatch(piece):
        shown = embed(piece)
        return escape(shown.name, quote=False) if linked else link_to(shown)
    around = LINKED.fullmatch(piece)
    picture = around[2] if around else piece
    words = f"[{escape(_words(picture), quote=False)}]"
    if linked:
        return words
    target = around[1] if around else f'href="{dict(ADDRESS.findall(picture)).get("src", "")}"'
    return f"<a {target}>{words}</a>"


def _to_open(piece: str) -> str:
    """A box that loads the piece when it is opened, with a plain way to where it comes from."""
    if FRAME.fullmatch(piece):
        shown = embed(piece)
        frame = piece if ' title="' in piece else piece.replace("<iframe", f'<iframe title="{shown.thing}"', 1)
        summary = f"{shown.verb} {escape(shown.name, quote=False)} <small>from {escape(shown.host)}</small>"
        link = f'<a href="{escape(shown.original)}">Open it at {escape(shown.host)}</a>'
        return _box(f"embed {_shape(shown.width, shown.height)}", summary, frame, link)
    linked = LINKED.fullmatch(piece)
    picture = linked[2] if linked else piece
    address = dict(ADDRESS.findall(picture)).get("src", "")
    host = _host(address)
    words = _words(picture)
    name = "the picture" if words == "picture" else f"the picture “{escape(words, quote=False)}”"
    target = dict(ADDRESS.findall(linked[1]))["href"] if linked and 'href="' in linked[1] else address
    link = f'<a href="{target}">{"Where it links to" if linked else f"Open it at {escape(host)}"}</a>'
    # The policy of our pages lets no picture come unencrypted (core/web.py: CSP).
    shown_picture = picture.replace("<img", '<img referrerpolicy="no-referrer"', 1).replace(
        ' src="http:', ' src="https:'
    )
    return _box("outside", f"Show {name} <small>from {escape(host)}</small>", shown_picture, link)


def _box(css: str, summary: str, content: str, link: str) -> str:
    # The link stands behind: in print, and where a frame is refused, it is what is left.
    return (
        f'<div class="asks {css}"><details><summary>{summary}</summary>{content}</details>'
        f'<p class="meta">{link}</p></div>'
    )


def _shape(width: int, height: int) -> str:
    if 0 < height <= STRIP:
        return "strip"
    ratio = width / height if width and height else 16 / 9
    return next(name for least, name in SHAPES if ratio >= least)


def _words(picture: str) -> str:
    return " ".join(unescape(dict(ADDRESS.findall(picture)).get("alt", "")).split()) or "picture"


def _host(address: str) -> str:
    try:
        return (urlsplit(as_browsers_read(unescape(address))).hostname or "elsewhere").removeprefix("www.")
    except ValueError:
        return "elsewhere"


def _quiet(player: str, own: str) -> str:
    """A player that fetches nothing from elsewhere before it is started."""
    if not _is_outside(player, own):
        return player
    player = POSTER.sub(lambda match: "" if _is_outside(match[0], own) else match[0], player)
    return player.replace('preload="metadata"', 'preload="none"', 1)
