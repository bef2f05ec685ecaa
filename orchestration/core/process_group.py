"""A program that runs until it is stopped, and ends with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

# The program, then what it leaves behind: a run ends its step and says so.
GRACE_SECONDS = 30.0
POLL_SECONDS = 0.2


class _Stopped(BaseException):
    """SIGINT or SIGTERM arrived."""


def run_until_stopped(command: Sequence[str], cwd: Path, grace_seconds: float = GRACE_SECONDS) -> int:
    """Run a program in a process group of its own; returns its exit code, 0 when it was stopped.

    SIGINT (Ctrl-C) and SIGTERM stop the program and what it started: first they are asked to end, after
    `grace_seconds` they are killed. A second signal kills at once.
    """

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise _Stopped

    # Set before the program starts: what a background job ignores would be ignored by all of it too.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen(command, cwd=cwd, process_group=0)
        try:
            return process.wait()
        except _Stopped:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired, _Stopped):
                process.wait(grace_seconds)
            return 0
        finally:
            _end_group(process, grace_seconds)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_group(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    with suppress(_Stopped):
        deadline = time.monotonic() + grace_seconds
        is_left = _signalled(process, signal.SIGTERM)
        while is_left and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            is_left = _signalled(process, 0)
    _signalled(process, signal.SIGKILL)
    process.wait()


def _signalled(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to the group; whether anything is left in it."""
    process.poll()
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True
