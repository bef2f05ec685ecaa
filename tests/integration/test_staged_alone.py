"""New loads are staged alone before they are accepted: what cannot be staged costs its load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from unit.publish_home import HomeSettings
from unit.shop_home import ShopHome
from verdicts import verdict

from expectations.results import GateResult
from orchestration.arrival import receive as arrival
from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.arrival.file_versions import Load, State
from orchestration.arrival.loads import promote
from orchestration.build.failures import unstaged_lines
from orchestration.core.errors import InputError
from orchestration.core.settings import PROJECT_ROOT
from orchestration.nightly.summary import staged_rejects
from orchestration.publish.holding import accept_load
from orchestration.publish.rejects.listing import Selection, find_rejects
from orchestration.quality.new_loads import judge_staging

TODAY = date(2024, 9, 30)
COLUMNS = ["id", "time", "brand", "who", "payload"]
SOURCES = """
sources:
  - name: shop
    config:
      meta:
        external_location: >-
          read_parquet('{{ env_var('AIPL_HOME', '') }}/raw/shop/{identifier}/*/*.parquet')
    tables: [{name: events}, {name: notes}]
"""
# As a stranger writes it: each cast stops at a value that is none.
EVENTS = """
select
    id as event_id, brand as brand_id, who as member_id, 'page_view' as touch_kind,
    {{ utc_from_local('time', 'shop') }} as event_at,
    {{ business_date(utc_from_local('time', 'shop'), 'shop') }} as event_date,
    CAST(payload as json) ->> '$.campaign' as campaign_id,
    case when time is null then 'no time' end as reject_reason,
    {{ row_origin('raw') }}
from {{ source('shop', 'events') }} as raw
"""


class Shop(ShopHome):
    """A daily source whose one table is staged by a model of a stranger, in a copy of the dbt project."""

    tables: ClassVar[dict[str, Any]] = {
        "events": {
            "files": "events-{load_date}.csv",
            "format": "csv",
            "delimiter": ";",
            "columns": {"required": COLUMNS},
        }
    }

    def __init__(self, base: Path) -> None:
        super().__init__(base, brands={"b": {"name": "B"}})
        self.settings = HomeSettings(self.settings.home, self.settings.sources_file)
        project = self.settings.dbt_project
        shutil.copytree(
            PROJECT_ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs", "staging")
        )
        shutil.copytree(PROJECT_ROOT / "dbt_project" / "macros" / "staging", project / "macros" / "staging")
        (project / "models" / "staging" / "shop").mkdir(parents=True)
        (project / "models" / "staging" / "shop" / "sources.yml").write_text(SOURCES)
        self.write_model("cast")

    def write_model(self, cast: str) -> None:
        model = self.settings.dbt_project / "models" / "staging" / "shop" / "stg_shop__events.sql"
        model.write_text(EVENTS.replace("CAST", cast))

    def deliver(self, day: int, rows: Sequence[Sequence[object]]) -> None:
        lines = [";".join(map(str, row)) for row in [COLUMNS, *rows]]
        self.write(f"events-2024-09-{day:02}.csv", "\n".join([*lines, ""]))

    def receive(self) -> dict[int, tuple[State, str | None]]:
        """Pull and judge; state and reason of each load, by day."""
        sources = configured_sources(self.settings)
        stage = partial(judge_staging, self.settings, dbt_sources(self.settings, sources))
        days = [date(2024, 9, day) for day in range(1, 30)]
        arrival.receive(self.settings, sources["shop"], days, None, TODAY, stage=stage)
        return {load.load_date.day: (load.state, load.reason) for load in self.loads}

    @property
    def loads(self) -> list[Load]:
        return self.arrival.of("shop").loads


def row(number: object, at: str = "2024-09-01 10:00:00", payload: str = "{}") -> list[object]:
    return [number, at, "b", f"m{number}", payload]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrival, "run_arrival", lambda tables: verdict(*(table.name for table in tables)))
        shop = Shop(tmp_path_factory.mktemp("shop"))
        shop.deliver(2, [row(number) for number in range(20)])
        assert shop.receive() == {2: (State.ACCEPTED, None)}
    return shop


@pytest.fixture
def shop(made: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop with one accepted load; what a test delivers and writes is taken back after it."""
    monkeypatch.setattr(arrival, "run_arrival", lambda tables: verdict(*(table.name for table in tables)))
    return made


def test_a_row_that_a_model_cannot_read_costs_its_load_and_is_named(shop: Shop) -> None:
    broken = [row(number) for number in range(30)]
    broken[17] = row(17, payload='{"campaign": [')
    shop.deliver(3, broken)
    shop.deliver(4, [row(number) for number in range(30)])
    state, reason = shop.receive()[3]
    assert state is State.REFUSED and reason
    assert "stg_shop__events cannot be run over events-2024-09-03.csv, row 18: " in reason
    assert "Malformed JSON" in reason
    assert shop.receive()[4] == (State.ACCEPTED, None), "the other load is fine"
    with pytest.raises(InputError, match=r"It would stop the build: .*row 18"):
        accept_load(shop.settings, "shop", date(2024, 9, 3), "never mind")
    # A corrected model has it judged again, though nothing is delivered.
    shop.write_model("try_cast")
    assert shop.receive()[3] == (State.ACCEPTED, None)
    shop.write_model("cast")


def test_a_load_that_staging_rejects_is_refused_beyond_the_share_of_its_source(shop: Shop) -> None:
    odd = "04/03/2024 09:00"
    shop.deliver(6, [row(number, at=odd) for number in range(11)] + [row(number) for number in range(9)])
    shop.deliver(7, [row(number, at=odd) for number in range(10)] + [row(number) for number in range(10)])
    shop.deliver(8, [row(1, at=odd)])
    shop.deliver(
        10, [row(1, odd), row(2, odd), row(3, odd), row("", odd), row("", odd), row("", odd), row(4)]
    )
    shop.deliver(11, [row(1, odd), row(2, odd)])
    found = shop.receive()
    state, reason = found[6]
    assert state is State.REFUSED and reason
    assert "staging rejects at most 50% of the rows of a load" in reason
    assert "11 of 20 events rows rejected (55%): event_at that is missing or does not parse (11)" in reason
    assert found[7] == (State.ACCEPTED, None), "half is not beyond half"
    assert found[8] == (State.ACCEPTED, None), "one bad row costs that row alone"
    assert found[10] == (State.ACCEPTED, None), (
        "of a few rows, some are bad for one reason and some for another"
    )
    assert found[11][0] is State.REFUSED, "unless they have one in common"
    page = max((shop.settings.reports / "arrival").glob("*.json"))
    (failed,) = [found for found in json.loads(page.read_text())["results"] if found["status"] == "failed"]
    assert failed["load_dates"] == ["2024-09-06", "2024-09-11"]
    assert [example["time"] for example in failed["examples"]] == [odd] * 4
    assert "who" not in failed["examples"][0]
    of_load = Selection(loads=[("shop", date(2024, 9, 6))])
    tried = find_rejects(shop.settings, of_load, with_text=True)
    late = "event_at that is missing or does not parse"
    assert tried.by_reason() == {("shop", "events", "event_at", "trial", late): 11}
    listed = [(row["file"], row["row"], odd in str(row["text"])) for row in tried.rows()]
    assert listed == [("events-2024-09-06.csv", number, True) for number in range(1, 12)]
    assert staged_rejects(shop.settings, [("shop", date(2024, 9, 6))]) == {f"events.event_at {late}": 11}
    # The source may say that it is used to that; or somebody says so of this load.
    accept_load(shop.settings, "shop", date(2024, 9, 6), "seen")
    accept_load(shop.settings, "shop", date(2024, 9, 11), "seen")
    state, reason = shop.receive()[6]
    assert state is State.ACCEPTED and reason and reason.endswith(": seen")
    shop.deliver(9, [row(number, at=odd) for number in range(11)] + [row(number) for number in range(9)])
    assert shop.receive()[9][0] is State.REFUSED
    shop.declare(brands={"b": {"name": "B"}}, max_rejected_share=0.6)
    assert shop.receive()[9] == (State.ACCEPTED, None)


def test_rows_without_a_number_are_a_warning(shop: Shop) -> None:
    shop.write_model("try_cast")
    model = shop.settings.dbt_project / "models" / "staging" / "shop" / "stg_shop__events.sql"
    listed = (
        "from (select *, unnest(string_split(id, '+')) as part from {{ source('shop', 'events') }}) as raw"
    )
    model.write_text(
        model.read_text()
        .replace("from {{ source('shop', 'events') }} as raw", listed)
        .replace("id as event_id", "part as event_id")
    )
    shop.deliver(15, [row("a"), row("b+c"), row("d"), row("e+f+g")])
    shop.deliver(16, [row("h")])
    found = shop.receive()
    assert found[15] == (State.ACCEPTED, None), "a warning holds nothing back"
    gate = GateResult.from_json(max((shop.settings.reports / "arrival").glob("*.json")).read_text())
    (warning,) = gate.warnings
    assert (warning.name, warning.load_dates) == ("items_are_numbered", (date(2024, 9, 15),))
    told = "2 rows of events-2024-09-15.csv give several events rows without a number of each, such as row 2"
    assert warning.found == {date(2024, 9, 15): told} and "`row_origin(..., items_of=...)`" in warning.cure
    # With a number there is nothing to warn of.
    numbered = "generate_subscripts(string_split(id, '+'), 1) as item_number, unnest("
    model.write_text(
        model.read_text().replace("unnest(", numbered).replace("row_origin('raw')", "row_origin('raw', 'id')")
    )
    shop.deliver(15, [row("a"), row("b+c"), row("d"), row("e+f+g"), row("i")])
    shop.receive()
    gate = GateResult.from_json(max((shop.settings.reports / "arrival").glob("*.json")).read_text())
    assert not gate.warnings and not gate.failures
    shop.write_model("cast")


def test_a_model_that_cannot_be_run_at_all_refuses_every_new_load(shop: Shop) -> None:
    model = shop.settings.dbt_project / "models" / "staging" / "shop" / "stg_shop__events.sql"
    model.write_text(model.read_text().replace("brand as brand_id", "brnad as brand_id"))
    shop.deliver(12, [row(1)])
    shop.deliver(13, [row(1)])
    found = shop.receive()
    for day in (12, 13):
        state, reason = found[day]
        assert state is State.REFUSED and reason
        assert "stg_shop__events cannot be run: Binder Error" in reason and "brnad" in reason
    assert found[2] == (State.ACCEPTED, None), "what is in effect stays"
    shop.write_model("cast")
    assert {state for state, _ in shop.receive().values()} == {State.ACCEPTED}


def test_a_build_that_stops_says_over_which_row(shop: Shop) -> None:
    """A changed model is run over all loads, of which none is staged alone again."""
    shop.write_model("try_cast")
    shop.deliver(20, [row(1), row(2, payload="{")])
    assert shop.receive()[20] == (State.ACCEPTED, None)
    promote(shop.settings, shop.arrival)
    assert unstaged_lines(shop.settings) == []
    shop.write_model("cast")
    (line,) = unstaged_lines(shop.settings)
    assert "shop: stg_shop__events cannot be run over events-2024-09-" in line and "Malformed JSON" in line
