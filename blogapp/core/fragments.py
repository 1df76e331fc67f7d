"""`{% kept post, level %}…{% endkept %}`: a piece of a page that is rendered once for the values it names.

What stands in it may depend on nothing else: not on who is asking, not on the time, not on what the database says. The
settings are the application's, and each application remembers for itself. Own templates may know no such rule, so in
them the tag does nothing.
"""

from pathlib import Path
from typing import Any, cast

from flask import Flask, has_request_context, request
from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Macro
from markupsafe import Markup

from blogapp.core.remembered import Remembered
from blogapp.core.resources import resource_dir

# A line of a list takes 2 kB with its key, a year of the calendar 10: some thousand of each.
MOST_BYTES = 12_000_000


class Kept(Extension):
    """The tag."""

    tags = {"kept"}  # jinja2 says so

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.pieces: Remembered[Markup] = Remembered(MOST_BYTES)

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        line = next(parser.stream).lineno
        values = parser.parse_tuple()
        body = parser.parse_statements(("name:endkept",), drop_needle=True)
        if not is_shipped(parser.filename):
            return body
        place = nodes.Const(f"{parser.name}:{line}")
        return nodes.CallBlock(self.call_method("_piece", [place, values]), [], [], body).set_lineno(line)

    def _piece(self, place: str, values: Any, caller: Macro) -> str:
        if not has_request_context() or request.script_root:  # Addresses begin with it.
            return str(caller())
        return self.pieces.get((place, values), lambda: cast(Markup, caller()))


def is_shipped(filename: str | None) -> bool:
    """Whether a template came with the program."""
    return filename is not None and Path(filename).is_relative_to(resource_dir("templates"))


def init_fragments(app: Flask) -> None:
    """Teach the templates of `app` the tag."""
    app.jinja_env.add_extension(Kept)
