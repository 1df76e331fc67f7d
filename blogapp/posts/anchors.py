"""What sanitised HTML links to and shows, and what links to it can name. Pure."""

import re
from collections.abc import Iterator, KeysView
from html import unescape
from urllib.parse import unquote, urljoin, urlsplit

from blogapp.core.markup import ATTRIBUTE
from blogapp.core.sanitise import TAG

OF_THE_WEB = re.compile(r"(?:https?:)?//", re.IGNORECASE)


def own_paths(html: str, base_url: str) -> KeysView[str]:
    """The paths on this site that sanitised HTML links to or shows, in its order."""
    return {path: None for value in addresses(html) if (path := own_path(value, base_url)) is not None}.keys()


def addresses(html: str) -> Iterator[str]:
    """What links and pictures of sanitised HTML lead to, as their author wrote it."""
    for tag in TAG.findall(html):
        if not tag.startswith("</"):
            yield from (value for name, value in attributes(tag).items() if name in ("href", "src"))


def outside_addresses(html: str, base_url: str) -> list[str]:
    """What sanitised HTML links to or shows of other sites, whole, each once, as their author wrote it."""
    found = (value for value in addresses(html) if own_path(value, base_url) is None)
    return list(dict.fromkeys(value for value in found if OF_THE_WEB.match(value)))


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a tag of sanitised HTML."""
    return {match["name"]: unescape(match["value"]) for match in ATTRIBUTE.finditer(tag)}


def ids_in(html: str) -> frozenset[str]:
    """What fragments can lead to in sanitised HTML."""
    return frozenset(value for tag in TAG.findall(html) if (value := attributes(tag).get("id")))


def own_path(address: str, base_url: str) -> str | None:
    """The path without query and fragment, where the address is one of this site; None for any other, or a fragment."""
    if not address or address.startswith("#"):
        return None
    try:
        parts, own = urlsplit(urljoin(f"{base_url}/", address)), urlsplit(base_url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.netloc != own.netloc:
        return None
    return unquote(parts.path, errors="replace") or "/"
