"""What the warehouse was built from, and whether that build finished.

An unfinished build is rebuilt in full, and so is one made with different SQL, sources or engine versions:
increments are only added to a warehouse that is known to be consistent. Builds are therefore safe to kill.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from orchestration.build.fingerprint import digest
from orchestration.core.files import write_json
from orchestration.core.settings import Settings
from orchestration.core.versions import FORMAT, require_known

if TYPE_CHECKING:
    import pyarrow as pa

STATE_FORMAT = 1
FIRST_BUILD = "it is the first build"
PROVED_EVERY = timedelta(days=7)
# They say that a refused load holds a source up, which changes no mart's people or money.
STALENESS_COLUMNS = ("is_stale", "stale_reason")
T = TypeVar("T")


@dataclass(frozen=True)
class Build:
    """`fingerprint` names the program of a build, `rules` the rows that give the stages.

    `build_id` names both and the data that they were applied to; `warehouse` is how a finished build left its
    files. `proved_on` is the day, ISO, of the last build in which laws looked at all rows, `laws` names them.
    `in_full` says why everything was built from scratch; it is empty for an increment. `beside_files` is a
    hash of what dbt read of arrival besides the files, `project` one of all files of the dbt project, texts
    too, and of the place of the home, which views name. `engine` is where it was built.
    """

    state: Literal["building", "complete"]
    fingerprint: str
    build_id: str
    rules: str = ""
    warehouse: str = ""
    proved_on: str = ""
    laws: str = ""
    in_full: str = ""
    beside_files: str = ""
    project: str = ""
    engine: str = "duckdb"


@dataclass(frozen=True)
class GateRecord:
    """The verdict of the mart gate on one build; `results` is the gate's result, ready for JSON."""

    build_id: str
    passed: bool
    finished_at: str
    results: dict[str, Any]


def build_id(program: str, rules: str, inputs: Mapping[str, pa.Table], erased: str = "") -> str:
    """A hash of the program, the rules, dbt's inputs and the erased people, in any order of rows.

    The part before the hyphen covers the content (`content_of`), the part after it which sources are stale.
    """
    sources = inputs["sources"]
    told = {**inputs, "sources": sources.drop_columns(list(STALENESS_COLUMNS))}
    content = digest(program, rules, json.dumps([_sorted(rows) for rows in told.values()]), erased)
    staleness = digest(json.dumps(_sorted(sources.select(["source_id", *STALENESS_COLUMNS]))))
    return f"{content}-{staleness[:16]}"


def beside_files(inputs: Mapping[str, pa.Table]) -> str:
    """A hash of what dbt reads of arrival besides the files, in any order of rows."""
    return digest(json.dumps([_sorted(rows) for name, rows in inputs.items() if name != "files"]))


def content_of(build_id: str) -> str:
    """The part of a build id that covers data, rules and program, but not which sources are stale."""
    return build_id.partition("-")[0]


def read_build(settings: Settings) -> Build | None:
    """The state of the last build; None without one, without its warehouse, or if the file is damaged."""
    return _read(settings.build_state, Build) if settings.warehouse.exists() else None


def write_build(settings: Settings, build: Build) -> None:
    """Store the state of a build durably before returning."""
    write_json(settings.build_state, {FORMAT: STATE_FORMAT, **asdict(build)})


def warehouse_mark(settings: Settings) -> str:
    """Size and time of change of the warehouse, its write-ahead log and the list of files that it holds.

    If it differs from what a finished build recorded, a file was truncated, restored or written since.
    """
    files = (settings.warehouse, _write_ahead_log(settings), settings.arrival / "applied.parquet")
    return ", ".join(f"{path.name}: {_stamp(path)}" for path in files)


def is_untouched(settings: Settings, last: Build | None) -> bool:
    """Whether the warehouse is unchanged since a finished build."""
    return last is not None and last.state == "complete" and last.warehouse == warehouse_mark(settings)


def forget_build(settings: Settings) -> None:
    """Mark the warehouse as inconsistent: the next build starts from scratch."""
    if build := read_build(settings):
        write_build(settings, replace(build, state="building"))


def why_in_full(settings: Settings, last: Build | None, present: Build) -> str:
    """Why the next build cannot be an increment on the last one; empty when it can."""
    if last is None:
        return "no earlier build can be read" if settings.build_state.exists() else FIRST_BUILD
    if last.state != "complete":
        return "the last build did not finish"
    if not last.laws:
        return "an earlier version of aipl made the last build"
    if last.engine != present.engine:
        return f"the last build was made on {last.engine}"
    if last.fingerprint != present.fingerprint:
        return "SQL, seeds, configuration, sources or engine changed"
    return "" if is_untouched(settings, last) else "the warehouse was changed since it was built"


def needs_all_laws(last: Build | None, laws: str, today: date) -> bool:
    """Whether laws look at all rows in the next increment: once a week, if one of them changed, or if nobody
    knows when they did.
    """
    if last is None or last.laws != laws:
        return True
    return not (today - PROVED_EVERY).isoformat() < last.proved_on <= today.isoformat()


def discard_warehouse(settings: Settings) -> None:
    """Remove the warehouse, so that no tables of removed models survive a full build."""
    settings.warehouse.unlink(missing_ok=True)
    _write_ahead_log(settings).unlink(missing_ok=True)
    shutil.rmtree(settings.engine_tables, ignore_errors=True)
    # What a killed process had moved out of memory.
    shutil.rmtree(settings.warehouse.with_name(settings.warehouse.name + ".tmp"), ignore_errors=True)


def read_gate(settings: Settings) -> GateRecord | None:
    """The last verdict of the mart gate; None before the first, or when it is unreadable."""
    return _read(_gate_file(settings), GateRecord)


def write_gate(settings: Settings, record: GateRecord) -> None:
    """Store a verdict next to its warehouse."""
    write_json(_gate_file(settings), {FORMAT: STATE_FORMAT, **asdict(record)})


def _sorted(rows: pa.Table) -> list[str]:
    return sorted(str(tuple(row.values())) for row in rows.to_pylist())


def _read(path: Path, kind: type[T]) -> T | None:
    """Read a state file; a damaged one counts as missing, so that its work is repeated.

    Raises EnvironmentStop when a newer program wrote it.
    """
    try:
        content = json.loads(path.read_text())
        require_known(path, content, STATE_FORMAT)
        return kind(**{name: value for name, value in content.items() if name != FORMAT})
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return None


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except FileNotFoundError:
        return "none"
    return f"{status.st_size} bytes of {status.st_mtime_ns} ns"


def _write_ahead_log(settings: Settings) -> Path:
    return settings.warehouse.with_name(settings.warehouse.name + ".wal")


def _gate_file(settings: Settings) -> Path:
    return settings.build_state.with_name("gate.json")
