"""`aipl` as people start it, in a process of its own that has imported everything already.

What this leaves out, the start of Python and the imports, takes most of the time of a command, and a third of
that of `aipl run`. `tests/unit/test_cli.py` starts the real program.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from forks import PROCESSES
from parsed import keep_parse, lend_parse


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


def aipl(home: Path, *arguments: str, typed: str = "", **more: str) -> Answer:
    """Run a command in a home, with more environment; `typed` is its input."""
    with TemporaryDirectory() as folder:
        process = start(home, *arguments, folder=Path(folder), typed=typed, **more)
        process.join()
        assert process.exitcode is not None
        return Answer(process.exitcode, *(Path(folder, name).read_text() for name in ("stdout", "stderr")))


def said(home: Path, *arguments: str, code: int = 0, typed: str = "") -> str:
    """What a command prints that must end with a code."""
    answer = aipl(home, *arguments, typed=typed)
    assert answer.returncode == code, answer.stdout + answer.stderr
    return answer.stdout


def start(home: Path, *arguments: str, folder: Path, typed: str = "", **more: str) -> ForkServerProcess:
    """Start a command that leads a group of processes of its own; its streams are files of the folder."""
    # Dagster leaves names of its own in the environment of a process that has run a job.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")}
    environment = {**kept, "AIPL_HOME": str(home), **more}
    process = PROCESSES.Process(target=_command, args=(arguments, environment, typed, folder))
    process.start()
    return process


def _command(arguments: tuple[str, ...], environment: Mapping[str, str], typed: str, folder: Path) -> None:
    """Be the command line."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["aipl", *arguments]
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        with Path(folder, name).open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.stdin = io.StringIO(typed)
    from orchestration import cli
    from orchestration.arrival.configured import configured_sources, dbt_sources
    from orchestration.build.dbt import dbt_environment
    from orchestration.core.settings import Settings

    # What was parsed is kept after its end.
    cli.leave = sys.exit  # type: ignore[assignment]
    if arguments[0] != "run":
        cli.main()
    settings = Settings.from_environment()
    of_dbt = os.environ | dbt_environment(settings, dbt_sources(settings, configured_sources(settings)))
    lend_parse(of_dbt)
    try:
        cli.main()
    finally:
        keep_parse(of_dbt)
