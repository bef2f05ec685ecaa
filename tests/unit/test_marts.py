"""Every mart: its contract is complete, and each rule of its suite passes good rows and trips on its example.

`make mart NAME=...` runs this for one mart.
"""

from __future__ import annotations

import os
import re

import pytest
import yaml
from mart_tables import Examples
from unit.test_links import anchors

from expectations.contracts import read_contracts
from expectations.results import ExpectationResult
from expectations.suites.load import SUITES, Example, read_suites
from expectations.suites.rule import NOT_EVALUATED
from orchestration.core.settings import PROJECT_ROOT
from orchestration.monitoring.findings import GATE_FAILED

MODELS = PROJECT_ROOT / "dbt_project" / "models" / "marts"
CONTRACTS = read_contracts(PROJECT_ROOT / "dbt_project")
MARTS = read_suites(PROJECT_ROOT / "dbt_project")
NAMES = [name for name in MARTS if name == os.environ.get("AIPL_TEST_MART", name)]
NAMED = [name for name in CONTRACTS if name == os.environ.get("AIPL_TEST_MART", name)]
assert NAMED, f"There is no mart {os.environ['AIPL_TEST_MART']}."
RULES = [(name, rule.name) for name in NAMES for rule in MARTS[name].suite.rules]
EMPTY_WORDS = {"a", "an", "and", "as", "for", "in", "is", "it", "its", "of", "that", "the", "this"}
each_mart = pytest.mark.parametrize("name", NAMES)
Results = dict[tuple[str, str], list[ExpectationResult]]


def says_nothing(name: str, description: str) -> bool:
    """Whether a description has no word but those of the name, in whatever number and case."""
    words = {word.rstrip("s") for word in re.findall(r"[^\W_]+", description.lower())} - EMPTY_WORDS
    return words <= {word.rstrip("s") for word in name.lower().split("_")}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    examples = Examples(tmp_path_factory.mktemp("it's 100% {good}"), MARTS)
    for name in NAMES:
        mart = MARTS[name]
        examples.add(name, mart.suite.rules, Example(None), "good")
        for rule in mart.suite.rules:
            examples.add(name, [rule], mart.examples[rule.name], rule.name)
    return examples.results()


def test_a_mart_is_three_files() -> None:
    made_by_dbt = {name for name, contract in CONTRACTS.items() if not contract.made_at_publish}
    assert {file.stem for suffix in ("sql", "py") for file in MODELS.rglob(f"*.{suffix}")} == made_by_dbt
    assert {name: contract.file.stem for name, contract in CONTRACTS.items()} == {n: n for n in CONTRACTS}
    assert {file.stem for file in SUITES.iterdir()} == set(MARTS)
    assert {CONTRACTS[name].published for name in CONTRACTS.keys() - MARTS.keys()} <= {"view_only"}


@pytest.mark.parametrize("name", NAMED)
def test_its_contract_is_complete(name: str) -> None:
    contract = CONTRACTS[name]
    groups = yaml.safe_load((MODELS / "_groups.yml").read_text())["groups"]
    assert re.match("One row per ", contract.description)
    assert contract.owner in {group["name"] for group in groups}
    assert contract.key and set(contract.key) <= {column.name for column in contract.columns}
    assert [column.name for column in contract.columns if not column.data_type] == []
    assert [c.name for c in contract.columns if says_nothing(c.name, c.description)] == []


@pytest.mark.slow
@each_mart
def test_good_rows_pass(name: str, results: Results) -> None:
    found = results[name, "good"]
    assert [f"{one.name}: {one.error or one.examples}" for one in found if one.status != "passed"] == []
    assert [one.name for one in found] == [rule.name for rule in MARTS[name].suite.rules]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rule"), RULES)
def test_a_rule_trips_on_its_example(name: str, rule: str, results: Results) -> None:
    (found,) = results[name, rule]
    assert (found.status, found.error) == ("failed", None)
    (judged,) = (one for one in MARTS[name].suite.rules if one.name == rule)
    assert found.verdict == {"critical": "failed", "warning": "warning"}[judged.severity]
    assert found.examples or found.unexpected_count is None
    assert not found.not_judged


def test_a_rule_has_a_reason_and_all_pages_that_messages_name_have_their_headings() -> None:
    rules = [rule for name in NAMES for rule in MARTS[name].suite.rules]
    assert [rule.name for rule in rules if len(rule.reason.split()) <= 2] == []
    for link in {NOT_EVALUATED, *(rule.runbook_link for rule in rules)}:
        page, _, anchor = link.partition("#")
        assert anchor in anchors(PROJECT_ROOT / page), link
    assert (PROJECT_ROOT / GATE_FAILED).is_file()


def test_a_description_that_says_nothing_is_found() -> None:
    for name, description in (
        ("brand_id", ""),
        ("brand_id", "The ID of the brand"),
        ("members", "Member"),
        ("horizon_days", "`horizon_days`"),
    ):
        assert says_nothing(name, description)
        assert not says_nothing(name, f"{description}, unique over all sources.")
