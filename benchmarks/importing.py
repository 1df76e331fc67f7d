#!/usr/bin/env python3
"""How long a team's past takes to come in and go out again, and whether memory stays flat.

use: ./run python benchmarks/importing.py [COUNT ...] [--folder FOLDER [--images FOLDER]]

For each COUNT (577 and 5,000 unless told otherwise) it writes so many snips of its own, in the proportions of a real
team's, imports them into a fresh SQLite site, imports them again, exports them, and compares the bytes. Each step is a
process of its own, whose peak memory the operating system tells. `--folder` takes real snips instead.
"""

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS = "ledger boat harbour lantern invoice kettle rope winter meeting paper harvest window signal garden map".split()
PEOPLE = ("ada-archer", "ben-baker", "cleo-carter", "dora-dean")


def write(folder: Path, count: int) -> None:
    """Snips: two thirds notes about weeks, the rest links and articles; 1 to 6 kB each."""
    chance = random.Random(473)  # the same in every run
    for number in range(count):
        kind = ("weeknotes", "weeknotes", "weeklinks", "blog")[number % 4]
        name = {"weeknotes": f"week-{number}", "weeklinks": f"week-{number}-links", "blog": f"article-{number}"}[kind]
        if kind == "weeknotes" and number > 9999:
            kind, name = "blog", f"note-{number}"
        at = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(hours=number * 3)
        lines = [f"# {name}", ""]
        for _ in range(chance.randint(3, 14)):
            words = [chance.choice(WORDS) for _ in range(chance.randint(20, 60))]
            words[3] = f"[{words[3]}](http://example.org/{words[3]})"
            words[7] = f"*{words[7]}*"
            lines += [" ".join(words) + ".", ""]
        if kind == "weeklinks":
            lines += [f"<%= by('{chance.choice(PEOPLE)}') %>", ""]
        lines += [f":author: {chance.choice(PEOPLE)}", f":created_at: {at:%Y-%m-%d %H:%M:%S +0000}"]
        path = folder / kind / f"{name}.snip.markdown"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(name: str, data: Path, *arguments: str) -> float:
    """One command as a process of its own; prints its line. Returns its peak memory in MB."""
    settings = {"BLOG_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}
    plain = {key: value for key, value in os.environ.items() if not key.startswith("BLOG_")}
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [sys.executable, "-m", "blogapp", *arguments], env={**plain, **settings}, stdout=subprocess.PIPE, text=True
    )
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = time.perf_counter() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last = said.strip().splitlines()[-1] if said.strip() else f"exit {status}"
    print(f"  {name:22} {wall:8.1f} s  {cpu:8.1f} s CPU  {usage.ru_maxrss / 1024:7.1f} MB   {last}", flush=True)
    return usage.ru_maxrss / 1024


def measure(soups: Path, images: Path | None, work: Path) -> None:
    data, out = work / "data", work / "out"
    extra = ["--images", str(images)] if images else []
    run("upgrade", data, "upgrade")
    run("member add", data, "member", "add", "Ada Archer", "ada@example.org", "--role", "admin", "--generate")
    run("import", data, "import", "snips", str(soups), *extra)
    run("import again", data, "import", "snips", str(soups), *extra)
    run("export", data, "export", "snips", str(out))
    files = [path for path in soups.rglob("*") if path.is_file() and not path.name.startswith(".")]
    same = sum((out / path.relative_to(soups)).read_bytes() == path.read_bytes() for path in files)
    print(f"  {same} of {len(files)} byte for byte", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", nargs="*", type=int, default=[577, 5000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--images", type=Path)
    options = parser.parse_args()
    for count in options.counts if options.folder is None else [0]:
        work = Path(tempfile.mkdtemp(prefix="blogapp-importing-"))
        try:
            soups = options.folder or work / "soups"
            if options.folder is None:
                write(soups, count)
            print(f"{options.folder or count}, load {os.getloadavg()[0]:.1f}")
            measure(soups, options.images, work)
        finally:
            shutil.rmtree(work)


if __name__ == "__main__":
    main()
