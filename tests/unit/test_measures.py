"""Ratios of the scorecard: one formula each, and what people read of it."""

from __future__ import annotations

import re

from measures import formula, measures

from expectations.contracts import read_contracts
from orchestration.core.settings import PROJECT_ROOT

CONTRACTS = read_contracts(PROJECT_ROOT / "dbt_project")
MEASURES = measures(PROJECT_ROOT)


def test_every_ratio_divides_columns_of_the_scorecard_and_is_described_by_its_formula() -> None:
    columns = {column.name for column in CONTRACTS["fct_scorecard"].columns}
    rates = {column.name: column.description for column in CONTRACTS["fct_scorecard_rates"].columns}
    keys = [name for name in rates if name in columns]
    assert [*keys, *(one["measure"] for one in MEASURES)] == list(rates)
    for one in MEASURES:
        assert set(re.findall(r"\w+", f"{one['numerator']} {one['denominator']}")) <= columns, one
        assert re.match(rf"{re.escape(formula(one))}[.:,]", rates[one["measure"]]), one["measure"]


def test_ratios_have_a_unit_a_source_and_names_in_both_languages() -> None:
    assert {one["unit"] for one in MEASURES} == {"share", "money", "number", "seconds"}
    assert {one["confidence"] for one in MEASURES} == {"stated", "conflict", "ours"}
    for name in ("measure", "name_en", "name_zh"):
        assert len({one[name] for one in MEASURES}) == len(MEASURES)
    assert [one["name_zh"] for one in MEASURES if not re.search(r"[\u4e00-\u9fff]", one["name_zh"])] == []
