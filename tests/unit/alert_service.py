"""A service that alerts are sent to: a real HTTP endpoint on this machine; and findings to tell of."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from orchestration.alerts import channel, delivery
from orchestration.alerts.findings import Finding, Kind, Severity
from orchestration.core.settings import PROJECT_ROOT, Settings

SPAWNED = multiprocessing.get_context("spawn")


@dataclass
class Webhook:
    """An endpoint that answers `status`, `seconds` after `answers` is set.

    `received` are the documents that it took, `requests` the method, path and headers of each.
    """

    port: int = 0
    status: int = 204
    seconds: float = 0.0
    received: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address for Apprise, with a password and a secret path."""
        return f"json://robot:hunter2x@127.0.0.1:{self.port}/hook/s3cr3t-path"

    @property
    def http(self) -> str:
        """The same for programs."""
        return f"http{self.url.removeprefix('json')}"

    @property
    def base(self) -> str:
        """Its address without path and password, which stands for that of a pager."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Serve a webhook for as long as the block lasts."""
    hook = Webhook()
    hook.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.answers.wait()
            time.sleep(hook.seconds)
            if 200 <= hook.status < 300:
                hook.received.append(body)
                hook.requests.append((self.command, self.path, dict(self.headers)))
            self.send_response(hook.status)
            self.end_headers()

        do_PUT = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield hook
    finally:
        hook.answers.set()
        server.shutdown()
        server.server_close()


def titles(hook: Webhook) -> list[str]:
    """Titles that came since the last look."""
    told = [message["title"] for message in hook.received]
    hook.received.clear()
    return told


def make_settings(home: Path, routes: str = "{}") -> Settings:
    """A home whose alerts file holds `routes` (YAML)."""
    alerts_file = home / "alerts.yml"
    alerts_file.write_text(f"routes: {routes}\n")
    return Settings(home, PROJECT_ROOT / "sources.yml", alerts_file)


def finding(
    key: str = "fct_fast.sum",
    severity: Severity = "critical",
    owner: str = "data-platform",
    kind: Kind = "gate_failed",
    text: str = "3 of 7 rows unexpected",
) -> Finding:
    """A finding named by its key."""
    return Finding(key, kind, severity, owner, f"{key} is off", text, "reports/page.html", "docs/runbook.md")


def delivered_by(home: Settings, count: int, killed: str = "") -> list[int | None]:
    """Exit codes of processes that deliver at the same time, perhaps `killed` before or after they send."""
    start = SPAWNED.Barrier(count)
    children = [SPAWNED.Process(target=_deliver, args=(home, start, killed)) for _ in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return [child.exitcode for child in children]


def _deliver(home: Settings, start: Barrier, killed: str) -> None:
    send = channel.send

    def dying(*arguments: Any) -> None:
        if killed == "after":
            assert send(*arguments) is None
        os.kill(os.getpid(), signal.SIGKILL)

    if killed:
        channel.send = dying
    start.wait()
    delivery.deliver(home, datetime(2026, 1, 1, tzinfo=UTC))
