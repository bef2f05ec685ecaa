"""A service that hears of nights, as Healthchecks.io does: a real HTTP endpoint on this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "5f0f2b9e-uuid-of-the-check"


@dataclass
class Heart:
    """An endpoint that answers each call with the next of `answers`, then with 200, after `seconds`.

    `beats` are the paths and bodies that came.
    """

    port: int = 0
    answers: list[int] = field(default_factory=list)
    seconds: float = 0
    beats: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address, the path of which is secret."""
        return f"http://127.0.0.1:{self.port}/ping/{SECRET}"

    def heard(self) -> list[str]:
        """What came since the last look, by its ending: `ok` or `fail`."""
        told = ["fail" if path.endswith("/fail") else "ok" for path, _ in self.beats]
        self.beats.clear()
        return told


@contextmanager
def heart() -> Iterator[Heart]:
    """Serve for as long as the block lasts."""
    service = Heart()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            service.beats.append((self.path, body))
            status = service.answers.pop(0) if service.answers else 200
            time.sleep(service.seconds)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield service
        finally:
            server.shutdown()
