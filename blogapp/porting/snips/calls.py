"""Reading a call of a template helper, such as `image_tag 'a.png', alt: 'A', class: "wide"`. Pure; nothing is run."""

import re
from collections import deque
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\#]|\\.|\#(?!\{))*\")|(?P<key>[A-Za-z_]\w*):(?!:)|:(?P<symbol>\w+)"
    r"|(?P<rocket>=>)|(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z_]\w*)|(?P<sign>[(),{}]))"
)
DEEPEST = 4


class Unreadable(Exception):
    """It is no call of the plain form that helpers have."""


@dataclass(frozen=True)
class Symbol:
    """`:li`"""

    name: str


@dataclass
class Call:
    """`name(arguments, option: value)`. Values are strings, numbers, symbols, truth values and other calls."""

    name: str
    arguments: list["Value"] = field(default_factory=list)
    options: dict[str, "Value"] = field(default_factory=dict)

    def text(self, number: int) -> str:
        """An argument that has to be a string.

        Raises:
            TypeError, IndexError: it is something else, or missing.
        """
        value = self.arguments[number]
        if not isinstance(value, str):
            raise TypeError(value)
        return value


Value = str | Symbol | Call | bool | None
WORDS: dict[str, Value] = {"true": True, "false": False, "nil": None}


def parse_call(source: str) -> Call:
    """
    Raises:
        Unreadable: there is more or less in it than one plain call.
    """
    reader = _Reader(source)
    call = reader.call(bare=True)
    if reader.tokens:
        raise Unreadable(source)
    return call


class _Reader:
    def __init__(self, source: str) -> None:
        self.tokens: deque[tuple[str, str]] = deque()
        self.depth = 0
        at, end = 0, len(source.rstrip())
        while at < end:
            match = TOKEN.match(source, at)
            if match is None:
                raise Unreadable(source)
            self.tokens.append((str(match.lastgroup), str(match[str(match.lastgroup)])))
            at = match.end()

    def _peek(self) -> tuple[str, str]:
        return self.tokens[0] if self.tokens else ("end", "")

    def _take(self, kind: str, text: str | None = None) -> str:
        found, said = self._peek()
        if found != kind or (text is not None and said != text):
            raise Unreadable(said)
        self.tokens.popleft()
        return said

    def call(self, *, bare: bool) -> Call:
        """`name(…)`, or without brackets where `bare`."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable
        call = Call(self._take("word"))
        if self._peek() == ("sign", "("):
            self._take("sign", "(")
            self._arguments(call, ")")
            self._take("sign", ")")
        elif bare and self.tokens:
            self._arguments(call, "")
        self.depth -= 1
        return call

    def _arguments(self, call: Call, end: str) -> None:
        while self._peek() not in (("sign", end), ("end", "")):
            kind, said = self._peek()
            if kind == "key":
                self.tokens.popleft()
                call.options[said] = self._value()
            elif kind == "symbol" and len(self.tokens) > 1 and self.tokens[1][0] == "rocket":
                self.tokens.popleft()
                self.tokens.popleft()
                call.options[said] = self._value()
            else:
                call.arguments.append(self._value())
            if self._peek() == ("sign", ","):
                self._take("sign", ",")
            elif self._peek() not in (("sign", end), ("end", "")):
                raise Unreadable(said)

    def _value(self) -> Value:
        kind, said = self._peek()
        if kind == "string":
            self.tokens.popleft()
            return re.sub(r"\\(.)", r"\1", said[1:-1])
        if kind == "number":
            self.tokens.popleft()
            return said
        if kind == "symbol":
            self.tokens.popleft()
            return Symbol(said)
        if kind == "word" and said in WORDS:
            self.tokens.popleft()
            return WORDS[said]
        return self.call(bare=False)
