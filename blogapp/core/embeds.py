"""Frames from other hosts: what each is, and where people find the original."""

import re
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import parse_qs, urlsplit

from blogapp.core.sanitise import FRAME

ATTRIBUTE = re.compile(r'\s(src|title|width|height)="([^"]*)"')
# What the embedding code of a host puts there unasked.
SAYS_NOTHING = re.compile(r"(?:(?:youtube|vimeo)\s)?(?:video\s)?(?:player|video)|embed", re.IGNORECASE)
YOUTUBE = ("www.youtube.com", "www.youtube-nocookie.com")
VERBS = {
    **dict.fromkeys((*YOUTUBE, "player.vimeo.com", "archive.org"), ("Play", "the video")),
    **dict.fromkeys(("w.soundcloud.com", "bandcamp.com"), ("Play", "the recording")),
    **dict.fromkeys(("www.openstreetmap.org", "www.google.com", "maps.google.com"), ("Show", "the map")),
    "docs.google.com": ("Show", "the document"),
}


@dataclass(frozen=True)
class Embed:
    """A frame. `title` and `original` are plain text, not HTML; `host` as people know it; sizes in pixels, 0: not said.

    `verb` and `thing`: "Play", "the video".
    """

    verb: str
    thing: str
    title: str
    host: str
    original: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """What a reader is offered: `“The boat race”`, or `the video`."""
        return f"“{self.title}”" if self.title else self.thing


def embed(frame: str) -> Embed:
    """What a sanitised `<iframe …>` shows."""
    attributes = {name: unescape(value) for name, value in ATTRIBUTE.findall(frame)}
    address = attributes.get("src", "")
    host = urlsplit(address).hostname or ""
    verb, thing = VERBS.get(host, ("Show", "what is there"))
    title = " ".join(attributes.get("title", "").split())
    title = "" if SAYS_NOTHING.fullmatch(title) else title
    known = re.sub(r"^(?:www|player|w)\.|-nocookie", "", host)
    sizes = (_pixels(attributes.get(name, "")) for name in ("width", "height"))
    return Embed(verb, thing, title, known, original(address), *sizes)


def _pixels(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0


def original(address: str) -> str:
    """The page that people would open for what a frame shows; the frame's own address where nothing else is known."""
    try:
        parts = urlsplit(address)
    except ValueError:  # older pipelines let those through
        return address
    if parts.hostname in YOUTUBE and (found := re.fullmatch(r"/embed/([\w-]+)/?", parts.path)):
        if found[1] == "videoseries" and (series := parse_qs(parts.query).get("list")):
            return f"https://www.youtube.com/playlist?list={series[0]}"
        return f"https://www.youtube.com/watch?v={found[1]}"
    if parts.hostname == "player.vimeo.com" and (found := re.fullmatch(r"/video/(\d+)/?", parts.path)):
        return f"https://vimeo.com/{found[1]}"
    if parts.hostname == "archive.org" and parts.path.startswith("/embed/"):
        return f"https://archive.org/details/{parts.path.removeprefix('/embed/')}"
    if parts.hostname == "w.soundcloud.com" and (track := parse_qs(parts.query).get("url")):
        return track[0] if track[0].startswith("https://soundcloud.com/") else address
    return address


def link_to(shown: Embed) -> str:
    """A link to the original, as HTML."""
    words = f"{shown.verb} {shown.name} at {shown.host}"
    return f'<a class="embedded" href="{escape(shown.original)}">{escape(words, quote=False)}</a>'


def frames_as_links(html: str) -> str:
    """For feeds, whose readers show no frames or show them unasked: a link for each."""
    return FRAME.sub(lambda match: link_to(embed(match[0])), html) if "<iframe" in html else html
