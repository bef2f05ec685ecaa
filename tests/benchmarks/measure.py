"""Whole processes, timed from outside, with the peak memory of all that they start."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096
SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """Seconds, the highest sum of resident bytes of the process and its children, and what it said."""

    seconds: float
    peak_bytes: int
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command to its end. Raises RuntimeError with its output where it does not end well."""
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(SAMPLE_SECONDS)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Measured(time.perf_counter() - started, peak, output)


def aipl(*arguments: str) -> list[str]:
    """The command line as users have it: in an environment without what the other ways need."""
    return ["aipl", *arguments]


def _resident(session: int) -> int:
    """Resident bytes of all processes of a session; what has ended meanwhile counts nothing."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            # Fields 6 and 24 of the table in proc(5), counted behind the name.
            if int(fields[3]) == session:
                total += int(fields[21]) * PAGE
        except (OSError, IndexError):
            continue
    return total
