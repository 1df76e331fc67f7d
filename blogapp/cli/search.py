"""`blogapp search …`: the index that readers search."""

import click

from blogapp.cli.context import inside
from blogapp.cli.output import progress_bar
from blogapp.core.errors import Conflict
from blogapp.posts.queries import count_posts
from blogapp.posts.searching import SLICE, find_differences, rebuild


@click.group()
def search() -> None:
    """The index that readers search: build it again, or check it."""


@search.command("rebuild")
def rebuild_() -> None:
    """Make the index of the posts again, some at a time; readers search and members write meanwhile.

    It is kept by itself: this is for another site language, or a program that reads texts in another way. Stop it as
    you like, and run it again.

    \b
    Example:
      blogapp search rebuild
    """
    with inside():
        total = count_posts()
        with progress_bar("Reading") as moved:
            for number, _ in enumerate(rebuild(), 1):
                moved(min(number * SLICE, total), total)
        click.echo(f"The index is made of {total} {'post' if total == 1 else 'posts'} again, drafts left out.")


@search.command()
def check() -> None:
    """See that just the public posts are in the index.

    \b
    Example:
      blogapp search check
    """
    with inside():
        missing, leaking = find_differences()
        if missing or leaking:
            told = ", ".join(map(str, sorted([*missing, *leaking])[:20]))
            raise Conflict(
                f"{len(missing)} public posts are not in the index, {len(leaking)} in it are not public: {told}. "
                "Run `blogapp search rebuild`."
            )
        click.echo("The index holds just the public posts.")
