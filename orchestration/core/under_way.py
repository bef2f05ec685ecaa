"""What the process that holds the lock of a home is doing: its run, its step, and since when."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.core.lock import held_homes, read_writer, step_note
from orchestration.core.progress import reporter


@dataclass(frozen=True)
class UnderWay:
    """A process that writes to a home, and since when (with a zone).

    `run` is the id of its Dagster run, `step` what it does, and since when; empty and `None` while unknown.
    """

    pid: int
    since: datetime
    run: str = ""
    step: str = ""
    step_since: datetime | None = None


def begin_step(step: str, total: int | None = None) -> None:
    """Tell the reporter of the run that a step begins, and note it for `under_way`."""
    reporter().start(step, total=total)
    for home in held_homes():
        told = _noted(home)
        _note(home, {**told, "step": step, "step_since": _now()})


def begin_run(home: Path, run: str) -> None:
    """Note the Dagster run of this process, which must hold the lock of the home."""
    _note(home.resolve(), {"run": run})


def under_way(home: Path) -> UnderWay | None:
    """Who writes to a home now; `None` when nobody does. For processes of this machine only."""
    writer = read_writer(home)
    if writer is None or not _is_alive(writer.pid):
        return None
    running = UnderWay(writer.pid, writer.since)
    told = _noted(home)
    if told.get("pid") != running.pid:
        return running
    since = told.get("step_since")
    return replace(
        running,
        run=told.get("run", ""),
        step=told.get("step", ""),
        step_since=datetime.fromisoformat(since) if since else None,
    )


def last_step(home: Path, run: str) -> str:
    """The step that a Dagster run of a dead process was at; empty where nobody knows."""
    told = _noted(home)
    return str(told.get("step", "")) if told.get("run") == run else ""


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _note(home: Path, told: dict[str, Any]) -> None:
    step_note(home).write_text(json.dumps({**told, "pid": os.getpid()}))


def _noted(home: Path) -> dict[str, Any]:
    """What was noted last; nothing while it is being written."""
    try:
        told: dict[str, Any] = json.loads(step_note(home.resolve()).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return told


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
