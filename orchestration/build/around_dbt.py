"""Around dbt: move accepted loads to raw, and record the state of the build before and after."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.arrival.configured import read_arrival
from orchestration.arrival.dbt_inputs import forget_applied, mark_applied, read_dbt_inputs, write_arrival
from orchestration.arrival.loads import complete_columns, promote
from orchestration.arrival.retention import retire
from orchestration.build.engine.chosen import engine_of
from orchestration.build.fingerprint import digest, fingerprints, project_hash
from orchestration.build.reach import changed_inputs
from orchestration.build.rejects import keep_rejects
from orchestration.build.rules import check_rules, rules_hash
from orchestration.build.state import (
    Build,
    beside_files,
    build_id,
    discard_warehouse,
    needs_all_laws,
    read_build,
    warehouse_mark,
    why_in_full,
    write_build,
)
from orchestration.core.lock import writer_lock
from orchestration.core.privacy.erased import read_erased
from orchestration.core.settings import Settings
from orchestration.sources.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

BUILD_ALL = "Run `aipl run` first, which builds everything."


@dataclass(frozen=True)
class Preparation:
    """A build that is about to start; `in_full` says why everything is rebuilt, or is empty.

    `rules_changed` means that all stages are recomputed; `tests_all_rows` that laws check all rows, not only
    those of changed keys. `changed` names the inputs of dbt that changed, as `<source>.<table>`; it is None
    where all models are to run.
    """

    build: Build
    in_full: str
    rules_changed: bool
    tests_all_rows: bool
    changed: Set[str] | None = None

    @property
    def is_full(self) -> bool:
        """Whether everything is built from scratch."""
        return bool(self.in_full)

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables for dbt."""
        return {
            "AIPL_DBT_RULES_CHANGED": str(self.rules_changed).lower(),
            "AIPL_DBT_TEST_SCOPE": "all" if self.tests_all_rows else "changed",
            "AIPL_DBT_CHANGED_INPUTS": "all" if self.changed is None else " ".join(sorted(self.changed)),
        }


def write_dbt_inputs(settings: Settings, sources: Mapping[str, Source]) -> list[str]:
    """Make raw match the manifest and write dbt's input files.

    Returns messages about what was retired.
    """
    with writer_lock(settings.home):
        arrival = read_arrival(settings, sources)
        retired = retire(settings, arrival)
        if retired:
            arrival = read_arrival(settings, sources)
        promote(settings, arrival)
        complete_columns(settings, arrival)
        write_arrival(settings, arrival)
    return retired


def present_build(
    settings: Settings, dbt_sources: str, inputs: Mapping[str, pa.Table] | None = None
) -> Build:
    """The build that the current SQL, declarations and inputs would give, as if it were finished.

    `inputs` are dbt's inputs, by default those that were written last.
    """
    project, inputs = settings.dbt_project, inputs or read_dbt_inputs(settings)
    rules = rules_hash(project)
    program, laws = fingerprints(project, dbt_sources, engine_of(settings).versions())
    return Build(
        "complete",
        program,
        build_id(program, rules, inputs, read_erased(settings).generation),
        rules,
        laws=laws,
        beside_files=beside_files(inputs),
        project=digest(project_hash(project, dbt_sources), str(settings.home)),
        engine=settings.engine,
    )


def prepare_build(settings: Settings, dbt_sources: str) -> Preparation:
    """Record that a build begins, so that it counts as unfinished until `finish_build`.

    Raises InputError when the rules cannot be built, EnvironmentStop when the engine cannot be reached.
    """
    check_rules(settings.dbt_project)
    last = read_build(settings)
    build, today = present_build(settings, dbt_sources), datetime.now(UTC).date()
    on_engine = engine_of(settings).why_in_full(settings, last.build_id if last else "")
    in_full = why_in_full(settings, last, build) or on_engine
    tests_all_rows = bool(in_full) or needs_all_laws(last, build.laws, today)
    proved_on = today.isoformat() if last is None or tests_all_rows else last.proved_on
    build = replace(build, state="building", proved_on=proved_on, in_full=in_full)
    rules_changed = last is not None and not in_full and last.rules != build.rules
    runs_all = rules_changed or tests_all_rows or last is None or last.project != build.project
    changed = None if last is None or runs_all else changed_inputs(settings, last, build)
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with writer_lock(settings.home):
        if in_full:
            discard_warehouse(settings)
            forget_applied(settings)
        write_build(settings, build)
    return Preparation(build, in_full, rules_changed, tests_all_rows, changed)


def why_no_part(settings: Settings, sources: Mapping[str, Source], dbt_sources: str) -> str:
    """Why a part of the warehouse cannot be built consistently by itself; empty when it can.

    Updates raw and dbt's input files first.
    """
    write_dbt_inputs(settings, sources)
    return why_due(settings, read_build(settings), present_build(settings, dbt_sources))


def why_due(settings: Settings, last: Build | None, present: Build) -> str:
    """Why the warehouse differs from what a build would give now; empty when it does not."""
    reason = why_in_full(settings, last, present)
    if last is None or reason:
        return reason
    if last.rules != present.rules:
        return "the stage rules changed"
    if last.build_id != present.build_id:
        return "loads, declared brands, the state of a source or the list of erased people changed"
    return ""


def finish_build(settings: Settings, build: Build) -> None:
    """Record a complete build, which the next one may extend, and export its rejects.

    Raises EnvironmentStop when another run has taken over the home, or the engine cannot be reached.
    """
    with writer_lock(settings.home):
        keep_rejects(settings)
        engine_of(settings).finish(settings, build.build_id)
        mark_applied(settings)
        write_build(settings, replace(build, state="complete", warehouse=warehouse_mark(settings)))


def leave_build(settings: Settings, built: Collection[str]) -> None:
    """Export the rejects of a build that stopped halfway, if it came so far; `built` are its models."""
    with writer_lock(settings.home):
        keep_rejects(settings, built)
