"""dbt in a process that has imported it already: half of the time of a small build is the start of dbt."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from forks import PROCESSES
from parsed import keep_parse, lend_parse


def be_dbt(arguments: Sequence[str], environment: Mapping[str, str], output: int) -> None:
    """Be dbt's command line as the program starts it; what it prints goes to a file descriptor."""
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    from orchestration.dbt_child import write_what_is_wanted

    write_what_is_wanted()
    variables = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else ""
    lend_parse(environment, variables)
    try:
        cli(list(arguments))
    finally:
        keep_parse(environment, variables)
        # A forked process ends without what dbt has put off to its exit.
        DuckDBConnectionManager.close_all_connections()


class ForkedDbt:
    """What Dagster uses of a process that runs dbt."""

    def __init__(self, args: Sequence[str], env: Mapping[str, str], cwd: Path, **_: Any) -> None:
        self.args = args
        reader, writer = multiprocessing.Pipe(duplex=False)
        given = (args[1:], dict(env), cwd, writer)
        self._process = PROCESSES.Process(target=_forked, args=given, daemon=True)
        self._process.start()
        writer.close()
        self.stdout = os.fdopen(os.dup(reader.fileno()), "rb")

    @property
    def returncode(self) -> int | None:
        """The exit code, once it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises TimeoutExpired when it has not ended by then."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)


def _forked(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, writer: Connection
) -> None:
    os.chdir(folder)
    be_dbt(arguments, environment, writer.fileno())


def fork_dbt(patch: pytest.MonkeyPatch) -> None:
    """Have Dagster start dbt so; unlike the program's, it does not die with the run."""
    # The program's way to import Dagster's library for dbt.
    import_module("orchestration.defs")
    popen = SimpleNamespace(Popen=ForkedDbt, PIPE=subprocess.PIPE, STDOUT=subprocess.STDOUT)
    patch.setattr("dagster_dbt.core.dbt_cli_invocation.subprocess", popen)
