"""What a browser calls itself, in words. A hint for people who look through their log-ins, never a decision."""

import re

# The first that fits wins: nearly all claim to be Mozilla, Chrome and Safari as well.
BROWSERS = (
    (r"\bEdg(A|iOS)?/", "Edge"),
    (r"\b(OPR|Opera)/", "Opera"),
    (r"\bVivaldi/", "Vivaldi"),
    (r"\bSamsungBrowser/", "Samsung Internet"),
    (r"\b(Firefox|FxiOS)/", "Firefox"),
    (r"\b(HeadlessChrome|Chrome|Chromium|CriOS)/", "Chrome"),
    (r"\bVersion/\S+.*Safari/", "Safari"),
    (r"\bcurl/", "curl"),
)
SYSTEMS = (
    (r"\biPhone\b", "iPhone"),
    (r"\biPad\b", "iPad"),
    (r"\bAndroid\b", "Android"),
    (r"\bWindows\b", "Windows"),
    (r"\bCrOS\b", "ChromeOS"),
    (r"\bMac OS X|Macintosh\b", "Mac"),
    (r"\bLinux\b", "Linux"),
)


def in_words(user_agent: str) -> str:
    """`Firefox on Linux`; what is unknown is called so."""
    browser = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or (f"A browser on {system}" if system else "An unknown browser")


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for pattern, name in table if re.search(pattern, user_agent)), None)
