"""The ledger of a release: which published days it restates, for whom, and why.

It compares two releases, the current one and the new one, and does not depend on what a build did: see
docs/decisions/0024-the-ledger-compares-two-releases.md.
"""

from __future__ import annotations

import filecmp
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from expectations.contracts import read_contracts
from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.marts import mart_names, write_mart

# What two releases must both hold to be compared.
COMPARED = frozenset(
    {
        "dim_aipl_rule",
        "dim_aipl_stage",
        "dim_brand",
        "dim_person_key",
        "fct_aipl_daily",
        "fct_aipl_stage_history",
        "fct_person_days",
        "fct_person_states",
    }
)

KNOWN_PERSON = "case when person_id in (select person_id from release.main.dim_person_key) then person_id end"

LEDGER, RELEASES = "fct_aipl_ledger", "dim_release"


@dataclass(frozen=True)
class Identity:
    """What names a release in its own tables.

    Without `same_person_key`, the previous release hashed people with another key.
    """

    release_id: str
    previous_release_id: str | None
    created_at: datetime
    rules_hash: str
    engine: str
    same_person_key: bool = True


@dataclass(frozen=True)
class Comparison:
    """Whether the previous release was compared with, so that the ledger reaches back beyond this release.

    `missing` are marts by the side that lacks them ("previous" or "this"); with any, or with another person
    key, nothing was compared and the ledger starts again.
    """

    was_made: bool
    missing: dict[str, list[str]]


def write_ledger(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    identity: Identity,
    previous: Path | None,
    *,
    names_erased: bool = False,
) -> tuple[Comparison, dict[str, int]]:
    """Write both tables into the attached `release` and `folder`.

    `previous` is the folder of the current release, whose database is attached under this name, or None.
    `names_erased` is whether persons were erased since: then entries of persons that this release does not
    know name nobody. Returns whether there was anything to compare with, and rows by mart. The entries of
    this release stay in the temporary table `new_entries`.
    """
    contracts = read_contracts(PROJECT_ROOT / "dbt_project")
    comparison = _comparison(connection, identity) if previous else Comparison(False, {})
    columns = ", ".join(f"{column.name} {column.data_type}" for column in contracts[LEDGER].columns)
    connection.execute(f"create temp table new_entries ({columns})")
    if previous and comparison.was_made and not _is_same_history(previous, folder):
        _find_new_entries(connection, identity)
    known_person = ""
    if names_erased and comparison.was_made:
        known_person = f" replace ({KNOWN_PERSON} as person_id)"
        # The notes count persons in it.
        connection.execute(f"update new_entries set person_id = {KNOWN_PERSON}")
    presets = "select distinct preset from release.main.dim_aipl_stage order by 1"
    if "dim_aipl_stage" not in mart_names(connection, "release"):
        presets = "select null::varchar where false"
    connection.execute(
        "create temp table own_release as select $release_id::varchar as release_id,"
        " $previous_release_id::varchar as previous_release_id, $created_at::timestamp as created_at,"
        " $rules_hash::varchar as rules_hash, $engine::varchar as engine,"
        f" array({presets}) as presets,"
        " brand_id, horizon from release.main.dim_brand",
        {
            "release_id": identity.release_id,
            "previous_release_id": identity.previous_release_id,
            "created_at": identity.created_at.replace(tzinfo=None, microsecond=0),
            "rules_hash": identity.rules_hash,
            "engine": identity.engine,
        },
    )
    rows = {}
    for name, own, replaced in ((RELEASES, "own_release", ""), (LEDGER, "new_entries", known_person)):
        query = f"select * from {own}"
        if comparison.was_made:
            query = f"select * from previous.main.{name} union all by name {query}"
        names = ", ".join(column.name for column in contracts[name].columns)
        rows[name] = write_mart(
            connection, folder, contracts[name], f"select {names} from (select *{replaced} from ({query}))"
        )
    return comparison, rows


def _comparison(connection: duckdb.DuckDBPyConnection, identity: Identity) -> Comparison:
    lacks = {
        "previous": sorted((COMPARED | {LEDGER, RELEASES}) - mart_names(connection, "previous")),
        "this": sorted(COMPARED - mart_names(connection, "release")),
    }
    missing = {side: marts for side, marts in lacks.items() if marts}
    return Comparison(identity.same_person_key and not missing, missing)


def _is_same_history(previous: Path, folder: Path) -> bool:
    """Whether nobody's stage differs on any day: equal tables are equal files, as their rows are sorted."""
    before, after = (release / "fct_aipl_stage_history.parquet" for release in (previous, folder))
    return before.exists() and after.exists() and filecmp.cmp(before, after, shallow=False)


def _find_new_entries(connection: duckdb.DuckDBPyConnection, identity: Identity) -> None:
    statements = {file.stem: file.read_text() for file in (Path(__file__).parent / "ledger").glob("*.sql")}
    connection.execute(statements["differing_persons"])
    if connection.execute("select 1 from differing_persons limit 1").fetchone():
        connection.execute(
            f"insert into new_entries select $release_id, * from ({statements['new_entries']})",
            {"release_id": identity.release_id},
        )
    connection.execute("drop table differing_persons")
