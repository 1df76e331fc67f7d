"""What a site has chosen of its looks, read now: the accent, the links at the foot."""

from blogapp.core.colours import Accent, accent, parse_colour
from blogapp.core.config import settings
from blogapp.core.footer import FooterLink, parse_links
from blogapp.core.site import choice


def site_accent() -> Accent:
    """The accent that an admin chose, else the setting's."""
    return accent(parse_colour(choice("site_accent") or settings().site_accent))


def footer_links() -> tuple[FooterLink, ...]:
    """The links at the foot of every page, in their order."""
    return parse_links(choice("footer_links"))
