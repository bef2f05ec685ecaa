"""Held loads: what the current release lacks of a source is refused, so that the rest is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from expectations.results import GateResult
from orchestration.arrival.configured import (
    configured_sources,
    dbt_sources,
    named_source,
    read_arrival,
)
from orchestration.arrival.contract import contract, program_hash
from orchestration.arrival.file_versions import HELD, FileVersion, State
from orchestration.arrival.manifest import LoadManifest
from orchestration.build.warehouse import open_warehouse
from orchestration.core.account import account
from orchestration.core.errors import InputError
from orchestration.core.lock import writer_lock
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.publish.releases import decided_through, read_current
from orchestration.quality.new_loads import CAN_BE_STAGED, judge_staging

Held = Mapping[str, list[FileVersion]]


def unpublished(settings: Settings, source_id: str) -> list[FileVersion]:
    """Accepted file versions of a source that were decided after those that the current release holds.

    Raises InputError when the current release was published by a version of aipl that did not note it.
    """
    through = decided_through(settings)
    if through is None:
        raise InputError(
            "The current release does not say which loads it holds: an earlier version of aipl published it."
            " The next release will."
        )
    versions = read_arrival(settings, {}).of(source_id).versions
    return [v for v in versions if v.state is State.ACCEPTED and (v.decision or 0) > through]


def hold(settings: Settings, reasons: Mapping[str, str]) -> dict[str, list[FileVersion]]:
    """Refuse what the current release lacks of these sources, for a reason each; returns it by source.

    All of it, since refusing one of two loads that came together would leave a hole. It is judged again when
    the declaration, the program or a suite changes.
    """
    declared, program = configured_sources(settings), program_hash(settings)
    with writer_lock(settings.home):
        held = {source_id: unpublished(settings, source_id) for source_id in reasons}
        with LoadManifest(settings.manifest) as manifest, manifest.transaction():
            for source_id, versions in held.items():
                source = declared.get(source_id)
                manifest.decide(
                    [version.version_id for version in versions],
                    State.REFUSED,
                    f"{HELD}: {reasons[source_id]}",
                    contract(settings, source, program) if source else None,
                )
                for day in {version.load_date for version in versions}:
                    manifest.forget_measures(source_id, day)
    return held


def let_go(settings: Settings, held: Held) -> None:
    """Accept again what was held: holding it did not help."""
    with writer_lock(settings.home), LoadManifest(settings.manifest) as manifest:
        manifest.decide(
            [version.version_id for versions in held.values() for version in versions], State.ACCEPTED, None
        )


def hold_source(settings: Settings, source_id: str) -> str:
    """Hold back by hand what the current release does not hold of a source; returns what to tell.

    Raises InputError when there is nothing to hold, or no such source.
    """
    named_source(settings, configured_sources(settings), source_id)
    held = hold(settings, {source_id: f"by {account() or 'hand'}"})[source_id]
    if not held:
        raise InputError(f"Nothing to hold back: the current release has all loads of {source_id}.")
    days = sorted({version.load_date for version in held})
    return (
        f"Held back: {counted(len(days), 'load')} of {source_id}, {_span(days)}. `aipl run` publishes the"
        f" others. To let one in again: `aipl accept {source_id} {days[0]} --reason TEXT`."
    )


def accept_load(settings: Settings, source_id: str, day: date, reason: str) -> str:
    """Accept a refused load on somebody's word; returns what to tell.

    Raises InputError when no such load is refused, when a file of it cannot be read, or when staging cannot
    be run over it: then it would stop the night of all.
    """
    declared = configured_sources(settings)
    source = named_source(settings, declared, source_id)
    with writer_lock(settings.home):
        deliveries = read_arrival(settings, declared).of(source_id)
        refused = [
            version
            for version in deliveries.latest.values()
            if version.load_date == day and version.state is State.REFUSED
        ]
        if not refused:
            raise InputError(
                f"No refused load of {source_id} is of {day}. `aipl status` lists the refused loads."
            )
        if unreadable := [version for version in refused if not version.is_readable]:
            raise InputError(
                f"{unreadable[0].file} cannot be read ({unreadable[0].reason}), so it cannot be accepted."
                " Deliver it again."
            )
        for found in judge_staging(settings, dbt_sources(settings, declared), source, deliveries, [day]):
            if found.name == CAN_BE_STAGED and found.status == "failed":
                raise InputError(f"It would stop the build: {found.observed}")
        word = f"by {account() or 'hand'}: {reason}"
        with LoadManifest(settings.manifest) as manifest:
            manifest.decide([v.version_id for v in refused], State.ACCEPTED, word)
    return f"Accepted: load {day} of {source_id}. `aipl run` publishes it."


def concerned(settings: Settings, result: GateResult) -> dict[str, str]:
    """Sources that all blocking findings of the mart gate are traced to, with the finding of each.

    Empty when a finding names nobody, when nothing would be left to publish, or when the current release does
    not say what it holds.
    """
    if decided_through(settings) is None:
        return {}
    reasons: dict[str, str] = {}
    for found in result.failures:
        sources = set(found.named.get("source_id", ()))
        if brands := found.named.get("brand_id"):
            sources |= _sources_of(settings, brands)
        if not sources:
            return {}
        told = f"the mart gate found {found.table}: {found.name}: {found.observed}"
        if found.examples:
            told += f", such as {', '.join(f'{name} {value}' for name, value in found.examples[0].items())}"
        for source_id in sources:
            reasons.setdefault(source_id, told)
    arrival = read_arrival(settings)
    others = [name for name in arrival.sources if name not in reasons and arrival.of(name).effective]
    return reasons if others or read_current(settings) else {}


def _sources_of(settings: Settings, brands: Iterable[str]) -> set[str]:
    """Sources with rows of these brands."""
    with open_warehouse(settings) as connection:
        tables = connection.execute(
            "select table_name from duckdb_columns() where schema_name = 'intermediate'"
            " and column_name in ('source_id', 'brand_id') group by 1 having count(*) = 2"
        ).fetchall()
        found: set[str] = set()
        for (table,) in tables:
            rows = connection.execute(
                f"select distinct source_id from intermediate.{table} where list_contains($brands, brand_id)",
                {"brands": list(brands)},
            )
            found |= {source_id for (source_id,) in rows.fetchall()}
    return found


def _span(days: list[date]) -> str:
    return f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
