"""Where the pictures and files that a site's documents show lie in its folder."""

from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from blogapp.porting.services.addresses_in import change_addresses
from blogapp.porting.services.sites import HTML, MARKDOWN, Site
from blogapp.porting.services.templates import address_of_document

# Folders whose content Hugo serves from the top.
HUGO_TOPS = ("static", "assets")


def with_site_files(site: Site, document: PurePosixPath, body: str) -> str:
    """The text with every address of a file of the site written from the site's folder on: `/static/images/team.jpg`.

    An address that leads to another document by its file becomes the one that it has here.
    """
    return change_addresses(body, lambda address: _found(site, document, address) or address)


def _found(site: Site, document: PurePosixPath, address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    path = unquote(parts.path)
    if parts.scheme or parts.netloc or not path or path.endswith("/") or "\0" in path:
        return ""
    for folder in _folders(site, document, path):
        file = folder / path.lstrip("/")
        if _is_inside(file, site.root):
            if file.suffix.lower() in (*MARKDOWN, *HTML):
                return (address_of_document(path) or "") + (f"#{parts.fragment}" if parts.fragment else "")
            return "/" + quote(file.resolve().relative_to(site.root.resolve()).as_posix())
    return ""


def _folders(site: Site, document: PurePosixPath, path: str) -> list[Path]:
    tops = [site.root, *(site.root / top for top in HUGO_TOPS if site.flavour == "hugo")]
    return tops if path.startswith("/") else [site.root / document.parent, *tops]


def _is_inside(file: Path, root: Path) -> bool:
    """Whether it is a file of the site itself, reached over no link that leads out of it."""
    try:
        return file.is_file() and not file.is_symlink() and file.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError):
        return False
