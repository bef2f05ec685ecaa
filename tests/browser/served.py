"""The dashboard as `make dashboard` starts it, and a browser to look at it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from waiting import wait_for

from orchestration.core.settings import PROJECT_ROOT

# Debian's own; others by the name that their package gives them.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser_program() -> str | None:
    """The browser of this machine, None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The dashboard on the state in `home`; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    log = home / "logs" / "dashboard.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "dashboard", f"--server.port={port}"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env=os.environ | {"AIPL_HOME": str(home)},
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as server,
    ):

        def is_up() -> bool:
            assert server.poll() is None, f"the dashboard did not start:\n{log.read_text()[-3000:]}"
            with suppress(OSError), urlopen(f"{address}/_stcore/health", timeout=1):
                return True
            return False

        try:
            wait_for(is_up)
            yield address
        finally:
            server.terminate()


@contextmanager
def browsing() -> Iterator[Any]:
    """A browser without a window. Raises LookupError where the machine has none."""
    from playwright.sync_api import sync_playwright

    program = browser_program()
    if program is None:
        raise LookupError(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def settled(page: Any) -> None:
    """Wait until the script has run and every part is drawn, whose code comes with the first of its kind."""
    page.wait_for_selector("header.page h1")
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_function("!document.querySelector('[data-stale=\"true\"]')")
    page.wait_for_function("!document.querySelector('[data-testid=\"stSkeleton\"]')")
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=\"stPlotlyChart\"]')]"
        ".every(chart => chart.querySelector('svg.main-svg'))",
    )
