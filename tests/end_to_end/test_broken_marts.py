"""Marts broken on purpose: the release does not move, and the message names what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from warehouse import OwnWarehouse

from orchestration.arrival.pending import Request
from orchestration.core.settings import Settings
from orchestration.nightly.run import run_new
from orchestration.publish.release import read_current
from orchestration.sample_shop import World, write_dumps


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A published sample shop, whose dbt project the tests break and mend."""
    home = tmp_path_factory.mktemp("broken")
    before = {name: os.environ.get(name) for name in ("AIPL_HOME", "DAGSTER_HOME")}
    os.environ["AIPL_HOME"] = str(home)
    settings = OwnWarehouse.make(home).settings
    write_dumps(home / "dumps" / "sample_shop", World(seed=5, persons=60, days=20))
    said: list[str] = []
    assert run_new(settings, Request(), said.append) == 0, "\n".join(said)
    yield settings
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def run_broken(settings: Settings, *broken: tuple[str, str, str]) -> str:
    """Run with other text in place of the sound one of some models; returns what was said."""
    sound = {path: path.read_text() for path in settings.dbt_project.glob("models/*/*/*.sql")}
    for model, good, bad in broken:
        (path,) = (path for path in sound if path.stem == model)
        assert good in sound[path]
        path.write_text(sound[path].replace(good, bad))
    said: list[str] = []
    released = read_current(settings)
    try:
        code = run_new(settings, Request(), said.append)
    finally:
        for path, text in sound.items():
            path.write_text(text)
    assert code == 3, "\n".join(said)
    assert read_current(settings) == released, "the release moved"
    print("\n".join(said))
    return "\n".join(said)


def test_the_gate_names_a_missing_day_and_negative_amounts(settings: Settings) -> None:
    said = run_broken(
        settings,
        (
            "int_daily_stock",
            "spine.as_of_date = move_days.move_date\n",
            "spine.as_of_date = move_days.move_date\n"
            "qualify row_number() over () > 0 and spine.as_of_date <> cast('2024-09-12' as date)\n",
        ),
        ("fct_orders", "    amount,\n", "    cast(amount - 100000 as decimal(18, 4)) as amount,\n"),
    )
    assert "fct_aipl_daily" in said and "2024-09-12" in said
    assert "fct_orders" in said and "amount" in said
    assert "Stopped at mart_gate" in said


def test_a_law_names_a_duplicated_stage(settings: Settings) -> None:
    twice = "inner join (values (1), (2)) as twice (n) on spine.stage = 'I' or twice.n = 1\n"
    said = run_broken(settings, ("int_daily_stock", "left join move_days", f"{twice}left join move_days"))
    assert "fct_aipl_daily" in said and "stage" in said
