"""At which address Jekyll and Hugo showed a document, where it does not say so itself."""

import re
from datetime import datetime
from pathlib import PurePosixPath

# https://jekyllrb.com/docs/permalinks/#built-in-formats
STYLES = {
    "date": "/:categories/:year/:month/:day/:title.html",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title.html",
    "weekdate": "/:categories/:year/W:week/:short_day/:title.html",
    "none": "/:categories/:title.html",
}


def jekyll_address(pattern: str, at: datetime | None, slug: str, categories: list[str]) -> str:
    """The address of a post by a pattern or the name of one; "" where it needs a date and there is none."""
    pattern = STYLES.get(pattern, pattern)
    values = {
        "categories": "/".join(part.lower().replace(" ", "%20") for part in categories),
        "title": slug,
        "slug": slug,
        "output_ext": ".html",
    }
    if at is not None:
        values |= {
            "year": f"{at:%Y}", "short_year": f"{at:%y}", "month": f"{at:%m}", "i_month": str(at.month),
            "short_month": f"{at:%b}", "long_month": f"{at:%B}", "day": f"{at:%d}", "i_day": str(at.day),
            "y_day": f"{at:%j}", "week": f"{at:%V}", "short_day": f"{at:%a}", "hour": f"{at:%H}",
            "minute": f"{at:%M}", "second": f"{at:%S}",
        }  # fmt: skip
    address = re.sub(r":([a-z_]+)", lambda match: values.get(match[1], match[0]), pattern)
    return "" if ":" in address else re.sub(r"//+", "/", address)


def hugo_address(path: PurePosixPath, slug: str) -> str:
    """The address of a document by where it lies below `content`."""
    folders = [part.lower().replace(" ", "-") for part in path.parent.parts]
    if path.name.partition(".")[0] in ("index", "_index"):
        folders = folders[:-1]
    return "/".join([*folders, slug])
