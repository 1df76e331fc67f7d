"""Templates: each compiles, holds nothing that the content security policy forbids, and is used."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, TemplateSyntaxError

from blogapp.core.fragments import Kept

TEMPLATES = Path("templates")
# What the policy forbids on pages. Mails and feeds are not pages.
FORBIDDEN = {
    "an inline style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.S),
    "an inline event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.S),
    "an inline script": re.compile(r"<script(?![^>]*\s(?:src=|type=\"application/ld\+json\"))[^>]*>", re.S),
    "a javascript: address": re.compile(r"href\s*=\s*[\"']?javascript:", re.I),
    "something from another host": re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']https?://", re.I),
}


def findings() -> list[str]:
    """What is wrong, a line each."""
    found: list[str] = []
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, extensions=["jinja2.ext.do", Kept])
    sources = {path.relative_to(TEMPLATES).as_posix(): path.read_text("utf-8") for path in _files()}
    for name, source in sources.items():
        try:
            environment.parse(source, name)
        except TemplateSyntaxError as error:
            found.append(f"{name}:{error.lineno}: {error.message}")
        if name.endswith(".html") and not name.startswith("emails/"):
            found += [
                f"{name}:{source[: match.start()].count(chr(10)) + 1}: {what}"
                for what, pattern in FORBIDDEN.items()
                for match in pattern.finditer(source)
            ]
    return found + _unused(sources)


def _files() -> list[Path]:
    return [path for path in sorted(TEMPLATES.rglob("*")) if path.is_file() and not path.name.endswith("~")]


def _unused(sources: dict[str, str]) -> list[str]:
    """Templates that neither the code nor another template names."""
    code = "\n".join(path.read_text("utf-8") for path in Path("blogapp").rglob("*.py")) + "\n".join(sources.values())
    unused = []
    for name in sources:
        # Mails are found by their folder's name: templates/emails/<purpose>/body.txt
        parts = name.split("/")
        wanted = parts[1] if parts[0] == "emails" and len(parts) == 3 else name
        if wanted not in code:
            unused.append(f"{name}: nothing uses it")
    return unused
