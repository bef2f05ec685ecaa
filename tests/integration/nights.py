"""Nights that can be killed anywhere: the steps of a run, each night in a process of its own.

Dagster and dbt are left out, so that a night takes a fraction of a second: dbt's part is played by statements
that append what changed to what is there, as increments do, and would count rows twice if they were ever run
twice on the same state. The gates let everything through, since Great Expectations takes most of such a night
and touches nothing in the home; `judged` puts the arrival gate back. Everything else is the program.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import date
from functools import wraps
from itertools import count
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from forks import PROCESSES
from unit.publish_home import HomeSettings
from verdicts import verdict
from waiting import wait_for

from expectations.results import GateResult
from expectations.suites.arrival import ArrivalTable
from orchestration import cli
from orchestration.arrival import pull
from orchestration.arrival import receive as arrival
from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.arrival.manifest import LoadManifest
from orchestration.build.around_dbt import finish_build, prepare_build, write_dbt_inputs
from orchestration.core.lock import writer_lock
from orchestration.core.settings import Settings
from orchestration.monitoring.gates import observe_arrival_gate, observe_mart_gate
from orchestration.publish.release import mend_pointer, publish
from orchestration.quality import mart_gate as gate
from orchestration.quality.mart_gate import judge_marts

TODAY = date(2024, 2, 1)
DAYS = [date(2024, 1, day) for day in range(1, 32)]
CHANGES = frozenset({"os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class AtChange:
    """Kill before the n-th change of the file system below the home (from 1)."""

    number: int

    def arm(self, home: Path) -> None:
        """Count changes through Python's audit events."""
        on_change(home, lambda seen: die() if seen == self.number else None)


@dataclass(frozen=True)
class AtCall:
    """Kill before or after the n-th call of a function, named `module:attribute`."""

    function: str
    number: int = 1
    after: bool = False

    def arm(self, home: Path) -> None:
        """Put a function in place of the named one that dies at its time."""
        around(self.function, die, self.number, after=self.after)

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.function.rpartition('.')[2]} {self.number}"


@dataclass(frozen=True)
class SizeLimit:
    """No file may grow beyond so many bytes from the n-th call of a function on: a quota."""

    function: str
    size: int
    number: int = 1

    def arm(self, home: Path) -> None:
        """Lower the limit when the function is called."""
        steady()
        limits = (self.size, self.size)
        around(self.function, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits), self.number)


@dataclass(frozen=True)
class StopAtCall:
    """Suspend the process before the first call of a function, as a machine that sleeps does."""

    function: str

    def arm(self, home: Path) -> None:
        """Stop when the function is called for the first time; it goes on with SIGCONT."""
        around(self.function, lambda: os.kill(os.getpid(), signal.SIGSTOP))


@dataclass(frozen=True)
class CountChanges:
    """No fault: note how many changes of the file system a night makes."""

    def arm(self, home: Path) -> None:
        """Write the number beside the home after each."""
        noted = home.with_name("changes")
        on_change(home, lambda seen: noted.write_text(str(seen)))


Fault = AtChange | AtCall | SizeLimit | StopAtCall | CountChanges


def around(function: str, then: Callable[[], object], number: int = 1, *, after: bool = False) -> None:
    """Call `then` before or after the n-th call of a function `module:attribute`."""
    module, _, path = function.partition(":")
    *owners, name = path.split(".")
    place: Any = importlib.import_module(module)
    for owner in owners:
        place = getattr(place, owner)
    real, calls = getattr(place, name), count(1)

    @wraps(real)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        # Dumps are read by several threads: each call keeps its own number.
        is_it = next(calls) == number
        if is_it and not after:
            then()
        answer = real(*arguments, **keywords)
        if is_it and after:
            then()
        return answer

    setattr(place, name, wrapped)


def steady() -> None:
    """Have pull do the same in every night, whichever thread is first and however slow the machine is."""
    pull.READERS, pull.STEP_SECONDS = 1, 3600


def on_change(home: Path, then: Callable[[int], object]) -> None:
    """Call `then` with 1, 2, … before each change of the file system below `home`, the same each time."""
    steady()
    changes = count(1)
    below = str(home) + os.sep

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if (is_write or event in CHANGES) and str(arguments[0]).startswith(below):
            then(next(changes))

    sys.addaudithook(hook)


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def night(home: Path, fault: Fault | None = None, *, judged: bool = False) -> tuple[int, str]:
    """Bring in, build, judge and publish what is new; returns the exit code (-9: killed) and what it said."""
    return end(begin(home, fault, judged=judged), home)


def begin(
    home: Path,
    fault: Fault | None = None,
    told: str = "told",
    *,
    judged: bool = False,
    run: Callable[[Settings], object] | None = None,
) -> ForkServerProcess:
    """Start a night, or something else to `run`; one with a StopAtCall is suspended when this returns."""
    process = PROCESSES.Process(target=_night, args=(home, fault, home.with_name(told), judged, run or steps))
    process.start()
    if isinstance(fault, StopAtCall):
        wait_for(lambda: state(process) == "T")
    return process


def end(process: ForkServerProcess, home: Path, told: str = "told") -> tuple[int, str]:
    """Wait for a night; returns what `night` does."""
    process.join(120)
    if process.exitcode is None:
        process.kill()
        raise AssertionError("a night hangs")
    return process.exitcode, home.with_name(told).read_text()


def state(process: ForkServerProcess) -> str:
    """Letter that Linux has for the state of a process."""
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def _night(
    home: Path, fault: Fault | None, told: Path, judged: bool, run: Callable[[Settings], object]
) -> None:
    settings = HomeSettings(home, home / "sources.yml")
    gate.run_marts = content_gate
    if not judged:
        arrival.run_arrival = content_arrival_gate
    if fault:
        fault.arm(home)
    with told.open("w") as stream, redirect_stderr(stream):
        code = cli._guarded(lambda: run(settings))
    sys.exit(code)


def content_gate(*_: object, **__: object) -> GateResult:
    """A mart gate that lets everything through: the marts here are not those that its suites know."""
    return verdict("dim_brand")


def content_arrival_gate(tables: Sequence[ArrivalTable]) -> GateResult:
    """An arrival gate that reads all that arrived, as the real one does, and lets it through."""
    assert all(table.measures for table in tables)
    return verdict(*(table.name for table in tables))


def steps(settings: Settings) -> None:
    """What the assets of the nightly job do, in their order."""
    with writer_lock(settings.home):
        mend_pointer(settings)
        sources = configured_sources(settings)
        for source in sources.values():
            arrival.receive(settings, source, DAYS, None, TODAY)
            observe_arrival_gate(settings, source.source_id)
        build_and_publish(settings)


def build_and_publish(settings: Settings, *_: object) -> list[Any]:
    """The steps after arrival; returns those that stopped, none of which let a night go on."""
    sources = configured_sources(settings)
    write_dbt_inputs(settings, sources)
    preparation = prepare_build(settings, dbt_sources(settings, sources))
    stand_in_for_dbt(settings, preparation.is_full)
    finish_build(settings, preparation.build)
    judge_marts(settings)
    observe_mart_gate(settings)
    publish(settings)
    observe_mart_gate(settings)
    return []


def stand_in_for_dbt(settings: Settings, is_full: bool) -> None:
    """Append the rows of files that are not applied yet; each statement commits, as models of dbt do."""
    files, applied = (f"'{settings.arrival}/{name}.parquet'" for name in ("files", "applied"))
    raw = f"'{settings.raw}/*/orders/load_date=2*/*.parquet'"
    lines = (
        "select split_part(filename, '/raw/', 2).split('/')[1] as source_id, _file, _row, _load_date,"
        " order_id, amount::integer as amount"
        f" from read_parquet({raw}, filename = true, union_by_name = true)"
    )
    key = "(source_id, file, version)"
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema if not exists marts")
        if is_full:
            connection.execute(f"create table marts.fct_lines as {lines}")
        else:
            connection.execute(
                f"delete from marts.fct_lines where (source_id, _file) in (select (source_id, file) from"
                f" {applied} where {key} not in (select {key} from {files}))"
            )
            between_models()
            connection.execute(
                f"insert into marts.fct_lines {lines} where (source_id, _file) in (select (source_id, file)"
                f" from {files} where {key} not in (select {key} from {applied}))"
            )
        between_models()
        connection.execute(
            "create or replace table marts.dim_brand as select source_id as brand_id,"
            " max(_load_date) as horizon, sum(amount) as money, count(*) as lines"
            " from marts.fct_lines group by 1"
        )
        connection.execute("create or replace table marts.fct_fast as select 'consumer_asset' as preset")


def between_models() -> None:
    """A place to be killed at."""


def rows(database: Path, schema: str) -> dict[str, Counter[tuple[Any, ...]]]:
    """All rows of all tables of a schema; what a release tells of itself left out."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = $schema", {"schema": schema}
        ).fetchall()
        return {
            name: Counter(connection.execute(f"select * from {schema}.{name}").fetchall())
            for (name,) in names
            if name != "dim_release"
        }


def picture(settings: Settings) -> dict[str, Any]:
    """All that must be the same after a fault as without it."""
    with LoadManifest(settings.manifest) as manifest:
        versions = [v for found in manifest.all_deliveries().values() for v in found.versions]
    # The page of a gate that was killed in the middle is no state; an empty .incoming is no leftover.
    hidden = [
        path.relative_to(settings.home).as_posix()
        for path in settings.home.rglob(".*")
        if not path.name.startswith((".writer", ".ui"))
        and path.name != ".incoming"
        and not path.is_relative_to(settings.reports)
    ]
    return {
        "raw": {
            path.relative_to(settings.raw).as_posix(): pq.read_table(path).to_pylist()
            for path in settings.raw.rglob("*.parquet")
        },
        "rejects": {
            path.name: pq.read_table(path).to_pylist() for path in settings.rejects.rglob("*.parquet")
        },
        "waiting": [path.name for path in settings.arrivals.rglob("*.parquet")],
        "landing": Counter(path.read_bytes() for path in settings.landing.rglob("*.csv")),
        "versions": Counter((v.source_id, v.file, v.version, v.row_count, v.state) for v in versions),
        "warehouse": rows(settings.warehouse, "marts"),
        "release": rows(settings.published / "current" / "marts.duckdb", "main"),
        "releases": len(list((settings.published / "releases").iterdir())),
        "leftovers": hidden,
    }
