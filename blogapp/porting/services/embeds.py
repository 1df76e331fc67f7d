"""Addresses of films, as people paste them, and what to show in their place."""

import re
from html import escape
from urllib.parse import parse_qs, urlsplit

from blogapp.porting.services.fragments import link

FILM = re.compile(r"[\w-]{4,20}", re.ASCII)


def embed(address: str) -> str:
    """A frame with the film where the address is one of a host whose players we show, else a link."""
    frame = _frame(address)
    return f'<figure><iframe src="{escape(frame)}" allowfullscreen></iframe></figure>' if frame else link(address)


def _frame(address: str) -> str:
    try:
        parts = urlsplit(address.strip())
        host, path = (parts.hostname or "").removeprefix("www.").removeprefix("m."), parts.path
    except ValueError:
        return ""
    if host == "youtu.be":
        return youtube(path.strip("/"))
    if host in ("youtube.com", "youtube-nocookie.com"):
        if path == "/watch":
            return youtube(parse_qs(parts.query).get("v", [""])[0])
        match = re.match(r"/(?:embed|shorts|live|v)/([\w-]+)", path)
        return youtube(match[1]) if match else ""
    if host in ("vimeo.com", "player.vimeo.com"):
        match = re.match(r"/(?:video/)?(\d+)", path)
        return vimeo(match[1]) if match else ""
    return ""


def youtube(number: str) -> str:
    """The address of the player; "" where that is no film's."""
    return f"https://www.youtube-nocookie.com/embed/{number}" if FILM.fullmatch(number) else ""


def vimeo(number: str) -> str:
    """The address of the player; "" where that is no film's."""
    return f"https://player.vimeo.com/video/{number}" if FILM.fullmatch(number) else ""
