"""A web server on this machine with one dump behind a login."""

from __future__ import annotations

import base64
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def basic(user: str, password: str) -> str:
    """A login as the header carries it."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


class Server(http.server.BaseHTTPRequestHandler):
    """Shows its index and its dump to whoever comes with `login`; notes what was asked for in `seen`."""

    login: str
    seen: list[str]

    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization") == f"Basic {self.login}"
        self.seen.append(self.path)
        self.send_response(200 if allowed else 401)
        is_page = self.path.split("?")[0].endswith("/")
        body = b'<a href="orders-2024-01-02.csv">x</a>' if is_page else b"order_id,amount\nw1,5\n"
        self.send_header("Content-Type", "text/html" if is_page else "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def login_server(login: str) -> Iterator[tuple[type[Server], str]]:
    """The server's class, whose `login` can be changed, and its host with the port."""
    handler = type("Handler", (Server,), {"seen": [], "login": login})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield handler, f"127.0.0.1:{serving.server_port}"
        serving.shutdown()
