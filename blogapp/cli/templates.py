"""`blogapp templates`: which templates there are, and which the site has of its own."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from blogapp.cli.context import inside
from blogapp.cli.output import json_option, show
from blogapp.core import overrides
from blogapp.core.config import settings
from blogapp.core.errors import Conflict, NotFound


@click.group()
def templates() -> None:
    """Templates of the site's own, in the folder templates of the data folder.

    They win over those that came with the program; docs/look.md tells how to write one.

    \b
    Begin with a copy:
      blogapp templates copy reading/post.html
    """


@templates.command("list")
@click.option("--own", is_flag=True, help="Only those that the site has of its own.")
@json_option
def list_(own: bool, as_json: bool) -> None:
    """List the templates, and say how the site's own ones stand.

    \b
    For example:
      blogapp templates list --own
    """
    with inside(any_schema=True):
        folder = _folder()
        shipped, theirs = set(overrides.shipped_templates()), set(overrides.own_templates(folder))
        broken = {trouble.name: trouble.reason for trouble in overrides.troubles()}
        names = sorted(theirs if own else shipped | theirs)
        rows = [{"template": name, **_standing(folder / name, name, shipped, theirs, broken)} for name in names]
        show(rows, as_json=as_json, empty="No own templates. `blogapp templates copy NAME` begins one.")


def _standing(path: Path, name: str, shipped: set[str], theirs: set[str], broken: dict[str, str]) -> dict[str, Any]:
    if name not in theirs:
        return {"state": "shipped", "about": ""}
    if name in broken:
        return {"state": "broken", "about": f"not used: {broken[name]}"}
    if name not in shipped:
        return {"state": "own", "about": "none that came with the program has this name"}
    mark = overrides.copied_from(path.read_text(encoding="utf-8", errors="replace"))
    if mark and mark != overrides.shipped_mark(name):
        return {"state": "overridden", "about": "a copy of an older version: compare it with a new copy"}
    return {"state": "overridden", "about": ""}


@templates.command()
@click.argument("name")
def copy(name: str) -> None:
    """Copy the shipped template NAME into the data folder, to be changed there.

    Its first line remembers which version it was, so that `templates list` can tell when a newer one is there.

    \b
    For example:
      blogapp templates copy reading/post.html
    """
    with inside(any_schema=True):
        shipped = overrides.shipped_templates()
        if name not in shipped:
            near = get_close_matches(name, shipped, 1)
            hint = f" Did you mean {near[0]}?" if near else " `blogapp templates list` names them all."
            raise NotFound(f"No template that came with the program is called {name}.{hint}")
        path = _folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(overrides.copy_of(name))
        except FileExistsError:
            raise Conflict(f"{path} is there already. Move it away first; it was left as it is.") from None
        click.echo(f"{path}: change it, then start blogapp again.")


def _folder() -> Path:
    return settings().data_dir / "templates"
