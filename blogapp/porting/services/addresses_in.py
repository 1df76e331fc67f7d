"""The addresses in a text of Markdown or HTML, and saying them otherwise."""

import re
from collections.abc import Callable

# `](address`, `src="address`, `[id]: address`; what a code block shows of these is changed along with the rest.
ADDRESS = re.compile(
    r"(?P<before>\]\(\s{0,3}<?|\b(?:src|href|poster)\s?=\s?[\"']?|^ {0,3}\[[^\]\n]{1,200}\]:[ \t]{0,3}<?)"
    r"(?P<address>[^\s\"'<>()\\]{1,2000})",
    re.MULTILINE,
)


def change_addresses(text: str, change: Callable[[str], str]) -> str:
    """The text with every address replaced by what `change` makes of it."""
    return ADDRESS.sub(lambda match: match["before"] + change(match["address"]), text)
