"""dbt in a process that has imported it already: half of the time of a small build is the start of dbt."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from parsed import keep_parse, lend_parse


def be_dbt(arguments: Sequence[str], environment: Mapping[str, str], output: int) -> None:
    """Be dbt's command line as the program starts it; what it prints goes to a file descriptor."""
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    variables = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else ""
    lend_parse(environment, variables)
    try:
        cli(list(arguments))
    finally:
        keep_parse(environment, variables)
        # A forked process ends without what dbt has put off to its exit.
        DuckDBConnectionManager.close_all_connections()
