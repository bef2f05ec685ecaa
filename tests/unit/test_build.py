"""When a build may go on from the last one, and what names it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from unit.publish_home import make_home

from orchestration.arrival.dbt_inputs import read_dbt_inputs
from orchestration.build.around_dbt import Preparation
from orchestration.build.dbt import configured_manifest, dbt_environment, run_target, staging_exclusion
from orchestration.build.state import (
    Build,
    build_id,
    content_of,
    discard_warehouse,
    needs_all_laws,
    read_build,
    warehouse_mark,
    why_in_full,
    write_build,
)
from orchestration.core.settings import Settings


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({}, ""),
        ({"laws": "other laws", "rules": "other rules", "build_id": "other data"}, ""),
        ({"state": "building"}, "did not finish"),
        ({"fingerprint": "other SQL"}, "SQL, seeds"),
        ({"warehouse": "another file"}, "was changed since"),
        ({"fingerprint": "of its own", "laws": ""}, "earlier version of aipl"),
    ],
)
def test_only_a_finished_build_by_the_same_program_goes_on(
    tmp_path: Path, changed: dict[str, str], because: str
) -> None:
    settings = make_home(tmp_path)
    last = Build("complete", "SQL", "id", "rules", warehouse_mark(settings), laws="laws")
    reason = why_in_full(settings, replace(last, **changed), last)  # type: ignore[arg-type]
    assert because in reason and bool(because) == bool(reason)


def test_laws_look_at_all_rows_once_a_week_and_when_they_changed() -> None:
    def needed(laws: str, proved_on: str) -> bool:
        last = Build("complete", "rules", "id", proved_on=proved_on, laws="laws")
        return needs_all_laws(last, laws, date(2024, 5, 31))

    for proved_on in ("2024-05-31", "2024-05-25"):
        assert not needed("laws", proved_on)
        assert needed("other laws", proved_on)
    assert all(needed("laws", proved_on) for proved_on in ("", "2024-05-24", "2024-06-01", "?"))
    assert needs_all_laws(None, "laws", date(2024, 5, 31))


def test_the_state_survives_writing_but_not_the_loss_of_its_warehouse(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    present = Build("building", "new rules", "id")
    write_build(settings, present)
    assert read_build(settings) == present
    discard_warehouse(settings)
    assert read_build(settings) is None
    assert why_in_full(settings, None, present) == "no earlier build can be read"
    settings.build_state.unlink()
    assert why_in_full(settings, None, present) == "it is the first build"


def test_the_build_id_follows_what_arrived_and_not_its_order(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    before = build_id("program", "rules", read_dbt_inputs(settings))
    assert build_id("program", "other rules", read_dbt_inputs(settings)) != before

    sources = settings.arrival / "sources.parquet"
    duckdb.sql(f"create or replace temp table s as from '{sources}'")
    duckdb.sql("from s order by source_id desc").write_parquet(str(sources))
    assert build_id("program", "rules", read_dbt_inputs(settings)) == before
    held_up = duckdb.sql("select source_id, true as is_stale, 'refused' as stale_reason from s")
    held_up.write_parquet(str(sources))
    stale = build_id("program", "rules", read_dbt_inputs(settings))
    assert stale != before
    assert content_of(stale) == content_of(before), "that a load was refused adds no data"

    others = [("other", "rules", ""), ("program", "other", ""), ("program", "rules", "erased")]
    inputs = read_dbt_inputs(settings)
    contents = [content_of(build_id(program, rules, inputs, who)) for program, rules, who in others]
    for name, changed in (
        ("sources", "*, date '2024-01-31' as complete_through"),
        ("files", "* replace ('w' as version)"),
    ):
        path = settings.arrival / f"{name}.parquet"
        duckdb.sql(f"create or replace temp table changed as select {changed} from '{path}'")
        duckdb.table("changed").write_parquet(str(path))
        contents.append(content_of(build_id("program", "rules", read_dbt_inputs(settings))))
    assert len({content_of(before), *contents}) == 6


def test_staging_of_sources_that_are_not_configured_is_left_out(tmp_path: Path) -> None:
    for name in ("shop", "olist", "rees46"):
        (tmp_path / "models" / "staging" / name).mkdir(parents=True)
    left_out = ["path:models/staging/olist", "path:models/staging/rees46"]
    assert staging_exclusion(tmp_path, ["shop"]) == left_out
    assert staging_exclusion(tmp_path, ["shop", "olist", "rees46"]) == []
    paths = ("models/staging/shop/a.sql", "models/staging/olist/a.sql", "models/marts/a.sql", "seeds/a.csv")
    shop, olist, mart, seed = paths
    manifest = {
        "metadata": {},
        "nodes": {path: {"original_file_path": path} for path in paths},
        "parent_map": {shop: [], olist: [], mart: [shop, olist, seed], seed: []},
        "child_map": {shop: [mart], olist: [mart], mart: [], seed: [mart]},
    }
    assert configured_manifest(manifest, ["shop"]) == {
        "metadata": {},
        "nodes": {path: {"original_file_path": path} for path in (shop, mart, seed)},
        "parent_map": {shop: [], mart: sorted([shop, seed]), seed: []},
        "child_map": {shop: [mart], mart: [], seed: [mart]},
    }


def test_a_common_build_reads_the_manifest_as_it_was_prepared(tmp_path: Path) -> None:
    prepared = dbt_environment(Settings(tmp_path, tmp_path), "{}")
    build = Build("building", "program", "id")
    common = Preparation(build, in_full="", rules_changed=False, tests_all_rows=False)
    # No manifest depends on which rows laws look at, or on what changed: it is asked only when they run.
    prepared |= {"AIPL_DBT_TEST_SCOPE": "changed", "AIPL_DBT_CHANGED_INPUTS": "all"}
    assert prepared | common.variables == prepared


def test_only_the_last_runs_of_dbt_are_kept(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    for number in range(15):
        run_target(settings, f"run{number}").mkdir()
    assert len(list((settings.dbt_target / "runs").iterdir())) == 10
