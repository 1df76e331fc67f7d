"""Servers to measure, each a tree of processes of its own on 127.0.0.1; their CPU and memory are read from /proc."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
# One core for the server, the other for who asks: else they take turns, and what is measured is the turns.
PINNED = ["taskset", "-c", "0"] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
ASKING = ["taskset", "-c", "1"] if PINNED else []
GRANIAN = """
from granian.constants import HTTPModes, Interfaces
from granian.server import Server
Server("benchmarks.plain:make", address="127.0.0.1", port={port}, interface=Interfaces.WSGI, http=HTTPModes.http1,
       websockets=False, blocking_threads=1, factory=True).serve()
"""
NGINX = """
worker_processes 1; daemon off; error_log stderr crit; pid {folder}/pid; worker_rlimit_nofile 4096;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; open_file_cache max=100; default_type text/html; types {{}}
  keepalive_requests 100000000; gzip_static on; gzip_vary on; etag on;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} backlog=1024; root {folder}/root; location / {{ try_files $uri $uri.html =404; }} }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Running:
    """A server that answers. Stop it by `end`; costs are of its whole tree of processes."""

    process: subprocess.Popen[bytes]
    port: int
    gone: dict[int, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        return sum(_ticks(pid) for pid in _tree(self.process.pid)) * TICK_SECONDS

    def memory_mb(self) -> float:
        """Memory of its own (not shared with other processes), of all its processes."""
        return sum(_private_kb(pid) for pid in _tree(self.process.pid)) / 1024

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(inner for child in children for inner in _tree(int(child)))]


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _private_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(kb) for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE))


def start(command: list[str], port: int, path: str, environ: dict[str, str] | None = None) -> Running:
    """Start a server and wait until it answers 200 at `path`.

    Raises:
        SystemExit: it does not.
    """
    plain = {k: v for k, v in os.environ.items() if not k.startswith("BLOG_")}
    settings = {**plain, "PYTHONPATH": str(ROOT), **(environ or {})}
    process = subprocess.Popen([*PINNED, *command], env=settings, cwd=ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    running = Running(process, port)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(running.url + path, timeout=30):
                return running
        except OSError:
            time.sleep(0.1)
    running.end()
    raise SystemExit(f"reading: {command[0]} does not answer at {path}")


def blogapp(environ: dict[str, str], *, cached: bool) -> Running:
    port = free_port()
    chosen = {**environ, "BLOG_PAGE_CACHE_MB": "64" if cached else "0"}
    command = [sys.executable, "-m", "blogapp", "serve", "--no-worker", "--port", str(port)]
    return start(command, port, "/", chosen)


def plain(environ: dict[str, str]) -> Running:
    port = free_port()
    return start([sys.executable, "-c", GRANIAN.format(port=port)], port, "/", environ)


def static_path(path: str) -> str:
    """The file's path for a page's: `/archive/2018` and `/archive` cannot both be one."""
    return "/" + (path.strip("/").partition("?")[0].replace("/", "-") or "home") + ".page"


def nginx(folder: Path, pages: dict[str, tuple[bytes, bytes]]) -> Running:
    """The same bytes as static files: path -> (as they are, gzipped)."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise SystemExit("reading: nginx is not here (Debian: apt-get install nginx-light)")
    root = folder / "root"
    for path, (whole, small) in pages.items():
        file = root / static_path(path)[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(whole)
        file.with_name(file.name + ".gz").write_bytes(small)
    folder.chmod(0o755)
    port = free_port()
    config = folder / "nginx.conf"
    # The worker may run as another user, who must reach the files.
    config.write_text(("user root;\n" if os.geteuid() == 0 else "") + NGINX.format(folder=folder, port=port))
    return start([program, "-c", str(config), "-p", str(folder)], port, static_path("/"))
