"""The suites' files: what is wrong in one is said with file, rule and remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from expectations.contracts import Column, Contract, read_contracts
from expectations.suites.load import SuiteError, read_suite, read_suites
from orchestration.core.errors import InputError
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.quality.mart_gate import gate_suites

COLUMNS = tuple(Column(name, "integer", "") for name in ("a", "b"))
CONTRACT = Contract("fct_a", Path("fct_a.yml"), "One row per a.", COLUMNS, key=("a",), owner="us")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "`rules` are missing"),
        ("rules: [", "node content"),
        ("rule: []\nrules: [1]", "unknown: `rule`. A suite has `given`, `good`, `let`, `rules`, `runbook`"),
        ("rules: [1]", "rule 1: a rule is a mapping"),
        ("rules: [{reason: x}]", "rule 1 (reason: x): give one kind of `as_loaded`, `at_least_rows`"),
        ("rules: [{not_null: a, between: b, reason: x}]", "not `between`, `not_null`"),
        ("rules: [{between: a, lo: 0, reason: x}]", "unknown: `lo`. `between` takes `high`, `low`"),
        ("rules: [{one_of: a, reason: x}]", "`one_of` needs `values`"),
        ("rules: [{between: a, reason: x}]", "`between` needs `low`, `high` or both"),
        ("rules: [{not_null: a, reason: x, series: [1]}]", "a `series` is an example of `drift` alone"),
        ("rules: [{not_null: a}]", "rule 1 (not_null: a): `reason` is missing"),
        ("rules: [{not_null: c, reason: x}]", "fct_a has no column c"),
        ("rules: [{not_null: a, reason: x, severity: bad}]", "severity is critical or warning, not bad"),
        ("rules: [{not_null: a, reason: x}, {not_null: a, reason: y}]", "rule 2 (not_null: a): the name"),
        ("rules: [{never: a < 0, name: x, reason: y}]", "an example that breaks it is missing: `breaks`"),
        ("rules: [{never: 'a < {{ least }}', name: x, reason: y, breaks: []}]", "'least' is undefined"),
        ("rules: [{never: 'a < {{ least', name: x, reason: y, breaks: []}]", "unexpected end of template"),
    ],
)  # fmt: skip
def test_a_wrong_suite_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "fct_a.yml"
    file.write_text(text)
    with pytest.raises(SuiteError) as told:
        read_suite(file, CONTRACT)
    assert str(told.value).startswith(f"{file}: ")
    assert said in str(told.value)


def test_a_mart_without_key_or_owner_is_named(tmp_path: Path) -> None:
    (tmp_path / "fct_a.yml").write_text("rules: [{not_null: a, reason: each a is known}]")
    for lacking in (replace(CONTRACT, key=()), replace(CONTRACT, owner="")):
        with pytest.raises(SuiteError, match=r"fct_a\.yml: fct_a needs a unique key and a group"):
            read_suite(tmp_path / "fct_a.yml", lacking)


def test_a_mart_without_a_suite_stops_a_run_and_says_where_it_belongs(tmp_path: Path) -> None:
    class OtherSuites(Settings):
        suites = tmp_path  # type: ignore[assignment]

    with pytest.raises(InputError, match=r"is missing: the suite of .*docs/adding-a-mart\.md"):
        gate_suites(OtherSuites(tmp_path, PROJECT_ROOT / "sources.yml"))


def test_figures_of_a_suite_stand_in_reasons_and_queries(tmp_path: Path) -> None:
    (tmp_path / "fct_a.yml").write_text(
        "let: {least: 3, all_a: 'select a from {batch} where a < {{ least }}'}\n"
        "rules: [{sql: '{{ all_a }} order by a', name: few, reason: 'at least {{ least }}', breaks: {a: 2}}]"
    )
    read = read_suite(tmp_path / "fct_a.yml", CONTRACT)
    (rule,) = read.suite.rules
    assert rule.reason == "at least 3"
    assert rule.arguments == {"unexpected_rows_query": "select a from {batch} where a < 3 order by a"}
    assert list(read.examples["few"].rows or []) == [{"a": 2}]


def test_every_suite_knows_who_owns_its_mart() -> None:
    owners = {name: mart.suite.owner for name, mart in read_suites(PROJECT_ROOT / "dbt_project").items()}
    assert owners["fct_orders"] == "trade-analytics", "its own group comes before that of its folder"
    assert owners["dim_brand"] == owners["dim_release"] == "data-platform"


@pytest.mark.parametrize(
    ("laws", "meta", "key"),
    [
        ([{"holds": {}}, {"unique_key": {"key": ["a", "b"]}}], {}, ("a", "b")),
        ([{"no_gap_or_overlap": {"key": ["a"]}}], {}, ()),
        ([], {"key": ["a"]}, ("a",)),
    ],
)
def test_the_key_of_a_mart_is_read_from_its_laws(
    tmp_path: Path, laws: list[object], meta: dict[str, object], key: tuple[str, ...]
) -> None:
    folder = tmp_path / "models" / "marts" / "area"
    folder.mkdir(parents=True)
    tests = [{"laws": {"name": "fct_a_laws", "arguments": {"laws": laws}}}]
    mart = {"name": "fct_a", "config": {"meta": meta}, "data_tests": tests}
    (folder / "fct_a.yml").write_text(yaml.safe_dump({"models": [mart]}))
    assert read_contracts(tmp_path)["fct_a"].key == key
