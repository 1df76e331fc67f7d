"""The site itself: settings, database, data folder, worker."""

import shutil
import stat
import tempfile
from collections.abc import Iterator

from sqlalchemy import text

from blogapp.core import files, heartbeat, migrate
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import Unavailable
from blogapp.digest.doctor.findings import Finding, failed, ok, warning
from blogapp.digest.doctor.tools import Tools

LITTLE_BYTES, NEARLY_NOTHING_BYTES = 1_000_000_000, 100_000_000


def chosen(tools: Tools) -> Iterator[Finding]:
    """The settings hold together, or nothing would run; some are only right for trying things out."""
    doubtful = []
    if settings().mail_from.rstrip(">").endswith(("localdomain", "@localhost")):
        doubtful.append("BLOG_MAIL_FROM is nobody's address")
    if not settings().production:
        doubtful.append("the checks for the open internet are off (BLOG_BASE_URL without https, or BLOG_PRODUCTION)")
    if doubtful:
        yield warning("settings", f"They can be used, but {', and '.join(doubtful)}.", "See docs/settings.md.")
    else:
        yield ok("settings", "They can be used.")


def database(tools: Tools) -> Iterator[Finding]:
    """It answers, and is at this program's version."""
    with db.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    present, wanted = migrate.present_revision(), migrate.wanted_revision()
    kind = "SQLite" if db.engine.dialect.name == "sqlite" else "PostgreSQL"
    if present == wanted:
        yield ok("database", f"{kind} answers, at {present}.")
    else:
        text_ = f"{kind} answers, at {present or 'nothing'}; this program needs {wanted}."
        yield failed("database", text_, "Run `blogapp upgrade`.")


def folder(tools: Tools) -> Iterator[Finding]:
    """The data folder can be written to, is nobody else's to read, and has room."""
    place = settings().data_dir
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-"):
            pass
    except OSError as error:
        yield failed("data folder", f"{place} cannot be written to ({error.strerror}).", "Whose is it?")
        return
    if stat.S_IMODE(place.stat().st_mode) & 0o007:
        text_ = f"Everybody on this machine can look into {place}, which holds every reader's address."
        yield warning("data folder", text_, f"chmod 700 {place}")
    else:
        yield ok("data folder", f"{place} can be written to.")
    free = shutil.disk_usage(place).free
    room = f"{free / 1e9:.1f} GB are free there."
    if free < NEARLY_NOTHING_BYTES:
        yield failed("disk", room, "The site stops when nothing is left. Make room.")
    elif free < LITTLE_BYTES:
        yield warning("disk", room, "Make room.")
    else:
        yield ok("disk", room)


def bucket(tools: Tools) -> Iterator[Finding]:
    """Where the files are in a bucket: it answers, takes and gives back, and shows nothing to strangers."""
    found = files.bucket()
    if found is None:
        return
    try:
        open_to_all = found.probe()
    except Unavailable as error:
        yield failed("files", f"{found.place}: {error.__cause__}.", "See BLOG_FILES in docs/settings.md.")
        return
    if open_to_all:
        text_ = f"Anybody can read what is in {found.place}: drafts, and files that are for members only."
        yield failed("files", text_, "Make the bucket private. The site itself gives out what is public.")
    else:
        yield ok("files", f"{found.place} answers, and is private.")


def worker(tools: Tools) -> Iterator[Finding]:
    """A worker has given a sign of life."""
    if heartbeat.alive("worker:"):
        yield ok("worker", "It is alive.")
    else:
        seconds = int(heartbeat.DEAD_AFTER.total_seconds())
        text_ = f"No sign of life for {seconds} s: no mail leaves by itself."
        yield failed("worker", text_, "Start `blogapp serve`, or `blogapp worker` beside a server that has none.")
