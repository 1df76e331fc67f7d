"""Paragraphs for WordPress's classic texts, in which a blank line parts them and a line end is a break.

WordPress says these when it shows a post, and its export holds the text without them. Own work, held against what its
documentation of `wpautop` promises: blocks stay as they are, and a break before or after one is none.
"""

import re

BLOCKS = (
    "address article aside audio blockquote caption center col colgroup dd details dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr iframe legend li main map math menu nav noscript ol "
    "optgroup option p pre script section select style summary svg table tbody td textarea tfoot th thead tr ul video"
).split()
# In these every piece of text is a paragraph.
FLOW = frozenset("article aside blockquote body footer form header main section".split())
# In these there are paragraphs only where a blank line parts the text.
LOOSE = frozenset("address center dd details div fieldset figcaption figure li td th".split())
# In these there is text, but no paragraph.
LINES = frozenset("caption dt h1 h2 h3 h4 h5 h6 legend p summary".split())
VERBATIM = re.compile(r"<(pre|script|style|textarea|svg|math)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
BLOCK = re.compile(rf"<!--.*?-->|<(?P<close>/?)(?P<tag>{'|'.join(BLOCKS)})(?=[\s/>])[^>]*>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")
VOID = frozenset(("hr", "col"))
BLANK = re.compile(r"\n\s*\n")
KEPT = "\x1a{}\x1a"
SPAN = re.compile(r"\x1a(\d+)\x1a")


def add_paragraphs(text: str) -> str:
    """Classic text as HTML."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\n\n{KEPT.format(len(kept) - 1)}\n\n"

    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x1a", "")
    text = VERBATIM.sub(keep, text)
    text = TAG.sub(lambda match: match[0].replace("\n", " "), text)
    text = re.sub(r"<br\s*/?>\s*<br\s*/?>", "\n\n", text, flags=re.IGNORECASE)
    shown = ""
    for piece in filter(str.strip, _pieces(text)):
        shown += ("\n" if shown.endswith((">", "\x1a")) and piece[0] in "<\x1a" else "") + piece
    return SPAN.sub(lambda match: kept[int(match[1])], shown)


def _pieces(text: str) -> list[str]:
    """Blocks' tags as they are, and what stands between them in paragraphs where these belong."""
    pieces: list[str] = []
    around = ["body"]
    end = 0
    for match in BLOCK.finditer(text):
        pieces.append(_inside(around[-1], text[end : match.start()]))
        pieces.append(match[0])
        end = match.end()
        tag = (match["tag"] or "").lower()
        if not tag or tag in VOID or match[0].endswith("/>"):
            continue
        if not match["close"]:
            around.append(tag)
        elif tag in around[1:]:
            while around.pop() != tag:
                pass
    pieces.append(_inside(around[-1], text[end:]))
    return pieces


def _inside(block: str, text: str) -> str:
    stripped = text.strip()
    if not stripped:
        return ""
    parts = [part.strip() for part in BLANK.split(stripped) if part.strip()]
    if block in FLOW or (block in LOOSE and len(parts) > 1):
        return "\n".join(part if SPAN.fullmatch(part) else f"<p>{_breaks(part)}</p>" for part in parts)
    if block == "p":
        return "</p>\n<p>".join(map(_breaks, parts))
    if block in LOOSE or block in LINES:
        return "<br>\n".join(map(_breaks, parts))
    return text


def _breaks(text: str) -> str:
    return re.sub(r"(?:<br\s*/?>)?[ \t]*\n[ \t]*", "<br>\n", text, flags=re.IGNORECASE)
