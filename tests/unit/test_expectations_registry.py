"""Every mart has a suite, and every rule an owner, a reason and a place to read what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from unit.test_links import anchors

from expectations.registry import MARTS, RELEASE
from expectations.suites.arrival import ArrivalFile, EventTime, arrival_suite
from expectations.suites.rule import NOT_EVALUATED, Suite
from orchestration.arrival.receive import arrival_table
from orchestration.core.settings import PROJECT_ROOT
from orchestration.monitoring.findings import GATE_FAILED
from orchestration.sources.source import load_sources

FILES = [ArrivalFile(date(2024, 1, 1), None, 0, 0)]


def suites() -> Iterator[Suite]:
    yield from (*MARTS.values(), *RELEASE.values())
    for source in load_sources(PROJECT_ROOT / "sources.yml", {"AIPL_HOME": "/tmp"}).values():
        for name in source.tables:
            yield arrival_suite(arrival_table(source, name, FILES, {}))


def test_every_mart_has_a_suite_and_every_suite_a_mart() -> None:
    models = {path.stem for path in (PROJECT_ROOT / "dbt_project/models/marts").glob("**/*.sql")}
    assert models
    assert set(MARTS) == models


def test_every_rule_has_an_owner_a_reason_and_a_page_that_has_its_heading() -> None:
    links = {NOT_EVALUATED, GATE_FAILED}
    for suite in suites():
        assert suite.owner
        assert suite.rules, suite.table
        names = [rule.name for rule in suite.rules]
        assert len(names) == len(set(names)), suite.table
        for rule in suite.rules:
            assert len(rule.reason.split()) > 2, (suite.table, rule.name)
            assert rule.severity in ("critical", "warning")
            links.add(rule.runbook_link)
    assert len(links) > 6
    for link in links:
        page, _, anchor = link.partition("#")
        assert not anchor or anchor in anchors(PROJECT_ROOT / page), link


def test_shipped_sources_declare_what_the_gate_needs() -> None:
    source = load_sources(PROJECT_ROOT / "sources.yml", {"AIPL_HOME": "/tmp"})["cdnow"]
    assert arrival_table(source, "purchases", FILES, {}).event_time == EventTime("purchased_on", "%Y%m%d")
