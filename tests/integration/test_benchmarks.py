"""The benchmark of delivery runs, here with few readers: what it measures is no matter, that it tells is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler"),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


def test_the_benchmark_of_delivery_mails_everybody_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    small = ("--sizes", "200", "--runs", "1", "--databases", "sqlite", "--delay-ms", "0", "--floor-messages", "5")
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "benchmarks/delivery.py", "--check", "--no-postfix", *small],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| sqlite, 200, fastsink | blogapp, 16 connections |" in done.stdout
    assert "reached: sqlite, 200, fastsink: lost and repeated 0" in done.stdout
    assert "reached: sqlite, 200, fastsink: not accepted 0" in done.stdout
    assert list(tmp_path.iterdir()) == []
