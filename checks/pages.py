"""Hold the pages against what others measure: Lighthouse, axe and the Nu HTML checker, on a site made for it.

use: ./run python -m checks.pages [--port N] [--only lighthouse|axe|html] [--cache DIR]

Needs Node, Java and a Chromium (CHROMIUM says where). The npm packages are installed once into a folder outside of the
tree. It takes some minutes, so it is not part of `./run check`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from checks.sample import MISSED_WEEK, hard_day, sample_site
from demo import team
from demo.launcher import Demo

PACKAGES = {"lighthouse": "lighthouse@12", "vnu-jar": "vnu-jar@26.9.27"}
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
RUNS = 3
GROUPS = ("performance", "accessibility", "best-practices", "seo")
# What Lighthouse sees; and what the two others see besides. One that is not there (yet) is left out.
MEASURED = ("/", "/week-472", "/archive", "/search?q=tide")
# Nu's advice against a sandbox from which a page of our own could break out; the frames' hosts are others.
OF_ONE_ORIGIN = "Setting both “allow-scripts” and “allow-same-origin”"
GONE = ("/nothing-here", f"/week-{MISSED_WEEK}")
PUBLIC = (
    *MEASURED, "/every-element", "/a-long-read", "/waits-for-a-click", "/thirty-pictures", "/hebrew",
    "/script-in-the-title", "/week-472-links", "/about", "/priya-lindqvist", "/archive/{month:%Y}",
    "/archive/{month:%Y/%m}", "/tags", "/tags/hard", "/search", "/search?q=zebra+xylophone&year=2018&week=soon",
    "/subscribe", "/login", "/forgot", *GONE,
)  # fmt: skip
MEMBERS = (
    "/write", "/write/new", "/posts/{draft}", "/posts/{draft}/edit", "/posts/{draft}/revisions",
    "/posts/{draft}/digest", "/account", "/account/logins", "/admin", "/admin/members", "/admin/subscribers",
    "/admin/site", "/admin/import",
)  # fmt: skip


def main() -> int:
    options = parse()
    options.cache.mkdir(parents=True, exist_ok=True)
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder, sample_site(Path(folder), options.port) as demo:
        public = [page.format(month=hard_day()) for page in PUBLIC]
        pages = [page for page in public if page in GONE or is_there(demo.site_url + page)]
        print(f"not there: {', '.join(set(public) - set(pages)) or 'none'}", flush=True)
        if options.only in (None, "lighthouse"):
            found += lighthouse(demo.site_url, [page for page in MEASURED if page in pages], options.cache)
        if options.only in (None, "axe", "html"):
            found += in_a_browser(demo, pages, options)
    print("\n".join(["", *found]) if found else "\nnothing found")
    return 1 if found else 0


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="./run python -m checks.pages", description="Hold the pages against checkers."
    )
    parser.add_argument("--port", type=int, default=8790, help="the site's port; its inbox has the next")
    parser.add_argument("--only", choices=("lighthouse", "axe", "html"), help="one of the checkers")
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "blogapp-checks"
    parser.add_argument("--cache", type=Path, default=default, help="where the npm packages are kept")
    return parser.parse_args()


def is_there(url: str) -> bool:
    """Whether the page answers."""
    try:
        with urllib.request.urlopen(url, timeout=20):
            return True
    except urllib.error.HTTPError:
        return False


def package(name: str, cache: Path) -> Path:
    """The folder of an npm package, installed if it is not there.

    Raises:
        SystemExit: npm is missing or could not install it.
    """
    folder = cache / "node_modules" / name
    if not folder.exists():
        npm = shutil.which("npm") or sys.exit("checks.pages: needs npm")
        subprocess.check_call([npm, "install", "--no-audit", "--no-fund", "--prefix", str(cache), PACKAGES[name]])
    return folder


def lighthouse(site: str, pages: list[str], cache: Path) -> list[str]:
    """A line a page and device with the four scores; what is below 100, and why."""
    command = ["node", str(package("lighthouse", cache) / "cli" / "index.js")]
    rest = ["--quiet", "--output=json"]
    rest += [f"--chrome-flags=--headless=new {' '.join(FLAGS)}", f"--only-categories={','.join(GROUPS)}"]
    environment = os.environ | {"CHROME_PATH": CHROMIUM}
    found = []
    print(f"{'':24} {'':8} {'  '.join(GROUPS)}   FCP ms   kB", flush=True)
    for page in pages:
        for device in ("phone", "desktop"):
            preset = ["--preset=desktop"] if device == "desktop" else []
            report = _best([*command, site + page, *preset, *rest], environment)
            scores = {group: round(100 * (report["categories"][group]["score"] or 0)) for group in GROUPS}
            paint = report["audits"]["first-contentful-paint"]["numericValue"]
            weight = report["audits"]["total-byte-weight"]["numericValue"] / 1000
            row = "  ".join(f"{scores[group]:>{len(group)}}" for group in GROUPS)
            print(f"{page:24} {device:8} {row}   {paint:6.0f} {weight:5.1f}", flush=True)
            found += [f"lighthouse {page} {device}: {why}" for why in _below(report)]
    return found


def _best(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """The best of up to three runs: what else the machine does costs points of performance, and of nothing else."""
    reports: list[dict[str, Any]] = []
    for _ in range(RUNS):
        done = subprocess.run(command, capture_output=True, env=environment, check=True)
        reports.append(json.loads(done.stdout))
        if reports[-1]["categories"]["performance"]["score"] == 1:
            break
    return max(reports, key=lambda report: report["categories"]["performance"]["score"] or 0)


def _below(report: dict[str, Any]) -> Iterator[str]:
    """The audits that cost points."""
    for group in GROUPS:
        for reference in report["categories"][group]["auditRefs"]:
            audit = report["audits"][reference["id"]]
            if reference["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                yield f"{group}: {audit['title']} ({audit['score']})"


def in_a_browser(demo: Demo, pages: list[str], options: argparse.Namespace) -> list[str]:
    """What axe says about every page in both themes, the browser about its policy, the Nu checker about its HTML."""
    members = [page.format(draft=demo.draft_id) for page in MEMBERS]
    found: list[str] = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        if options.only in (None, "axe"):
            found += axe(browser, demo.site_url, pages, members)
        if options.only in (None, "html"):
            page = browser.new_page()
            save(page, demo.site_url, pages, Path(folder))
            log_in(page, demo.site_url)
            save(page, demo.site_url, members, Path(folder))
            found += nu(Path(folder), options.cache)
        browser.close()
    return found


def axe(browser: Browser, site: str, public: list[str], members: list[str]) -> list[str]:
    """Violations, and messages on the console, in light and dark on a phone and a desk."""
    found: list[str] = []
    for theme in ("light", "dark"):
        for width in (390, 1280):
            page = browser.new_page(color_scheme=theme, viewport={"width": width, "height": 900})
            page.on("console", lambda message: found.append(f"console {message.text}") if _bad(message.text) else None)
            for where in (public, members):
                if where is members:
                    log_in(page, site)
                for address in where:
                    page.goto(site + address)
                    for problem in Axe().run(page).response["violations"]:
                        nodes = ", ".join(node["html"][:80] for node in problem["nodes"][:3])
                        found.append(f"axe {address} {theme} {width}: {problem['help']}: {nodes}")
            page.close()
        print(f"axe: {len(public) + len(members)} pages at 390 and 1280 px, {theme}: {len(found)} found", flush=True)
    return found


def _bad(message: str) -> bool:
    return "Content Security Policy" in message


def log_in(page: Page, site: str) -> None:
    """As the admin of the demo's team."""
    page.goto(f"{site}/login")
    page.locator("[name=email]").fill(next(person.email for person in team.TEAM if person.role == "admin"))
    page.locator("[name=password]").fill(team.PASSWORD)
    page.locator("main form button:not([type=button])").first.click()
    page.wait_for_url("**/write")


def save(page: Page, site: str, pages: list[str], folder: Path) -> None:
    """The pages' own HTML, as the server sends it, a file each."""
    for address in pages:
        name = address.strip("/").replace("/", "-").replace("?", "-") or "home"
        (folder / f"{name}.html").write_bytes(page.context.request.get(site + address).body())


def nu(folder: Path, cache: Path) -> list[str]:
    """Errors of the Nu HTML checker (its warnings are left to the eye)."""
    jar = package("vnu-jar", cache) / "build" / "dist" / "vnu.jar"
    command = ["java", "-jar", str(jar), "--format", "json", "--exit-zero-always", "--errors-only", str(folder)]
    done = subprocess.run(command, capture_output=True, check=True)
    found = json.loads(done.stderr or done.stdout)["messages"]
    messages = [message for message in found if OF_ONE_ORIGIN not in message["message"]]
    print(f"Nu HTML checker: {len(list(folder.iterdir()))} pages, {len(messages)} errors", flush=True)
    return [
        f"html {Path(message.get('url', '')).name}:{message.get('lastLine')}: {message['message']}"
        for message in messages
    ]


if __name__ == "__main__":
    sys.exit(main())
