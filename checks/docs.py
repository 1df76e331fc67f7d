"""Documentation: links lead somewhere, named files exist, lock files carry no addresses, no machine's path is told."""

import re
import subprocess
from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE_PATH = re.compile(r"`((?:blogapp|templates|static|migrations|tests|docs|demo|checks|benchmarks)/[\w./-]+\.\w+)`")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|farm|root)/")


def findings() -> list[str]:
    """What is wrong, a line each."""
    return _broken_links() + _addresses_in_locks() + _machine_paths()


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    return [path for path in map(Path, listed.stdout.splitlines()) if path.is_file()]


def _broken_links() -> list[str]:
    found = []
    for page in [path for path in _tracked() if path.suffix == ".md" and path.parts[0] not in ("demo", "tests")]:
        text = page.read_text("utf-8")
        for target in LINK.findall(text):
            if not re.match(r"[a-z]+:|#", target) and not (page.parent / target.split("#")[0]).exists():
                found.append(f"{page}: the link to {target} leads nowhere")
        found += [f"{page}: {path} does not exist" for path in CODE_PATH.findall(text) if not Path(path).exists()]
    return found


def _addresses_in_locks() -> list[str]:
    return [f"{path}: has an address in it" for path in Path().glob("*.lock") if re.search(r"\w+://", path.read_text())]


def _machine_paths() -> list[str]:
    found = []
    for path in _tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if path.name != "docs.py" and MACHINE_PATH.search(text):
            found.append(f"{path}: tells a path of somebody's machine")
    return found
