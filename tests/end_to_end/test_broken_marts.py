"""Marts broken on purpose: the release does not move, and the message names what is wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.arrival.pending import Request
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.nightly.run import run_new
from orchestration.publish.release import read_current
from orchestration.sample_shop import World, write_dumps


@dataclass(frozen=True)
class OwnProject(Settings):
    """Settings whose dbt project is a copy that a test may break."""

    @property
    def dbt_project(self) -> Path:
        return self.home / "project"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A published sample shop, whose dbt project the tests break and mend."""
    home = tmp_path_factory.mktemp("broken")
    before = {name: os.environ.get(name) for name in ("AIPL_HOME", "DAGSTER_HOME")}
    os.environ["AIPL_HOME"] = str(home)
    settings = OwnProject(home, PROJECT_ROOT / "sources.yml")
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", settings.dbt_project, ignore=shutil.ignore_patterns("target", "logs")
    )
    write_dumps(home / "dumps" / "sample_shop", World(seed=5, persons=60, days=20))
    said: list[str] = []
    assert run_new(settings, Request(), said.append) == 0, "\n".join(said)
    yield settings
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def run_broken(settings: Settings, model: str, sound: str, broken: str) -> str:
    """Run with a broken model in place of a sound one; returns what was said."""
    path = next(settings.dbt_project.glob(f"models/*/*/{model}.sql"))
    text = path.read_text()
    assert sound in text
    path.write_text(text.replace(sound, broken))
    said: list[str] = []
    released = read_current(settings)
    try:
        code = run_new(settings, Request(), said.append)
    finally:
        path.write_text(text)
    assert code == 3, "\n".join(said)
    assert read_current(settings) == released, "the release moved"
    print("\n".join(said))
    return "\n".join(said)


def test_a_missing_day_is_named(settings: Settings) -> None:
    said = run_broken(
        settings,
        "int_daily_stock",
        "spine.as_of_date = move_days.move_date\n",
        "spine.as_of_date = move_days.move_date\n"
        "qualify row_number() over () > 0 and spine.as_of_date <> cast('2024-09-12' as date)\n",
    )
    assert "fct_aipl_daily" in said and "2024-09-12" in said


def test_a_negative_amount_is_named(settings: Settings) -> None:
    said = run_broken(
        settings, "fct_orders", "    amount,\n", "    cast(amount - 100000 as decimal(18, 4)) as amount,\n"
    )
    assert "fct_orders" in said and "amount" in said
    assert "Stopped at mart_gate" in said


def test_a_duplicated_stage_is_named(settings: Settings) -> None:
    said = run_broken(
        settings,
        "int_daily_stock",
        "left join move_days",
        "inner join (values (1), (2)) as twice (n) on spine.stage = 'I' or twice.n = 1\nleft join move_days",
    )
    assert "fct_aipl_daily" in said and "stage" in said
