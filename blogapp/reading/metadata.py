"""What machines read about a page: schema.org as JSON-LD. Plain dicts; the template writes them with `tojson`, whose
output cannot end the <script> that it stands in, whatever a title says."""

from collections.abc import Sequence
from typing import Any

from flask import current_app, url_for

from blogapp.core.clock import iso
from blogapp.core.config import settings
from blogapp.core.site import choice
from blogapp.core.web import whole_url
from blogapp.reading.credits import Credit
from blogapp.reading.queries import Entry, Person

CONTEXT = "https://schema.org"
# ISO 15924 names the scripts; these are the languages that are written in one that runs from right to left.
RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he iw ji ks ps sd syr ug ur yi".split())


def direction(language: str) -> str:
    """`rtl` or `ltr`, by the language's tag as in HTML's `lang`."""
    parts = language.lower().replace("_", "-").split("-")
    if "latn" in parts or "cyrl" in parts:
        return "ltr"
    return "rtl" if parts[0] in RIGHT_TO_LEFT or {"arab", "hebr"} & set(parts) else "ltr"


def locale(language: str) -> str:
    """The language's tag as Open Graph writes it: `en_GB`; empty where no country is said."""
    parts = language.replace("_", "-").split("-")
    return f"{parts[0].lower()}_{parts[-1].upper()}" if len(parts) > 1 and len(parts[-1]) == 2 else ""


def site_data() -> dict[str, Any]:
    """The front page: a WebSite, and where to search it."""
    found: dict[str, Any] = {"@context": CONTEXT, "@type": "WebSite", **_site()}
    found["inLanguage"] = settings().site_language
    if tagline := choice("site_tagline"):
        found["description"] = tagline
    if "reading.search" in current_app.view_functions:
        target = whole_url(url_for("reading.search")) + "?q={search_term_string}"
        found["potentialAction"] = {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": target},
            "query-input": "required name=search_term_string",
        }
    return found


def post_data(post: Entry, image: str | None = None, credits: Sequence[Credit] = ()) -> dict[str, Any]:
    """A published post: a BlogPosting; a page is a WebPage.

    Args:
        image: the whole address of the picture that is shown where the post is shared.
        credits: who signed something in it beside its author.
    """
    url = whole_url(url_for("reading.page", slug=post.slug))
    author = {"@type": "Person", "name": post.author, "url": _page(post.author_slug)}
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "WebPage" if post.kind == "page" else "BlogPosting",
        "headline": post.title,
        "url": url,
        "mainEntityOfPage": url,
        "inLanguage": settings().site_language,
        "author": author,
        "publisher": {"@type": "Organization", **_site()},
    }
    if post.published_at is not None:
        found["datePublished"] = iso(post.published_at)
        found["dateModified"] = iso(max(post.updated_at, post.published_at))
    if post.summary:
        found["description"] = post.summary
    if image:
        found["image"] = image
    if credits:
        found["contributor"] = [{"@type": "Person", "name": one.name, "url": _page(one.slug)} for one in credits]
    return found


def person_data(person: Person) -> dict[str, Any]:
    """A member's page: a ProfilePage about a Person."""
    url = _page(person.slug)
    about = {"@type": "Person", "name": person.name, "url": url}
    return {"@context": CONTEXT, "@type": "ProfilePage", "url": url, "mainEntity": about}


def _site() -> dict[str, str]:
    return {"name": choice("site_title"), "url": whole_url("/")}


def _page(slug: str) -> str:
    return whole_url(url_for("reading.page", slug=slug))
