"""The recipe docs/adding-a-mart.md, followed literally: three files written, and nothing else by hand."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import generated
import pytest
from mart_tables import Examples

from expectations.results import GateResult
from expectations.suites.load import Example, read_suites
from orchestration import cli
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish.release import read_current
from orchestration.sample_shop import World, write_dumps

MART = "fct_repeat_purchase"
FILE = re.compile(r"^`([^`\n]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(FILE.findall((PROJECT_ROOT / "docs" / "adding-a-mart.md").read_text()))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what marts are made of, with the files of the recipe in it."""
    place = tmp_path_factory.mktemp("recipe")
    for folder in ("dbt_project", "expectations/suites/marts"):
        ignored = shutil.ignore_patterns("target", "logs")
        shutil.copytree(PROJECT_ROOT / folder, place / folder, ignore=ignored)
    (place / "docs/runbooks").mkdir(parents=True)
    shutil.copy(PROJECT_ROOT / "docs/runbooks/laws.md", place / "docs/runbooks")
    shutil.copytree(PROJECT_ROOT / "docs/metrics", place / "docs/metrics")
    for name, content in FILES.items():
        assert not (place / name).exists()
        (place / name).write_text(content)
    return place


def test_the_recipe_is_three_files() -> None:
    assert sorted(FILES) == [
        f"dbt_project/models/marts/trade/{MART}.sql",
        f"dbt_project/models/marts/trade/{MART}.yml",
        f"expectations/suites/marts/{MART}.yml",
    ]


def test_its_rules_pass_good_rows_and_trip_on_their_examples(place: Path, tmp_path: Path) -> None:
    suites = read_suites(place / "dbt_project", place / "expectations/suites/marts")
    mart = suites[MART]
    assert (mart.contract.key, mart.suite.owner) == (("brand_id", "month_start"), "trade-analytics")
    examples = Examples(tmp_path, suites)
    examples.add(MART, mart.suite.rules, Example(None), "good")
    for rule in mart.suite.rules:
        examples.add(MART, [rule], mart.examples[rule.name], rule.name)
    results = examples.results()
    assert {one.status for one in results.pop((MART, "good"))} == {"passed"}
    assert {name: one.status for (_, name), (one,) in results.items()} == dict.fromkeys(
        mart.examples, "failed"
    )


def test_format_writes_it_into_the_tables_of_marts(place: Path) -> None:
    assert generated.main(["--check"], place) == 1
    assert generated.main([], place) == 0
    assert generated.main(["--check"], place) == 0
    assert f"| `{MART}` | brand and complete month |" in (place / generated.OVERVIEW).read_text()


def test_a_run_builds_judges_and_publishes_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIPL_HOME", str(place / "data"))
    monkeypatch.setattr(Settings, "dbt_project", property(lambda _: place / "dbt_project"))
    monkeypatch.setattr(Settings, "suites", property(lambda _: place / "expectations/suites/marts"))
    write_dumps(place / "data" / "dumps" / "sample_shop", World(seed=5, persons=60, days=70))
    for command in (["run"], ["dbt", "--", "--quiet", "test", "--select", MART]):
        assert cli._guarded(lambda told=command: cli.aipl.main(told, standalone_mode=False)) == 0

    release = read_current(Settings.from_environment())
    assert release is not None and release.manifest["rows"][MART] > 3
    gate = GateResult.from_json(json.dumps(release.manifest["gates"]["marts"]))
    judged = [one.name for one in gate.passes if one.table == MART]
    rules = "buyers_present repeat_rate_within_bounds brand_id_in_dim_brand month_is_complete"
    assert judged == rules.split()
    with duckdb.connect(str(release.folder / "marts.duckdb"), read_only=True) as connection:
        published = connection.execute(f"from {MART} order by all").fetchall()
        days = connection.execute(
            "select distinct brand_id, date_trunc('month', touch_date)::date, person_id, touch_date"
            " from fct_person_days where touch_kind = 'paid_order'"
        ).fetchall()
        told = f"select comment from duckdb_tables() where table_name = '{MART}'"
        described = connection.execute(told).fetchone()
    for brand, month, buyers, repeat_buyers, rate in published:
        paid = [person for b, m, person, _ in days if (b, m) == (brand, month)]
        repeats = {person for person in paid if paid.count(person) > 1}
        assert (buyers, repeat_buyers) == (len(set(paid)), len(repeats))
        assert rate == (len(repeats) / len(set(paid)) if paid else None)
    assert sum(row[3] for row in published) > 0
    assert described is not None and described[0].startswith("One row per brand and complete month")
