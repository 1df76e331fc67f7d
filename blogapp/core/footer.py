"""The links at the foot of every page, as they are typed: one a line, words and an address."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

MOST = 12
LONGEST_LABEL = 60
LONGEST_ADDRESS = 400
ADDRESS = re.compile(r"(?:https?://|mailto:|/)\S*", re.IGNORECASE)
# In the environment, where a line break is awkward: a semicolon and a blank.
LINE_END = re.compile(r"[\r\n]+|;\s")
HOW = "Write it as: Label https://example.org"


@dataclass(frozen=True)
class FooterLink:
    """`rel`: "me" where the page there belongs to the same people (microformats; Mastodon verifies sites by it)."""

    label: str
    address: str
    rel: str = ""


@lru_cache(maxsize=64)
def parse_links(text: str) -> tuple[FooterLink, ...]:
    """The links, in their order. A line is `Label https://example.org`, with `me` at its end for rel=me.

    Raises:
        ValueError: a line is no link, or there are too many; the message names the line.
    """
    lines = [(number, line.strip()) for number, line in enumerate(LINE_END.split(text), 1) if line.strip()]
    if len(lines) > MOST:
        raise ValueError(f"These are {len(lines)} links; at most {MOST} fit at the foot of a page.")
    return tuple(_link(number, line) for number, line in lines)


def _link(number: int, line: str) -> FooterLink:
    words = line.split()
    rel = words.pop() if len(words) > 2 and words[-1] == "me" and ADDRESS.fullmatch(words[-2]) else ""
    # In pasted text the address may come first, or in brackets.
    found = [word for word in words if ADDRESS.fullmatch(_bare(word))]
    if not found:
        raise ValueError(f"Line {number} has no address (with https://, mailto: or a / at its beginning). {HOW}")
    if len(found) > 1:
        raise ValueError(f"Line {number} has more than one address. {HOW}")
    words.remove(found[0])
    label, address = " ".join(words).rstrip(":").strip(), _bare(found[0])
    if not label:
        raise ValueError(f"Line {number} has an address and no words to show for it. {HOW}")
    if len(label) > LONGEST_LABEL or len(address) > LONGEST_ADDRESS:
        most = f"at most {LONGEST_LABEL} characters of words and {LONGEST_ADDRESS} of address"
        raise ValueError(f"Line {number} is too long: {most}.")
    if not _leads_somewhere(address):
        raise ValueError(f"Line {number}: {address} is not an address that a browser can open.")
    return FooterLink(label, address, rel)


def _bare(word: str) -> str:
    return word[1:-1] if word[:1] + word[-1:] in ("<>", "()") else word


def _leads_somewhere(address: str) -> bool:
    if "\\" in address or not address.isprintable():
        return False
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme in ("http", "https"):
        return bool(host) and (port is None or port > 0)
    return "@" in parts.path if parts.scheme == "mailto" else not address.startswith("//")
