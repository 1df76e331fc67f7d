"""WordPress's shortcodes and block comments: the plain ones are said in HTML, others stay as text and are named."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape, unescape

from blogapp.porting.documents import BadDocument
from blogapp.porting.services.embeds import embed
from blogapp.porting.services.fragments import figure, image
from blogapp.porting.services.terms import Lines, shorten

# WordPress writes <, > and -- in a block's settings as \u003c and so on.
BLOCK_COMMENT = re.compile(r"<!--\s*/?wp:[a-z][^<>]*-->[ \t]*")
# A block that WordPress fills in when it shows the page: there is nothing of it in the text.
FILLED_IN = re.compile(r"<!--\s*wp:(?P<name>[a-z][\w/-]*)[^<>]*/-->")
OTHER_COMMENT = re.compile(r"<!--\s*(?:more\b.{0,200}?|noteaser|nextpage)\s*-->")
NOTHING = frozenset(("more", "nextpage", "spacer", "separator"))
SHORTCODE = re.compile(
    r"\[(?P<escaped>\[?)(?P<name>[a-zA-Z][\w-]{1,60})(?P<attributes>(?:\s[^\[\]]{0,2000})?)/?\]"
    r"(?:(?P<inside>(?:(?!\[/?(?P=name)\b).){0,20000}?)\[/(?P=name)\])?(?P<escaped_end>\]?)",
    re.DOTALL,
)
ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|&#8221;(.*?)&#8221;|([^\s\"']+))")
BARE_ADDRESS = re.compile(r"^[ \t]*(?:<p>\s*)?(https?://[^\s<>\"]+)(?:\s*</p>)?[ \t]*$", re.MULTILINE)
VERBATIM = re.compile(r"(<(?:pre|textarea)\b.*?</(?:pre|textarea)>)", re.DOTALL | re.IGNORECASE)
MAX_TAGS = 2_000
# What plugins hide a part of a post with.
HIDING = re.compile(
    r"member|restrict|private|paywall|protect|logged|login_|pmpro|s2if|ihc-hide|wlm_|subscriber|premium|hide", re.I
)
VIDEO = ("mp4", "m4v", "webm", "ogv", "src")
AUDIO = ("mp3", "m4a", "ogg", "wav", "src")

Warnings = tuple[tuple[int, str], ...]


def without_block_comments(text: str) -> tuple[str, Warnings]:
    """The text without WordPress's marks of blocks; the blocks that it would fill in are named."""
    lines = Lines(text)
    unknown = tuple(
        (lines.at(match.start()), f"the block “{match['name']}” is not known here")
        for match in FILLED_IN.finditer(text)
        if match["name"] not in NOTHING
    )
    return OTHER_COMMENT.sub("", BLOCK_COMMENT.sub("", text)), unknown


def translate(text: str, files: Mapping[str, str], own: list[str]) -> tuple[str, Warnings, bool]:
    """A text without shortcodes, those that stay, and whether one of them hides something from strangers.

    Args:
        files: the addresses of the site's files by their numbers.
        own: the addresses of those that were attached to this post.

    Raises:
        BadDocument: it is made of square brackets.
    """
    lines = Lines(text)
    unknown: list[tuple[int, str]] = []
    hides = False

    def instead(match: re.Match[str]) -> str:
        nonlocal hides
        if match["escaped"] and match["escaped_end"]:
            return match[0][1:-1]
        said = _say(match, files, own)
        if said is not None:
            return match["escaped"] + said + match["escaped_end"]
        if _is_shortcode(match):
            unknown.append((lines.at(match.start()), f"{shorten(match[0])} stays as text"))
            hides = hides or bool(HIDING.search(match["name"]))
        return match[0]

    if text.count("[") > MAX_TAGS:
        raise BadDocument(f"it has more than {MAX_TAGS:,} square brackets")
    text = SHORTCODE.sub(instead, text)
    pieces = VERBATIM.split(text)
    pieces[::2] = [BARE_ADDRESS.sub(lambda match: embed(unescape(match[1])), piece) for piece in pieces[::2]]
    return "".join(pieces), tuple(unknown), hides


def _is_shortcode(match: re.Match[str]) -> bool:
    """Whether it is one at all: people write `[sic]` too."""
    return match["inside"] is not None or "=" in match["attributes"] or "-" in match["name"] or "_" in match["name"]


def _say(match: re.Match[str], files: Mapping[str, str], own: list[str]) -> str | None:
    say = SAID.get(match["name"].lower())
    if say is None:
        return None
    attributes = {
        found[1].lower(): unescape(next(value for value in found.groups()[1:] if value is not None))
        for found in ATTRIBUTE.finditer(match["attributes"])
    }
    return say(_Code(attributes, match["inside"] or "", match["attributes"].strip(), files, own))


@dataclass(frozen=True)
class _Code:
    """A shortcode taken apart. `bare`: all that stands behind its name, as typed."""

    attributes: dict[str, str]
    inside: str
    bare: str
    files: Mapping[str, str]
    own: list[str]


def _caption(code: _Code) -> str | None:
    found = re.match(r"\s*((?:<a\b[^>]*>\s*)?<img\b[^>]*>(?:\s*</a>)?)(.*)", code.inside, re.DOTALL | re.IGNORECASE)
    return figure(found[1], code.attributes.get("caption", "") or found[2]) if found else None


def _gallery(code: _Code) -> str | None:
    numbers = re.findall(r"\d+", code.attributes.get("ids", "") or code.attributes.get("include", ""))
    addresses = [code.files[number] for number in numbers if number in code.files] if numbers else code.own
    return figure("".join(map(image, addresses))) if addresses else None


def _embed(code: _Code) -> str | None:
    inside = unescape(re.sub(r"<[^>]*>", "", code.inside)).strip()
    address = inside or code.attributes.get("src", "") or code.bare.strip("\"'=")
    return embed(address) if address.startswith(("http://", "https://")) else None


def _video(code: _Code) -> str | None:
    return _player("video", VIDEO, code)


def _audio(code: _Code) -> str | None:
    return _player("audio", AUDIO, code)


def _player(tag: str, keys: tuple[str, ...], code: _Code) -> str | None:
    address = next((code.attributes[key] for key in keys if code.attributes.get(key)), "")
    if "youtu" in address or "vimeo" in address:
        return embed(address)
    return figure(f'<{tag} src="{escape(address)}"></{tag}>') if address else None


SAID: dict[str, Callable[[_Code], str | None]] = {
    "caption": _caption,
    "wp_caption": _caption,
    "gallery": _gallery,
    "embed": _embed,
    "youtube": _embed,
    "vimeo": _embed,
    "video": _video,
    "audio": _audio,
}
