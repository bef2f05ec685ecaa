"""The seven persons of the definitions, by brute force and from facts to marts.

No shipped preset lets an awareness end after two days, so one that is nothing but more seed rows names
windows and states that give exactly the rows of the example, from a Sunday to the Sunday after: its flow is
that of the week between.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from oracle.evidence import Evidence
from oracle.periods import fast
from oracle.rules import CONSUMER_ASSET
from oracle.stages import FOREVER, daily_stock, flow, movements, stage_history, walks_of_history
from warehouse import OwnWarehouse, Warehouse
from worlds.delivery import by_file, write
from worlds.tables import row

from orchestration.core.settings import PROJECT_ROOT

# 01-01 of the example; the sample shop's data begin on the first of the month.
FIRST = date(2024, 9, 8)
LOAD_DATE = date(2024, 9, 16)

STAGES = {"O": 0, "A": 1, "I": 2, "P": 3, "L": 4}
# (stage, kind, what is done, for how many days it counts)
RULES = [
    ("A", "touch", "page_view", "2"),
    ("A", "touch", "ad_impression", "3"),
    ("A", "touch", "category_search", "4"),
    ("A", "state", "follower", ""),
    ("I", "touch", "product_view", "3"),
    ("I", "state", "member", ""),
    ("P", "state", "subscriber", ""),
    ("L", "touch", "share", "5"),
]
# (person, what, on which day of January)
EVENTS = [
    ("1", "category_search", 1),
    ("2", "product_view", 1),
    ("4", "share", 1),
    ("5", "ad_impression", 3),
    ("7", "page_view", 1),
]
STATES = [
    ("1", "subscriber", 5),
    ("3", "follower", 1),
    ("4", "subscriber", 6),
    ("6", "member", 7),
    ("7", "follower", 6),
]


def january(day: int) -> date:
    """The day that stands for that of the example."""
    return FIRST + timedelta(days=day - 1)


def noon(day: int) -> str:
    """A time on that day, as the shop writes it."""
    return f"{january(day)} 12:00:00"


SEVEN = {
    (f"sample_shop:v:{person}", stage, january(first), january(last) if last else FOREVER)
    for person, stage, first, last in [
        ("1", "A", 1, 5),
        ("1", "P", 5, None),
        ("2", "I", 1, 4),
        ("2", "O", 4, None),
        ("3", "A", 1, None),
        ("4", "L", 1, 6),
        ("4", "P", 6, None),
        ("5", "A", 3, 6),
        ("5", "O", 6, None),
        ("6", "I", 7, None),
        ("7", "A", 1, 3),
        ("7", "O", 3, 6),
        ("7", "A", 6, None),
    ]
}
MOVED = {"kept": 2, "deepened": 1, "shallowed": 1, "lost": 1, "new": 1}


def add_preset(project: Path) -> None:
    """Add the preset `seven` to a copy of the dbt project."""
    rows = {
        "aipl_presets": ["seven,as_known,The seven persons,ours"],
        "aipl_stages": [f"seven,{stage},{rank},{stage},{stage}" for stage, rank in STAGES.items()],
        "aipl_rules": [
            f"seven,{what},{stage},{kind},{what},{days},1,days,,ours,high"
            for stage, kind, what, days in RULES
        ],
    }
    for seed, added in rows.items():
        with (project / "seeds" / f"{seed}.csv").open("a", encoding="utf-8") as target:
            target.writelines(f"{row}\n" for row in added)


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse that holds the facts of the seven persons."""
    home = tmp_path_factory.mktemp("seven")
    warehouse = OwnWarehouse.make(home, home / "sources.yml")
    add_preset(warehouse.settings.dbt_project)
    sources = yaml.safe_load((PROJECT_ROOT / "sources.yml").read_text(encoding="utf-8"))
    first = sources["sources"]["sample_shop"]["starts_on"]
    days = [first + timedelta(days=n) for n in range(1, (LOAD_DATE - first).days)]
    sources["sources"]["sample_shop"]["closed"] = {"dates": days}
    (home / "sources.yml").write_text(yaml.safe_dump(sources), encoding="utf-8")

    dumps = home / "dumps"
    facts = []
    for person, what, day in EVENTS:
        ids = {"event_id": person, "visitor_id": person, "brand": "b"}
        facts.append(row("events", LOAD_DATE, **ids, event=what, event_time=noon(day)))
    for person, what, day in STATES:
        ids = {"membership_id": person, "visitor_id": person, "brand": "b"}
        times = dict.fromkeys(("updated_at", "joined_at"), noon(day))
        facts.append(row("memberships", LOAD_DATE, **ids, state=what, **times))
    write(by_file(facts), dumps)
    warehouse.load("sample_shop", dumps)
    marts = ["fct_aipl_daily", "fct_aipl_flow", "fct_aipl_stage_history", "fct_fast"]
    assert warehouse.build({"aipl_presets": ["seven"]}, only=marts)
    return warehouse


def test_the_marts_give_the_example(seven: Warehouse) -> None:
    rows = seven.query("select person_id, stage, valid_from, valid_to from marts.fct_aipl_stage_history")
    assert Counter(rows) == Counter(SEVEN)

    stock = dict(seven.query("select as_of_date, sum(persons) from marts.fct_aipl_daily group by as_of_date"))
    assert (stock[january(1)], stock[january(8)]) == (5, 5)

    week = f"where period_start = '{january(2)}' and period_end = '{january(8)}'"
    moved = seven.query(f"select movement, sum(persons) from marts.fct_aipl_flow {week} group by movement")
    assert dict(moved) == MOVED

    figures = "start_stock, fertility_end, deepened, advancing_rate, advancing_rate_eligible, fertility_union"
    # Seven also within the week alone: person 7 was still there on its Monday.
    assert seven.query(f"select {figures} from marts.fct_fast {week}") == [(5, 5, 1, 0.2, 0.25, 7)]

    union = seven.query(
        "select count(distinct person_id) from marts.fct_aipl_stage_history "
        f"where stage <> 'O' and valid_from <= '{january(8)}' and valid_to > '{january(1)}'"
    )
    assert union == [(7,)]


def test_brute_force_gives_the_example() -> None:
    walks = walks_of_history(("b", *row) for row in SEVEN)
    assert stage_history(walks) == {("b", *row) for row in SEVEN}
    first, last = january(1), january(8)

    stock = daily_stock(walks, first, last)
    assert [sum(n for (_, when, _), n in stock.items() if when == day) for day in (first, last)] == [5, 5]

    moved = flow(walks, first, last)
    assert moved == {
        **{("b", "A", "P"): 1, ("b", "I", "O"): 1, ("b", "A", "A"): 2},
        **{("b", "L", "P"): 1, ("b", "O", "I"): 1},
    }
    assert movements(moved, CONSUMER_ASSET)["b"] == MOVED

    week = fast(Evidence(), walks, CONSUMER_ASSET, january(2), last)["b"]
    assert (week.start_stock, week.fertility_end) == (5, 5)
    assert (week.advancing_rate, week.advancing_rate_eligible) == (0.2, 0.25)
    assert fast(Evidence(), walks, CONSUMER_ASSET, first, last)["b"].fertility_union == 7
