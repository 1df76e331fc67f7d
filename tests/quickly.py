"""What every test would do again and never differently: compile an application's routes, templates and statements.

Making an application and a first page of it takes three quarters of a test's time otherwise (measured), and compiling
SQL a third of what is left. Nothing of the program's own is replaced: the same source gives the same code.
"""

from collections.abc import Callable
from typing import Any

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from blogapp.app import Application


class Compiled(BytecodeCache):
    """Templates that this process has compiled; told apart by name, place and a hash of their source."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (code := self.kept.get(bucket.key)) is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


def compile_once() -> None:
    """Keep what was compiled for as long as this process lives."""
    _compile_pages_once()
    _compile_statements_once()


def _compile_pages_once() -> None:
    Application.jinja_options = {**Application.jinja_options, "bytecode_cache": Compiled()}
    compiled: dict[Any, Callable[..., tuple[str, str]]] = {}
    original = Rule._compile_builder

    def builder(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        # All that werkzeug builds the function from; converters are looked up in the rule that it is called for.
        key = (self.rule, repr(self.defaults), self.subdomain, self.host, self.merge_slashes, append_unknown)
        if key not in compiled:
            compiled[key] = original(self, append_unknown)
        return compiled[key]

    Rule._compile_builder = builder  # type: ignore[method-assign]


def _compile_statements_once() -> None:
    """One cache for all engines, as a server has one for all requests.

    What SQLAlchemy compiled is found by its dialect and its statement, and each engine has a dialect object of its own.
    All of a kind speak alike here: one PostgreSQL, one SQLite, no options that change what is said.
    """
    kept: LRUCache[Any, Any] = LRUCache(10_000)
    Engine._compiled_cache = property(lambda _: kept, lambda *_: None)  # type: ignore[assignment]
    DefaultDialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]
    DefaultDialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
