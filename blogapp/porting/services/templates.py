"""The template tags of Jekyll (Liquid) and Hugo (shortcodes) in a text: the plain ones are said in Markdown or HTML.

Nothing is evaluated. What is not known stays as it is, and is named with its line.
"""

import re
from collections.abc import Callable
from html import escape

from blogapp.porting.documents import BadDocument
from blogapp.porting.services.embeds import embed, vimeo, youtube
from blogapp.porting.services.fragments import figure, image
from blogapp.porting.services.terms import Lines, shorten, slug_from

# From the outside in: what stands inside a raw or a highlighted block is text. Every search has an end, and
# there are at most so many, so that a text full of openings without an end takes no minutes.
MAX_TAGS = 2_000
LIQUID = re.compile(
    r"\{%-?\s*raw\s*-?%\}(?P<raw>.{0,20000}?)\{%-?\s*endraw\s*-?%\}"
    r"|\{%-?\s*comment\s*-?%\}(?P<comment>.{0,20000}?)\{%-?\s*endcomment\s*-?%\}"
    r"|\{%-?\s*highlight\s+(?P<language>[\w+#.-]+)[^%]*-?%\}\n?(?P<code>.{0,20000}?)\n?\{%-?\s*endhighlight\s*-?%\}"
    r"|\{%-?\s*(?:post_url|link)\s+(?P<document>[^%]+?)\s*-?%\}"
    r"|\{\{-?\s*site\.(?:baseurl|url)\s*-?\}\}(?P<nothing>)"
    r"|\{\{-?\s*(?P<quote>['\"])(?P<path>[^'\"{}]*)(?P=quote)\s*\|\s*"
    r"(?:relative_url|absolute_url|prepend:\s*site\.\w+(?:\s*\|\s*prepend:\s*site\.\w+)?)\s*-?\}\}"
    r"|\{%.{0,2000}?%\}|\{\{.{0,2000}?\}\}",
    re.DOTALL,
)
HUGO = re.compile(
    r"\{\{<\s*/\*(?P<said>.{0,2000}?)\*/\s*>\}\}"
    r"|\{\{%\s*/\*(?P<said_too>.{0,2000}?)\*/\s*%\}\}"
    r"|\{\{[<%]\s*highlight\s+(?P<language>[\w+#.-]+)[^>%]{0,200}[>%]\}\}\n?(?P<code>.{0,20000}?)\n?\{\{[<%]\s*/\s*highlight\s*[>%]\}\}"
    r"|\{\{[<%]\s*(?P<name>[\w./-]+)(?P<arguments>(?:[^>%`\"]|\"(?:\\.|[^\"\\])*\"|`[^`]*`){0,2000}?)/?\s*[>%]\}\}"
    r"|\{\{[<%].{0,2000}?[>%]\}\}",
    re.DOTALL,
)
ARGUMENT = re.compile(
    r'(?:(?P<key>\w+)\s*=\s*)?(?:"(?P<quoted>(?:\\.|[^"\\])*)"|`(?P<plain>[^`]*)`|(?P<bare>[^\s"`=]+))'
)
POST_NAME = re.compile(r"\d{4}-\d\d?-\d\d?-")

Warnings = tuple[tuple[int, str], ...]


def translate_liquid(text: str, first_line: int = 1) -> tuple[str, Warnings]:
    """A text of Jekyll's, and what stays in it that only Jekyll understands.

    Raises:
        BadDocument: it is made of template tags.
    """
    return _translate(LIQUID, _liquid, text, first_line)


def translate_hugo(text: str, first_line: int = 1) -> tuple[str, Warnings]:
    """A text of Hugo's, and what stays in it that only Hugo understands.

    Raises:
        BadDocument: it is made of template tags.
    """
    return _translate(HUGO, _hugo, text, first_line)


def _translate(
    pattern: re.Pattern[str], say: Callable[[re.Match[str]], str | None], text: str, first_line: int
) -> tuple[str, Warnings]:
    if text.count("{{") + text.count("{%") > MAX_TAGS:
        raise BadDocument(f"it has more than {MAX_TAGS:,} template tags")
    lines = Lines(text, first_line)
    unknown: list[tuple[int, str]] = []

    def instead(match: re.Match[str]) -> str:
        said = say(match)
        if said is None:
            unknown.append((lines.at(match.start()), f"{shorten(match[0])} stays as text"))
            return match[0]
        return said

    return pattern.sub(instead, text), tuple(unknown)


def _liquid(match: re.Match[str]) -> str | None:
    if match["raw"] is not None:
        return match["raw"]
    if match["comment"] is not None or match["nothing"] is not None:
        return ""
    if match["language"]:
        return _fenced(match["language"], match["code"])
    if match["document"]:
        return address_of_document(match["document"])
    return match["path"]


def _hugo(match: re.Match[str]) -> str | None:
    if (said := match["said"] or match["said_too"]) is not None:
        return f"{match[0][:3]}{said}{match[0][-3:]}"
    if match["language"]:
        return _fenced(match["language"], match["code"])
    return _shortcode(match["name"], match["arguments"]) if match["name"] else None


def _shortcode(name: str, arguments: str) -> str | None:
    """What one of Hugo's own shortcodes shows: https://gohugo.io/shortcodes/"""
    named: dict[str, str] = {}
    for place, argument in enumerate(ARGUMENT.finditer(arguments)):
        value = argument["quoted"] if argument["quoted"] is not None else argument["plain"] or argument["bare"] or ""
        named[argument["key"] or str(place)] = value.replace('\\"', '"')
    first = named.get("0", "") or named.get("id", "")
    if name == "figure" and named.get("src"):
        return _figure(named)
    if name in ("ref", "relref"):
        return address_of_document(first or named.get("path", ""))
    if name == "youtube" and youtube(first):
        return embed(youtube(first))
    if name == "vimeo" and vimeo(first):
        return embed(vimeo(first))
    return None


def _figure(named: dict[str, str]) -> str:
    caption = escape(named.get("caption", ""), quote=False)
    title = f"<strong>{escape(named['title'], quote=False)}</strong> " if named.get("title") else ""
    picture = image(named["src"], named.get("alt", "") or named.get("caption", ""))
    if named.get("link"):
        picture = f'<a href="{escape(named["link"])}">{picture}</a>'
    return figure(picture, title + caption)


def _fenced(language: str, code: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"


def address_of_document(document: str) -> str | None:
    """Where a document that is named by its file will be read here: all of them have flat addresses."""
    path, mark, place = document.strip("'\" ").partition("#")
    stem = path.rstrip("/").rpartition("/")[2]
    if stem.partition(".")[0] in ("index", "_index"):
        stem = path.rstrip("/").rpartition("/")[0].rpartition("/")[2]
    slug = slug_from(POST_NAME.sub("", re.sub(r"\.(?:md|markdown|html?)$", "", stem)))
    if not slug:
        return f"#{place}" if mark else None
    return f"/{slug}{mark}{place}"
