"""Run every check, say which failed, and exit with 1 if one did. `--no-tests` leaves the tests to somebody else."""

import subprocess
import sys
import time
from collections.abc import Callable

from checks import docs, sizes, templates


def tool(*command: str) -> Callable[[], list[str]]:
    """A check that is a program: its findings are what it prints when it fails."""

    def check() -> list[str]:
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
        return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]

    return check


def imports() -> list[str]:
    """import-linter has no `-m`; its command lies beside this Python."""
    done = subprocess.run(["lint-imports"], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


def tests() -> list[str]:
    """The tests print their own progress and findings."""
    return [] if subprocess.call([sys.executable, "-m", "pytest"]) == 0 else ["tests failed, see above"]


CHECKS: dict[str, Callable[[], list[str]]] = {
    "lint": tool("ruff", "check", "."),
    "format": tool("ruff", "format", "--check", "."),
    "types": tool("mypy"),
    "layers": imports,
    "dependencies": tool("deptry", "blogapp"),
    "templates": templates.findings,
    "sizes": sizes.findings,
    "docs": docs.findings,
    "tests": tests,
}


def main() -> int:
    failed = []
    for name, check in CHECKS.items():
        if name == "tests" and "--no-tests" in sys.argv:
            continue
        started = time.monotonic()
        findings = check()
        print(f"{'FAIL' if findings else 'ok':4} {name} ({time.monotonic() - started:.1f} s)", flush=True)
        for finding in findings:
            print("     " + finding.replace("\n", "\n     "))
        failed += [name] if findings else []
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
