"""What the mart gate traces to a source is held back, and the others are published in the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tiny_project import deliver, deliver_two_days, money, run
from unit.publish_home import make_home
from verdicts import verdict

from expectations.results import GateResult
from expectations.suites.rule import Suite
from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import State
from orchestration.build.state import read_gate
from orchestration.core.settings import Settings
from orchestration.defs.outcomes import stopped_steps
from orchestration.nightly.status import status_text
from orchestration.publish.holding import _sources_of
from orchestration.publish.release import read_current
from orchestration.quality import mart_gate as gate

BEYOND = 1_000


def judge(patch: pytest.MonkeyPatch, named: str | None) -> None:
    """A mart gate that finds money beyond any; its rows name the source in this column, or nobody."""

    def run_marts(database: Path, suites: Sequence[Suite], **more: Any) -> GateResult:
        if "previous" in more:
            return verdict("dim_release")
        with duckdb.connect(str(database), read_only=True) as connection:
            beyond = connection.execute(
                "select brand_id from marts.dim_brand where money > $beyond order by 1", {"beyond": BEYOND}
            ).fetchall()
        found = verdict("dim_brand", status="failed" if beyond else "passed")
        names = tuple(name for (name,) in beyond)
        results = (replace(one, named={named: names} if named and names else {}) for one in found.results)
        return replace(found, results=tuple(results))

    patch.setattr(gate, "run_marts", run_marts)


@pytest.fixture
def shops(tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two shops with two published days; east then delivers two more, the second beyond any, and west one."""
    judge(monkeypatch, "source_id")
    deliver_two_days(tiny)
    assert run(tiny, 2, 3).success
    assert money(tiny) == {"east": 60, "west": 10}
    deliver(tiny, "east", 4, [1])
    deliver(tiny, "east", 5, [10 * BEYOND])
    deliver(tiny, "west", 4, [7])
    return tiny


def states(settings: Settings, source_id: str) -> list[State]:
    return [load.state for load in read_arrival(settings, {}).of(source_id).loads]


def test_new_loads_of_the_source_that_a_finding_names_are_held_and_the_others_published(
    shops: Settings,
) -> None:
    ran = run(shops, 4, 5)
    assert ran.success
    # Both loads that came together: without one of them there would be a hole.
    assert money(shops) == {"east": 60, "west": 17}
    assert states(shops, "east") == [State.ACCEPTED] * 2 + [State.REFUSED] * 2
    release, status = read_current(shops), status_text(shops)
    assert release and set(release.manifest["stale_sources"]) == {"east"}
    assert "east 2024-01-05: refused today: held back: the mart gate found dim_brand: money_known" in status
    assert "east: 2 loads held back: the mart gate found" in status
    assert "Last build: finished" in status

    # Delivered again in order, both come in; the incident is over.
    deliver(shops, "east", 4, [2])
    deliver(shops, "east", 5, [3])
    assert run(shops, 4, 5).success
    assert money(shops) == {"east": 65, "west": 17}
    assert "Open incidents: none" in status_text(shops)


def test_a_finding_that_names_nobody_holds_all_back(shops: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(monkeypatch, None)
    ran = run(shops, 4, 5)
    assert not ran.success and [step.by_gate for step in stopped_steps(ran)] == [True]
    assert money(shops) == {"east": 60, "west": 10}
    assert states(shops, "east") == [State.ACCEPTED] * 4


def test_what_holding_does_not_cure_holds_all_back_and_no_load(
    shops: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # West is named, and east is it.
    judge(monkeypatch, "source_id")
    real = gate.run_marts

    def wrong(*arguments: Any, **more: Any) -> GateResult:
        found = real(*arguments, **more)
        results = (replace(one, named={"source_id": ("west",)} if one.named else {}) for one in found.results)
        return replace(found, results=tuple(results))

    monkeypatch.setattr(gate, "run_marts", wrong)
    assert not run(shops, 4, 5).success
    assert money(shops) == {"east": 60, "west": 10}
    assert {*states(shops, "east"), *states(shops, "west")} == {State.ACCEPTED}
    record = read_gate(shops)
    assert record and not record.passed
    judge(monkeypatch, "source_id")
    assert run(shops, 4, 5).success, "the next night holds back what it should"
    assert money(shops) == {"east": 60, "west": 17}


def test_brands_are_traced_to_the_sources_with_rows_of_them(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create schema if not exists intermediate;"
            "create table intermediate.a as from (values ('one', 'x'), ('two', 'y')) t (source_id, brand_id);"
            "create table intermediate.b as from (values ('three', 'x')) t (source_id, brand_id);"
            "create table intermediate.c as from (values ('four')) t (source_id)"
        )
    assert _sources_of(settings, ["x"]) == {"one", "three"}
    assert _sources_of(settings, ["x", "y"]) == {"one", "two", "three"}
    assert _sources_of(settings, ["z"]) == set()
