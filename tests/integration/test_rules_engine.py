"""Presets are rows: one of a user's own beside a shipped one, and a changed row rebuilds the stages only."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from oracle import sample_shop
from oracle.rules import preset_from_rows
from oracle.stages import stage_history, walk
from warehouse import OwnWarehouse, Warehouse

from orchestration.publish.query import run_query
from orchestration.publish.release import publish
from orchestration.publish.releases import require_current
from orchestration.quality.mart_gate import judge_marts
from orchestration.sample_shop import World, write_dumps

WORLD = World(seed=5, persons=60, days=20)
PRESETS = ["consumer_asset", "databank_2021", "p_540_365", "gross", "strict_net", "five_a"]
ROWS = {
    "aipl_presets": ["five_a,gross,Five stages from aware to advocate,ours"],
    # A stage may be called as the others call nobody.
    "aipl_stages": [
        "five_a,none,0,None,无",
        "five_a,O,1,Aware,了解",
        "five_a,appeal,2,Appeal,吸引",
        "five_a,ask,3,Ask,问询",
        "five_a,act,5,Act,行动",
        "five_a,advocate,8,Advocate,拥护",
    ],
    "aipl_rules": [
        "five_a,seen,O,touch,ad_impression,7,1,days,,ours,low",
        "five_a,browsed,appeal,touch,product_view,7,2,days,,ours,low",
        "five_a,follows,appeal,state,follower,,1,days,,ours,low",
        "five_a,searched,ask,touch,brand_search,30,1,days,,ours,low",
        "five_a,bought,act,touch,paid_order,180,1,days,,ours,low",
        "five_a,praised,advocate,touch,review,365,1,days,5,ours,low",
    ],
}
# Marts that rules of stages decide.
BY_RULES = [
    "dim_aipl_rule",
    "fct_aipl_daily",
    "fct_aipl_deepened_persons",
    "fct_aipl_deepening",
    "fct_aipl_flow",
    "fct_aipl_stage_changes",
    "fct_aipl_stage_history",
    "fct_fast",
    "fct_fast_changes",
    "fct_fast_tiers",
    "fct_gmv_forecast",
]


def own_warehouse(folder: Path) -> OwnWarehouse:
    """A home and a project with one more preset, all presets chosen by the one variable."""
    warehouse = OwnWarehouse.make(folder / "home")
    project = warehouse.settings.dbt_project
    for seed, rows in ROWS.items():
        with (project / "seeds" / f"{seed}.csv").open("a", encoding="utf-8") as text:
            text.writelines(f"{row}\n" for row in rows)
    declared = project / "dbt_project.yml"
    text = declared.read_text()
    assert "aipl_presets: [consumer_asset]" in text
    declared.write_text(
        text.replace("aipl_presets: [consumer_asset]", f"aipl_presets: [{', '.join(PRESETS)}]")
    )
    return warehouse


def change_a_rule(warehouse: Warehouse) -> None:
    """Interest from a product view lasts three days only."""
    path = warehouse.settings.dbt_project / "seeds" / "aipl_rules.csv"
    before = path.read_text()
    after = before.replace(
        "consumer_asset,i_product_view,I,touch,product_view,15",
        "consumer_asset,i_product_view,I,touch,product_view,3",
    )
    assert after != before
    path.write_text(after)


def release(warehouse: Warehouse) -> None:
    """Publish what was built, through the gate."""
    assert judge_marts(warehouse.settings).failures == ()
    assert publish(warehouse.settings).is_new


def seed(warehouse: Warehouse, name: str) -> list[dict[str, str]]:
    with (warehouse.settings.dbt_project / "seeds" / f"{name}.csv").open(encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dumps") / "dumps"
    write_dumps(folder, WORLD)
    return folder


@pytest.fixture(scope="module")
def changed(dumps: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Built, then built again after a change of one rule."""
    warehouse = own_warehouse(tmp_path_factory.mktemp("changed"))
    warehouse.load("sample_shop", dumps)
    assert warehouse.build(), "the first build is a full one"
    release(warehouse)
    before = warehouse.rows("marts.fct_aipl_stage_history")
    change_a_rule(warehouse)
    assert not warehouse.build(), "a change of rules needs no full build"
    assert warehouse.rows("marts.fct_aipl_stage_history") != before
    release(warehouse)
    return warehouse


def test_every_preset_agrees_with_brute_force(changed: Warehouse, dumps: Path) -> None:
    evidence, _ = sample_shop.read(dumps)
    for name in PRESETS:
        preset = preset_from_rows(
            name, *(seed(changed, table) for table in ("aipl_presets", "aipl_stages", "aipl_rules"))
        )
        found = changed.query(
            "select brand_id, person_id, stage, valid_from, valid_to from marts.fct_aipl_stage_history"
            f" where preset = '{name}'"
        )
        assert len(found) > 100
        assert set(found) == stage_history(walk(evidence, preset)), name


def test_the_release_explains_what_a_changed_rule_did(changed: Warehouse) -> None:
    settings = changed.settings
    notes = require_current(settings).notes.read_text(encoding="utf-8")
    (told,) = [line for line in notes.splitlines() if "i_product_view" in line]
    assert "window_days" in told
    assert "15" in told
    assert "3" in told
    reasons = run_query(
        settings, "select preset, reason, count(*) > 0 from fct_aipl_ledger group by all"
    ).rows
    assert reasons == [("consumer_asset", "rules", True)]
    restated = run_query(
        settings,
        "select sum(published - known_now), sum(rules), sum(late + refund + identity + correction) "
        "from aipl_restated('2024-09-20') where preset = 'consumer_asset' and stage = 'I'",
    ).rows
    ((moved, by_rules, otherwise),) = restated
    assert moved == by_rules > 0
    assert otherwise == 0


def test_a_changed_rule_gives_what_a_full_build_gives(
    changed: Warehouse, dumps: Path, tmp_path: Path
) -> None:
    full = own_warehouse(tmp_path)
    change_a_rule(full)
    full.load("sample_shop", dumps)
    assert full.build(only=BY_RULES)
    for mart in BY_RULES:
        assert changed.rows(f"marts.{mart}") == full.rows(f"marts.{mart}"), mart
    untouched = changed.query("select count(*) from changes.int_events")
    assert untouched == [(0,)], "no event was read again"
