"""Write the files of one release: its marts and the manifest that says what they hold."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from expectations.contracts import read_contracts
from orchestration.arrival.dbt_inputs import applied_through
from orchestration.build.state import GateRecord, read_build
from orchestration.core.atomic import flush_to_disk
from orchestration.core.database import connect, sql_text
from orchestration.core.files import sha256, write_json
from orchestration.core.privacy.erased import read_erased
from orchestration.core.privacy.person_key import fingerprint_in, require_person_key
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.core.versions import FORMAT
from orchestration.publish.ledger import Identity, write_ledger
from orchestration.publish.marts import copy_marts, create_macros, new_release
from orchestration.publish.notes import release_notes, to_markdown
from orchestration.publish.personal import Mask, personal_columns
from orchestration.publish.query import records
from orchestration.publish.releases import RELEASE_FORMAT, read_manifest, sealed
from orchestration.quality.mart_gate import judge_release


def write_release(
    settings: Settings, folder: Path, created: datetime, gate: GateRecord, *, name: str, previous: Path | None
) -> None:
    """Fill `folder` with the release `name` after `previous`: on disk and read-only when this returns.

    Raises GateStop or GateError when the mart gate does not let through what is added to the marts.
    """
    before, build = read_manifest(previous) if previous else None, read_build(settings)
    key, contracts = require_person_key(settings), read_contracts(settings.dbt_project)
    identity = Identity(
        name,
        before["release_id"] if before else None,
        created,
        # Of the build: the seeds may have been edited since.
        build.rules if build else "",
        build.engine if build else "",
        same_person_key=before is None or fingerprint_in(before) == key.fingerprint,
    )
    with connect() as connection:
        connection.execute(f"set memory_limit = {sql_text(settings.memory)}")
        # Beside the folder, and removed with it by the next run if this one is killed.
        connection.execute(f"set temp_directory = {sql_text(folder.with_name(folder.name + '.spill'))}")
        connection.execute(f"attach {sql_text(settings.warehouse)} as warehouse (read_only)")
        if previous:
            connection.execute(f"attach {sql_text(previous / 'marts.duckdb')} as previous (read_only)")
        with new_release(connection, folder):
            mask = Mask.put_on(connection, key, personal_columns(contracts))
            rows = copy_marts(connection, folder, mask, contracts)
            erased = read_erased(settings).generation
            names_erased = before is not None and before["erased"] != erased
            comparison, ledger_rows = write_ledger(
                connection, folder, identity, previous, names_erased=names_erased
            )
            create_macros(connection)
            facts = _facts(connection, settings, identity)
            notes = release_notes(connection, identity, comparison, before, facts)
    compared_with = previous if comparison.was_made else None
    gate = judge_release(settings, gate, folder / "marts.duckdb", compared_with)
    (folder / "notes.md").write_text(to_markdown(notes))
    files = sorted(folder.iterdir())
    manifest = {
        FORMAT: RELEASE_FORMAT,
        "release_id": name,
        "previous_release_id": identity.previous_release_id,
        "created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}",
        "build_id": gate.build_id,
        "erased": erased,
        "person_key": {"fingerprint": key.fingerprint, "origin": key.origin},
        "git_revision": _git_revision(),
        **facts,
        "rows": dict(sorted((rows | ledger_rows).items())),
        "restated": notes.restated,
        "notes": asdict(notes),
        "gates": {"marts": gate.results, "finished_at": gate.finished_at},
        "sha256": {file.name: sha256(file) for file in files},
    }
    write_json(folder / "manifest.json", sealed(manifest))
    for file in [*files, folder / "manifest.json"]:
        flush_to_disk(file)
        file.chmod(0o444)
    flush_to_disk(folder)


def _facts(connection: duckdb.DuckDBPyConnection, settings: Settings, identity: Identity) -> dict[str, Any]:
    """What the release holds, from the marts and from what dbt was told of arrival."""
    horizon = connection.execute(
        "select brand_id, cast(horizon as varchar) from warehouse.marts.dim_brand order by 1"
    ).fetchall()
    presets = connection.execute("select distinct preset from warehouse.marts.fct_fast order by 1").fetchall()
    stale = connection.execute(
        f"select source_id, stale_reason from read_parquet({sql_text(settings.arrival / 'sources.parquet')})"
        " where is_stale order by 1"
    ).fetchall()
    return {
        "horizon": dict(horizon),
        "engine": identity.engine,
        "rules": {"presets": [preset for (preset,) in presets], "sha256": identity.rules_hash},
        "stale_sources": dict(stale),
        "decided_through": applied_through(settings),
        "loads": records(
            connection,
            "select source_id as source, cast(load_date as varchar) as load_date, count(*) as files,"
            " sum(row_count)::bigint as rows, sum(unreadable_count)::bigint as unreadable"
            f" from read_parquet({sql_text(settings.arrival / 'files.parquet')}) group by all order by all",
        ),
    }


def _git_revision() -> str | None:
    if not (PROJECT_ROOT / ".git").exists() or not shutil.which("git"):
        return None
    command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None
