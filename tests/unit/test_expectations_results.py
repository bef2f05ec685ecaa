"""Results as values and as pages: outcome, JSON there and back, terminal lines, HTML that nothing breaks."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from expectations.page import MAX_LISTED, render, write_report
from expectations.results import ExpectationResult, GateResult, Severity, Status

START = datetime(2026, 3, 1, 2, 3, 4, 5678, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>&\"{{ 7 * 7 }}"


def expectation(status: Status = "passed", severity: Severity = "critical") -> ExpectationResult:
    return ExpectationResult(
        table="shop.orders",
        name="amount_within_bounds",
        description="no order is worth a thousand million",
        column="amount",
        severity=severity,
        owner="trade-analytics",
        status=status,
        observed=None if status == "error" else "2 of 9 rows",
        unexpected_count=None if status == "error" else 2,
        examples=({"order_id": "o1", "amount": 1e12, "brand": None, "flag": True, "n": 3},) * 5,
        error="RuntimeError: boom" if status == "error" else None,
        load_dates=(date(2024, 9, 3),) if status == "failed" else (),
    )


def gate(*results: ExpectationResult) -> GateResult:
    return GateResult("arrival", "shop", START, START + timedelta(seconds=2.5), results)


PASSED, FAILED, ERROR = expectation(), expectation("failed"), expectation("error")
WARNED = expectation("failed", "warning")


@pytest.mark.parametrize(
    ("results", "outcome"),
    [
        ((PASSED,), "passed"),
        ((PASSED, WARNED), "passed"),
        ((PASSED, WARNED, FAILED), "failed"),
        ((FAILED, ERROR), "error"),
        ((PASSED, expectation("error", "warning")), "error"),
        ((), "error"),
    ],
)
def test_outcome(results: tuple[ExpectationResult, ...], outcome: Status) -> None:
    result = gate(*results)
    assert result.outcome == outcome
    groups = result.passes + result.failures + result.warnings + result.errors
    assert Counter(map(id, groups)) == Counter(map(id, results)), "each result is in one group"


def test_json_there_and_back() -> None:
    result = gate(PASSED, FAILED, ERROR, WARNED)
    assert GateResult.from_json(result.to_json()) == result
    values = GateResult.from_json(result.to_json()).results[0].examples[0].values()
    assert [type(value) for value in values] == [str, float, type(None), bool, int]

    for text in ("", "{}", "[]", '{"gate": "arrival"}', '{"gate": "door"}'):
        with pytest.raises(ValueError, match="validation error"):
            GateResult.from_json(text)


def test_warnings_refuse_no_load() -> None:
    assert gate(replace(WARNED, load_dates=(date(2024, 9, 3),))).refused_load_dates() == {}
    assert gate(FAILED, FAILED).refused_load_dates() == {"shop": (date(2024, 9, 3),)}


def test_summary_names_what_where_how_many_and_examples() -> None:
    lines = gate(PASSED, FAILED, ERROR, WARNED).summary_lines()
    expected = "arrival gate on shop: error (1 passed, 1 failed, 1 warned, 1 could not be evaluated)"
    assert lines[0] == expected
    assert "  error: shop.orders: amount_within_bounds: RuntimeError: boom" in lines
    assert "  failed: shop.orders: amount_within_bounds: 2 of 9 rows" in lines
    assert "  warning: shop.orders: amount_within_bounds: 2 of 9 rows" in lines
    assert "    order_id=o1, amount=1000000000000.0, brand=None, flag=True, n=3" in lines
    assert len(gate(PASSED).summary_lines()) == 1
    assert len(gate().summary_lines()) == 2


def test_a_warning_is_a_line_with_what_where_how_many_and_an_example() -> None:
    (line,) = gate(PASSED, FAILED, ERROR, WARNED).warning_lines()
    assert line.startswith("shop.orders: amount_within_bounds: 2 of 9 rows (expected: no order is worth")
    assert line.endswith("; such as order_id=o1, amount=1000000000000.0, brand=None, flag=True, n=3")


def test_figures_tell_the_latest_load_dates_and_the_cure() -> None:
    found = {date(2024, 9, day): f"{day} rows against usually 800" for day in (3, 4, 5, 6, 7)}
    cure = "If that is right, write `unusual_dates: [LOAD_DATE]`."
    told = replace(FAILED, found=found, cure=cure, load_dates=tuple(found))
    assert told.refusal(date(2024, 9, 4)) == (
        "shop.orders: no order is worth a thousand million; found: 4 rows against usually 800."
        " If that is right, write `unusual_dates: [2024-09-04]`."
    )
    figures = told.figures
    assert figures[0] == "2024-09-07: 7 rows against usually 800" and figures[3] == "and 2 more"
    assert told.remedy == "If that is right, write `unusual_dates: [2024-09-07]`."
    summary = gate(told).summary_lines()
    assert f"    {figures[0]}" in summary and not any("order_id" in line for line in summary)
    assert gate(replace(told, severity="warning")).warning_lines()[0].endswith(figures[0])
    assert figures[0] in render(gate(told), [])
    assert GateResult.from_json(gate(told).to_json()) == gate(told)


def test_results_and_suites_need_no_great_expectations() -> None:
    code = (
        "import sys, expectations.page, expectations.suites.load, expectations.runner\n"
        "sys.exit(any(name in sys.modules for name in ('great_expectations', 'dagster', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Tags(HTMLParser):
    """Opening tags with their attributes, and whether every tag was closed."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("results", [(PASSED,), (FAILED,), (ERROR,), (WARNED,), (), (PASSED, FAILED, ERROR)])
def test_page_is_whole_and_fetches_nothing(results: tuple[ExpectationResult, ...]) -> None:
    text = render(gate(*results))
    tags = Tags(text)
    assert tags.open == []
    assert {tag for tag, _ in tags.found}.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    links = [value for _, attrs in tags.found for name, value in attrs.items() if name in ("src", "href")]
    assert [link for link in links if link != "index.html" and not str(link).startswith("#")] == []
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)
    assert "default-src 'none'" in text


def test_page_escapes_everything() -> None:
    texts: dict[str, Any] = dict.fromkeys(("name", "description", "column", "owner", "observed"), HOSTILE)
    hostile = replace(FAILED, table=f"shop.{HOSTILE}", examples=({HOSTILE: HOSTILE},), **texts)
    results = (
        hostile,
        replace(hostile, status="error", error=HOSTILE),
        replace(hostile, status="passed", load_dates=()),
        replace(hostile, severity="warning"),
    )
    text = render(replace(gate(*results), subject=HOSTILE))
    tags = Tags(text)
    assert tags.open == []
    assert "<script" not in text
    assert "49" not in text
    assert all(name not in attrs for _, attrs in tags.found for name in ("onclick", "onerror", "alert('x')"))
    assert "&lt;script&gt;" in text


def test_page_tells_what_a_reader_needs() -> None:
    runbook, waiting = "docs/runbooks/gate-failed.md#drift", "no baseline yet: 2 of 4 weeks before 2024-09-03"
    refusal = replace(FAILED, load_dates=tuple(date(2024, 9, day) for day in range(1, 9)), runbook=runbook)
    text = render(gate(PASSED, refusal, replace(WARNED, not_judged=waiting)))
    for needed in (
        "2 of 9 rows",
        "trade-analytics",
        "NULL",
        "2026-03-01",
        "Refused load dates",
        "<b>shop</b>: 2024-09-01, 2024-09-02",
        f"<code>{runbook}</code>",
        waiting,
    ):
        assert needed in text
    undecided = render(gate(refusal, ERROR))
    assert "RuntimeError: boom" in undecided
    assert "Refused load dates" not in undecided, "a page of an error decides nothing"
    assert "No baseline yet" not in undecided


def test_reports_are_kept_and_listed_newest_first(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "arrival"
    first = write_report(gate(FAILED), folder)
    later = replace(gate(PASSED), started_at=START + timedelta(days=1))
    second = write_report(later, folder)
    assert write_report(later, folder) == second, "the same run written twice is one run"
    assert first.name == "20260301T020304.005678Z-arrival.html"
    assert GateResult.from_json(second.with_suffix(".json").read_bytes()) == later
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert index.index(second.name) < index.index(first.name)
    assert index.count("-arrival.html") == 2
    assert Tags(index).open == []
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [first.name, second.name, first.stem + ".json", second.stem + ".json", "index.html"]
    )


def test_index_is_short_and_shows_what_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "2025 <b>.json").write_text("{half", encoding="utf-8")
    (tmp_path / "2024.json").write_bytes(b"\xff\xfe")
    for number in range(MAX_LISTED):
        (tmp_path / f"2023{number:04}.json").write_text("{}", encoding="utf-8")
    write_report(gate(PASSED), tmp_path)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert index.count("This result cannot be read") == MAX_LISTED - 1
    assert "2025%20%3Cb%3E.html" in index and "<b>" not in index
    assert "3 older runs are kept" in index


def test_page_says_since_when_a_rule_fails_and_shows_its_last_runs(tmp_path: Path) -> None:
    other = replace(gate(FAILED), subject="another shop")
    nights = [gate(FAILED), gate(PASSED), other, gate(WARNED), gate(FAILED), gate(FAILED)]
    pages = [
        write_report(replace(result, started_at=START + timedelta(days=day)), tmp_path)
        for day, result in enumerate(nights)
    ]
    text = pages[-1].read_text(encoding="utf-8")
    assert Tags(text).open == []
    assert "The last 5 runs on shop" in text
    assert f"Not met since {START + timedelta(days=3):%Y-%m-%d %H:%M} UTC, 3 runs in a row." in text
    assert 'aria-label="amount_within_bounds: failed passed warning failed failed "' in text
    assert pages[2].name not in text
    assert pages[1].name in text
    assert "Not met since this run, the first that is known." in pages[0].read_text(encoding="utf-8")
