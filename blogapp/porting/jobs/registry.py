"""All kinds of jobs that there are. A new one is a function and a `Kind` in imports.py or exports.py."""

from blogapp.core.errors import NotFound
from blogapp.porting.jobs import exports, imports
from blogapp.porting.jobs.kinds import Kind

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*imports.KINDS, *exports.KINDS)}


def kinds_that(do: str) -> list[Kind]:
    """Those that `import` or `export`, in the order in which they are offered."""
    return [kind for kind in KINDS.values() if kind.does == do]


def find_kind(name: str) -> Kind:
    """The kind of that name.

    Raises:
        NotFound: there is none.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise NotFound("This site can do nothing of that kind.") from None
