"""Slice `region` attacked: what is published of it determines no region of one to four people.

What is told are sums, over members in one month and over nothing else, so that each month and group of facts
is a linear system of its own: an unknown for each region, an equation for each row that is shown, and one for
the whole brand. A region is given away if the equations leave it a single value.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import pytest
import yaml
from oracle.region import LEAST, SMALL, determined, hidden
from sample_world import sample_warehouse
from warehouse import Warehouse

from orchestration.core.settings import PROJECT_ROOT

Persons = Mapping[str, Collection[str]]


def given_away(persons: Persons, shown: Collection[str], together: Sequence[Collection[str]]) -> set[str]:
    """Regions of few people that rows of one region, and of several together, and the whole tell."""
    names = sorted(persons)
    rows = [{name} for name in shown] + [set(group) for group in together] + [set(names)]
    known = determined([[int(name in row) for name in names] for row in rows])
    return {names[number] for number in known if 0 < max(len(persons[names[number]]), 1) < LEAST}


def test_the_attack_finds_what_suppression_forgets() -> None:
    persons = {"SP": range(40), "RJ": range(40, 52), "AC": range(2)}
    told = {name: [str(who) for who in own] for name, own in persons.items()}
    assert given_away(told, ["SP", "RJ"], []) == {"AC"}, "the whole less what is shown"
    assert given_away(told, ["SP"], [["RJ", "AC"]]) == set()
    nested = {**told, "AM": ["x"]}
    assert given_away(nested, ["SP", "RJ"], [["AC", "AM"], ["AM"]]) == {"AC", "AM"}


@pytest.mark.parametrize("seed", range(200))
def test_random_regions_are_not_given_away(seed: int) -> None:
    dice = random.Random(seed)
    people = [f"p{number}" for number in range(dice.choice([3, 8, 30, 90]))]
    persons = {
        f"r{number}": set(dice.sample(people, min(len(people), dice.choice([0, 1, 2, 3, 4, 5, 6, 12, 30]))))
        for number in range(dice.randint(2, 9))
    }
    few = hidden(persons)
    if few == persons.keys():
        # Nothing but the whole is told, of a brand of two regions or more.
        assert given_away(persons, [], [few]) == set()
    else:
        assert given_away(persons, persons.keys() - few, [few] if few else []) == set()


# How each group of facts is told, and what its regions are judged by.
GROUPS = {
    "visitors": "event_date as day from intermediate.int_visit_events where is_view",
    "buyers": "paid_date as day from intermediate.int_sales",
    "reviewers": "reviewed_on as day from intermediate.int_person_reviews",
}


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    return sample_warehouse()


@pytest.mark.parametrize("persons", GROUPS)
def test_the_sample_shop_gives_no_region_away(warehouse: Warehouse, persons: str) -> None:
    truth: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for brand, period, region, who in warehouse.query(
        "select periods.brand_id, periods.period_id, coalesce(facts.region, '(none)'), facts.person_id"
        f" from (select brand_id, person_id, region, {GROUPS[persons]}) as facts"
        " inner join marts.dim_period as periods on facts.brand_id = periods.brand_id"
        " and facts.day between periods.period_start and periods.period_end and periods.period_type = 'month'"
        " where periods.brand_id not like '%unbranded'"
    ):
        truth[brand, period][region] |= {who} if who else set()
    shown: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for brand, period, member, count in warehouse.query(
        f"select brand_id, period_id, member, {persons} from marts.fct_scorecard"
        f" where slice = 'region' and {persons} is not null and brand_id not like '%unbranded'"
    ):
        shown[brand, period][member] = count
    found = 0
    for month, regions in truth.items():
        told = [name for name in regions if name in shown[month]]
        rest = regions.keys() - set(told)
        few = {name for name, who in regions.items() if len(who) < LEAST}
        assert not few & set(told), (month, "shown")
        # Of a single region that did anything, only the number is told: nobody learns which it is.
        if len(regions) > 1:
            assert given_away(regions, told, [rest] if rest else []) == set(), month
        for name in told:
            assert shown[month][name] == len(regions[name]), (month, name)
        if rest:
            assert shown[month][SMALL] == len({who for name in rest for who in regions[name]}), month
        found += len(few)
    assert found, "nothing was to be hidden"
    # Where all are hidden, they are the whole brand, which is told anyway.
    assert not any(
        0 < count < LEAST
        for month in shown.values()
        for name, count in month.items()
        if name != SMALL or any(month[other] for other in month.keys() - {SMALL})
    )


def test_only_months_of_regions_are_told(warehouse: Warehouse) -> None:
    assert warehouse.query("select distinct period_type from marts.fct_scorecard where slice = 'region'") == [
        ("month",)
    ]


def test_no_mart_has_a_column_of_regions() -> None:
    """By whatever name; the slice is the only place."""
    contracts = [
        model
        for path in sorted((PROJECT_ROOT / "dbt_project" / "models" / "marts").glob("**/*.yml"))
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ())
    ]
    assert {"fct_scorecard", "fct_visits"} <= {model["name"] for model in contracts}
    columns = {(model["name"], column["name"]) for model in contracts for column in model["columns"]}
    words = ("region", "province", "country", "city", "address")
    assert not {(model, name) for model, name in columns if any(word in name for word in words)}
