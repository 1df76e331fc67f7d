"""What somebody wants to import: told by what lies there, not by its name."""

import re
from itertools import islice
from pathlib import Path

from blogapp.core.errors import Invalid
from blogapp.porting.documents import BadDocument
from blogapp.porting.files import find_candidates, open_regular
from blogapp.porting.services.sites import HUGO_CONFIG, JEKYLL_CONFIG, MARKDOWN

KINDS = ("snips", "ghost", "wordpress", "markdown", "substack")
HEAD_BYTES = 64 * 1024
# So many files of a folder are looked at.
SAMPLE = 2_000
GHOST = re.compile(rb'\s*\{\s*"(?:db|meta|data)"\s*:')
FRONT = re.compile(rb"(?:\xef\xbb\xbf)?(?:---|\+\+\+)[ \t]*\r?\n|\{\s*\"")
SNIP = re.compile(rb"^:[^:\s]+:", re.MULTILINE)
NOTHING = (
    "There is nothing there that can be imported. Looked for: snips (files with `:key: value` lines), Ghost's .json, "
    "WordPress's .xml, a folder of Jekyll, Hugo or Markdown with front matter, Substack's posts.csv."
)


def detect(path: Path) -> str:
    """One of KINDS: what a file or a folder is. Archives are opened first (`unpacking.opened`).

    Raises:
        BadDocument: it is none of them; the message says what was looked for.
    """
    kind = _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
    if not kind:
        raise BadDocument(NOTHING)
    return kind


def _kind_of_folder(folder: Path) -> str:
    names = {entry.name for entry in folder.iterdir()}
    if "posts.csv" in names:
        return "substack"
    if names & {*JEKYLL_CONFIG, *HUGO_CONFIG, "_posts", "_drafts"} or folder.name in ("_posts", "_drafts"):
        return "markdown"
    for name in sorted(names):
        if name.endswith((".json", ".xml")) and (kind := _kind_of_file(folder / name)):
            return kind
    candidates = islice((found.path for found in find_candidates([folder]) if not found.reason), SAMPLE)
    texts = [path for path in candidates if ".snip." in path.name or path.suffix.lower() in (*MARKDOWN, ".html")]
    if any(".snip." in path.name for path in texts):
        return "snips"
    kinds = [_kind_of_file(path) for path in texts[:50] if path.suffix.lower() in MARKDOWN]
    return next((kind for kind in ("markdown", "snips") if kind in kinds), "")


def _kind_of_file(path: Path) -> str:
    head = _head(path)
    if path.name == "posts.csv" and b"post_id" in head:
        return "substack"
    if GHOST.match(head):
        return "ghost"
    if b"<rss" in head and b"wordpress.org/export/" in head:
        return "wordpress"
    if ".snip." in path.name:
        return "snips"
    if path.suffix.lower() in MARKDOWN:
        return "markdown" if FRONT.match(head) else "snips" if SNIP.search(head) else ""
    return ""


def _head(path: Path) -> bytes:
    try:
        with open_regular(path, 1 << 62) as file:
            return file.read(HEAD_BYTES)
    except Invalid:
        return b""
