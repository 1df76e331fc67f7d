"""Templates and files of the site's own, from the data folder: they win over those that came with the program.

`<data_dir>/templates/NAME` stands for the shipped NAME, which goes on being there as `blogapp/NAME`, so that one can
extend it and change a block. Whoever may write into the data folder is trusted; a mistake of theirs must still not take
the site down. What does not compile is left out, and what fails while it is shown is shown by the shipped templates
instead. Templates are read once per process: a change of one shows after a restart, which also empties the page cache.
"""

import hashlib
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from traceback import extract_tb
from typing import Any, cast

from flask import Flask, current_app
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
)

from blogapp.core.assets import content_mark
from blogapp.core.config import EXTENSION as CONFIG
from blogapp.core.config import Settings, settings
from blogapp.core.resources import resource_dir

EXTENSION = "blogapp.overrides"
# Not app.logger: whoever asks for that before the log is set up gets a handler of Flask's own, and every line twice.
LOG = logging.getLogger("blogapp")
SHIPPED = "blogapp"
ORIGIN = re.compile(r"\{#-? A copy of \S+ as blogapp came with it, (?P<mark>[0-9a-f]{12})\.")
NO_FILE = re.compile(r"(?:^|/)\.|~$|\\|\0")


@dataclass(frozen=True)
class Trouble:
    """An own template that cannot be used. `reason` is a line for an admin."""

    name: str
    reason: str


class OwnTemplates(FileSystemLoader):
    """The templates in the data folder; one that does not compile is as if it were not there, and is told of once."""

    def __init__(self, folder: Path, told: Callable[[str, str], None]) -> None:
        super().__init__(folder)
        self.told = told

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            source, filename, uptodate = super().get_source(environment, template)
            environment.compile(source, template, filename)
        except TemplateNotFound:  # an OSError too
            raise
        except TemplateSyntaxError as error:
            self.told(template, f"line {error.lineno}: {error.message}")
        except (OSError, UnicodeDecodeError) as error:
            self.told(template, f"cannot be read ({error.__class__.__name__})")
        else:
            return source, filename, uptodate
        raise TemplateNotFound(template)


class Forgiving(Template):
    """A template that is shown as it was shipped when an own one fails in the middle."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        try:
            return super().render(*args, **kwargs)
        except Exception as error:
            own: Own = current_app.extensions[EXTENSION]
            if self.name is None or (at := own.place_in(error)) is None:
                raise
            try:
                shown = own.shipped.get_template(self.name).render(*args, **kwargs)
            except Exception:
                raise error from None  # It was not the template: the database is away, the post is gone.
            own.tell(*at)
            return shown


class Own:
    """What this process knows of the site's own templates."""

    def __init__(self, app: Flask) -> None:
        self.folder = cast(Settings, app.extensions[CONFIG]).data_dir / "templates"
        self.troubles: dict[str, str] = {}
        shipped = FileSystemLoader(resource_dir("templates"))
        originals = PrefixLoader({SHIPPED: shipped})
        own = [OwnTemplates(self.folder, self.tell)] if self.folder.is_dir() else []
        app.jinja_loader = ChoiceLoader([*own, shipped, originals])
        self.shipped = app.jinja_env.overlay(loader=cast(BaseLoader, ChoiceLoader([shipped, originals])))
        if own:
            app.jinja_env.template_class = Forgiving

    def tell(self, name: str, reason: str) -> None:
        """Note it for admins; the log gets each once."""
        if self.troubles.get(name) != reason:
            LOG.error("own template %s is broken: %s", name, reason)
        self.troubles[name] = reason

    def place_in(self, error: Exception) -> tuple[str, str] | None:
        """The own template in which it broke, and how; None where none of them had a part in it."""
        for frame in reversed(extract_tb(error.__traceback__)):
            path = Path(frame.filename)
            if path.is_relative_to(self.folder):
                kind = "no template is called " if isinstance(error, TemplateNotFound) else ""
                said = kind + (" ".join(str(error).split())[:200] or error.__class__.__name__)
                return path.relative_to(self.folder).as_posix(), f"line {frame.lineno}: {said}"
        return None


def init_overrides(app: Flask) -> None:
    """Let own templates win, and say of each that cannot be used why, in a line."""
    own = app.extensions[EXTENSION] = Own(app)
    app.jinja_env.globals["own"] = own_file
    for name in own_templates(own.folder):
        with suppress(TemplateNotFound):  # the loader tells of it
            app.jinja_env.get_template(name)


def troubles() -> list[Trouble]:
    """What is wrong with the site's own templates, as far as this process has seen."""
    own: Own = current_app.extensions[EXTENSION]
    return [Trouble(name, reason) for name, reason in sorted(own.troubles.items())]


def own_templates(folder: Path) -> list[str]:
    """The names of the templates in a folder, editors' leftovers and hidden files left out."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if not NO_FILE.search(name))


def shipped_templates() -> list[str]:
    """The names of the templates that came with the program."""
    return own_templates(resource_dir("templates"))


def shipped_mark(name: str) -> str:
    """Changes whenever the shipped template does."""
    return hashlib.sha256((resource_dir("templates") / name).read_bytes()).hexdigest()[:12]


def copied_from(source: str) -> str | None:
    """The mark of the shipped template that an own one began as a copy of; None where it does not say."""
    found = ORIGIN.match(source)
    return found["mark"] if found else None


def copy_of(name: str) -> str:
    """The shipped template, with a first line that remembers which version it was."""
    source = (resource_dir("templates") / name).read_text(encoding="utf-8")
    return f"{{# A copy of {name} as blogapp came with it, {shipped_mark(name)}. -#}}\n{source}"


# Files


def own_path(name: str) -> Path | None:
    """The file of that name in `<data_dir>/static`, if there is one that may be shown."""
    folder = settings().data_dir / "static"
    if NO_FILE.search(name) or ".." in PurePosixPath(name).parts:
        return None
    path = folder / name
    try:
        return path if path.is_file() else None
    except OSError:  # A name longer than the file system has.
        return None


def own_file(name: str) -> str:
    """The address of an own file, for templates; "" where there is no such file."""
    path = own_path(name)
    return f"/own/{name}?v={content_mark(path)}" if path else ""
