"""Front matter, as Jekyll, Hugo and their like have it: YAML, TOML or JSON, and the text below it."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blogapp.porting.documents import BadDocument
from blogapp.porting.services.frontyaml import MAX_BYTES, read_yaml
from blogapp.porting.services.terms import as_text, moment, shorten, words

FENCED = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)(?<=\n)\1[ \t]*(?:\n|\Z)", re.DOTALL)
OPENING = re.compile(r"(---|\+\+\+)[ \t]*\n")
YES_OR_NO = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "": False}


@dataclass(frozen=True)
class Front:
    """A file taken apart. Keys are asked for in small letters.

    values, written: what the keys mean, and how they were written.
    line: the number of the first line of `body` in the file.
    """

    values: Mapping[str, Any]
    written: Mapping[str, str]
    body: str
    line: int
    is_there: bool

    def text(self, *keys: str) -> str:
        """The first of these keys that says something, as it was written."""
        return next((text for key in keys if (text := self.written.get(key, "").strip())), "")

    def names(self, *keys: str) -> list[str]:
        """All names that these keys list."""
        return list(dict.fromkeys(name for key in keys for name in words(self.values.get(key))))

    def time(self, *keys: str) -> datetime | None:
        """
        Raises:
            BadDocument: the first of these that is there is no time.
        """
        key = next((key for key in keys if self.values.get(key) not in (None, "")), "")
        return moment(self.values[key], key) if key else None

    def yes(self, key: str, default: bool = False) -> bool:
        """
        Raises:
            BadDocument: it is neither true nor false.
        """
        if key not in self.values or self.values[key] is None:
            return default
        try:
            return YES_OR_NO[str(self.values[key]).strip().lower()]
        except KeyError:
            raise BadDocument(f"`{key}` should be true or false, not {shorten(self.written[key])}") from None

    def over(self, defaults: Mapping[str, Any]) -> "Front":
        """The same with values for keys that it does not have itself."""
        more = {key: value for key, value in defaults.items() if key not in self.values}
        written = {key: as_text(value) for key, value in more.items()}
        return Front({**self.values, **more}, {**self.written, **written}, self.body, self.line, self.is_there)


def split(text: str) -> Front:
    """Take a file apart; one without front matter is all body.

    Raises:
        BadDocument: the front matter has no end, or cannot be read.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if match := FENCED.match(text):
        read = read_yaml if match[1] == "---" else _read_toml
        values, written = read(match[2])
        return _front(values, written, text, match.end())
    if OPENING.match(text):
        raise BadDocument(f"its front matter has no end: no line is `{text[:3]}`")
    if re.match(r"\{\s*[\"}]", text):
        return _read_json(text)
    return _front({}, {}, text, 0)


def _front(values: dict[str, Any], written: dict[str, str], text: str, end: int) -> Front:
    line = text.count("\n", 0, end) + 1
    low_values = {key.lower(): value for key, value in values.items()}
    return Front(low_values, {key.lower(): value for key, value in written.items()}, text[end:], line, end > 0)


def _read_toml(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise BadDocument(f"its front matter is larger than {MAX_BYTES // 1000} kB")
    try:
        values = tomllib.loads(text)
        return values, {key: as_text(value) for key, value in values.items()}
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise BadDocument(f"its front matter cannot be read: {shorten(str(error))}") from None


def _read_json(text: str) -> Front:
    try:
        values, end = json.JSONDecoder().raw_decode(text[: MAX_BYTES + 1])
    except (ValueError, RecursionError):
        raise BadDocument(f"its front matter is no JSON, or is larger than {MAX_BYTES // 1000} kB") from None
    end += len(text[end:]) - len(text[end:].lstrip("\n"))
    return _front(values, {key: as_text(value) for key, value in values.items()}, text, end)
