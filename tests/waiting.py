"""Wait for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable

# Only a hang takes so long, on any machine.
LIMIT_SECONDS = 600


def wait_for(found: Callable[[], bool]) -> None:
    """Look until something is so."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not found():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
