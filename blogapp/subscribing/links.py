"""The links by which subscribers come back to us. They stand in every mail, never expire, and are proof enough."""

from blogapp.core import tokens
from blogapp.core.site import link_key

# What stands in their place in a test copy and a preview: it opens a page that says so, and changes nothing.
NOBODYS_TOKEN = "0-nobody"
NOBODY = 0


def preferences_token(subscriber_id: int) -> str:
    """What stands in the address of somebody's own page."""
    return tokens.link_token(link_key(), "preferences", subscriber_id)


def read_preferences(token: str) -> int:
    """Whose page a link opens; NOBODY for a test copy's. Raises NotFound."""
    return _read("preferences", token)


def read_unsubscribe(token: str) -> int:
    """Whom a link at the foot of a digest takes off the list; NOBODY for a test copy's. Raises NotFound."""
    return _read("unsubscribe", token)


def _read(purpose: str, token: str) -> int:
    return NOBODY if token.lower() == NOBODYS_TOKEN else tokens.read_link_token(link_key(), purpose, token)
