"""The command line of the demo."""

import argparse
import os
import signal
import sys
import webbrowser
from datetime import date
from pathlib import Path

from blogapp.core.errors import BlogError
from demo import team
from demo.folder import Folder, Refused, open_folder
from demo.launcher import Demo, say

CHECKOUT = Path(__file__).resolve().parent.parent


def main() -> int:
    options = parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    demo: Demo | None = None
    code = 0
    try:
        today = date.today()  # noqa: DTZ011  # the calendar on this person's wall
        folder: Folder = open_folder(options.data, fresh=options.fresh, today=today)
        demo = Demo(folder, options.port, options.slow, options.subscribers)
        demo.start()
        say(guide(demo))
        if not options.no_browser and can_show_a_browser():
            webbrowser.open(demo.site_url)
        demo.wait()
    except (Refused, BlogError) as error:
        print(f"demo: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        say("\ndemo: ending")
    finally:
        if demo is not None:
            demo.stop()
    return code


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="./run demo", description="A small team's blog to play with.")
    add = parser.add_argument
    add("--fresh", action="store_true", help="start over: forget what was written, sent and read")
    add("--port", type=port, default=8000, metavar="N", help="the site's port; the inbox has the next (default: 8000)")
    add("--no-browser", action="store_true", help="don't open the site in the browser")
    add("--data", type=Path, default=CHECKOUT / "demo-data", metavar="DIR", help="its folder (default: demo-data)")
    add("--slow", type=count, default=0, metavar="MS", help="let each mail take so long to be accepted")
    add("--subscribers", type=count, default=len(team.CONFIRMED), metavar="N", help="confirmed readers (default: 5)")
    return parser.parse_args()


def port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65534:
        raise argparse.ArgumentTypeError("should be from 1 to 65534")
    return number


def count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("should be from 0 to 1000000")
    return number


def guide(demo: Demo) -> str:
    """Where to go, whom to log in as, what to try."""
    author = team.AUTHOR
    lines = [
        "",
        f"  {team.SITE_TITLE}: a small team, invented for this demo",
        "",
        f"  The site    {demo.site_url}/",
        f"  The inbox   {demo.inbox_url}/    every mail that the site sends ends here",
        f"  Log in      {demo.site_url}/login",
        "",
    ]
    for person in sorted(team.TEAM, key=lambda person: person is not author):
        lines.append(f"    {person.email:<28} {person.role:<12} {person.name}")
    lines += ["", f"    The password of all four: {team.PASSWORD}", ""]
    if demo.draft_id and demo.author_is_there:
        lines += [
            f"  Try this: log in as {author.name.split()[0]}, open the draft of week 473 and press Publish:",
            f"    {demo.site_url}/posts/{demo.draft_id}",
            "  The digest is in the inbox a moment later.",
            "",
        ]
    lines.append("  Ctrl-C ends it. ./run demo finds everything as you left it; ./run demo --fresh starts over.")
    return "\n".join([*lines, ""])


def can_show_a_browser() -> bool:
    """Whether a person is looking, on a screen (a text browser would take over the terminal)."""
    screen = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return sys.stdout.isatty() and screen


if __name__ == "__main__":
    sys.exit(main())
