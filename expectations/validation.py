"""Run the rules of one table in Great Expectations, quietly and offline; return plain results."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from math import isfinite
from numbers import Integral
from typing import TYPE_CHECKING, Any

from expectations.results import ExpectationResult, Scalar
from expectations.suites.rule import NOT_EVALUATED, ROW_COUNT, ROWS_QUERY, Rule, Suite, no_rows

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.datasource.fluent.interfaces import Batch

MAX_EXAMPLES = 10
MAX_TEXT = 300


def quiet_context() -> EphemeralDataContext:
    """A context that lives in memory, sends nothing anywhere and draws no progress bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def validate(batch: Batch, suite: Suite, complete: bool = False) -> list[ExpectationResult]:
    """Evaluate a suite on one batch, in the order of its rules; a rule without an answer is an error.

    `complete` asks for every unexpected row, for small batches.
    """
    # What has too short a past to be judged is a query of its own.
    lacking = {
        rule.name: no_rows(f"{rule.name} not judged", rule.reason, rule.lacking)
        for rule in suite.rules
        if rule.lacking
    }
    of_values = [rule for rule in suite.rules if rule.expectation not in (ROWS_QUERY, ROW_COUNT)]
    of_table = [*(rule for rule in suite.rules if rule not in of_values), *lacking.values()]
    answers = {
        # Queries give their rows only in the complete format.
        **_answers(batch, suite, of_table, {"result_format": "COMPLETE"}),
        **_answers(batch, suite, of_values, {"result_format": "BOOLEAN_ONLY"}),
    }
    # To find the rows takes the library two queries a rule, even where there are none.
    unmet = [rule for rule in of_values if (answer := answers.get(rule.name)) and not answer.success]
    # The complete format would fetch a whole bad table.
    rows_format = {
        "result_format": "COMPLETE" if complete else "SUMMARY",
        "unexpected_index_column_names": list(suite.key),
        "partial_unexpected_count": MAX_EXAMPLES,
    }
    answers |= _answers(batch, suite, unmet, rows_format)
    results = {
        rule.name: _plain(suite, rule, answers.get(rule.name)) for rule in (*suite.rules, *lacking.values())
    }
    return [
        _with_lacking(rule, results[rule.name], results[lacking[rule.name].name])
        if rule.lacking
        else results[rule.name]
        for rule in suite.rules
    ]


def _with_lacking(rule: Rule, result: ExpectationResult, found: ExpectationResult) -> ExpectationResult:
    """A result that also says what has no baseline yet."""
    if result.error or not (found.error or found.examples):
        return result
    if found.error:
        return error_result(result.table, result.owner, found.error, rule)
    first = found.examples[0]
    subject = ", ".join(str(value) for name, value in first.items() if name not in ("found", "needed"))
    text = f"no baseline yet: {first['found']} of {first['needed']} for {subject}"
    if found.unexpected_count and found.unexpected_count > 1:
        text += f", and {found.unexpected_count - 1} more"
    return replace(result, not_judged=text)


def error_result(table: str, owner: str, error: str, rule: Rule | None = None) -> ExpectationResult:
    """A rule, or without one the whole table, that could not be evaluated."""
    return ExpectationResult(
        table=table,
        name=rule.name if rule else "table_readable",
        description=rule.reason if rule else "the table exists and can be read",
        column=rule.column if rule else None,
        severity=rule.severity if rule else "critical",
        owner=owner,
        status="error",
        error=error,
        runbook=NOT_EVALUATED,
    )


def told(message: str) -> str:
    """The useful part of an error message, without the statement and links after it."""
    return message.partition("\n[SQL:")[0].strip() or "an exception without a message"


def _answers(
    batch: Batch, suite: Suite, rules: Sequence[Rule], result_format: dict[str, Any]
) -> dict[str, ExpectationValidationResult]:
    """Great Expectations' answers by rule name."""
    if not rules:
        return {}
    import great_expectations as gx

    expectations = [rule.build(suite.owner) for rule in rules]
    answers = batch.validate(
        gx.ExpectationSuite(name=suite.table, expectations=expectations), result_format=result_format
    ).results
    return {answer.expectation_config.meta["rule"]: answer for answer in answers if answer.expectation_config}


def _plain(suite: Suite, rule: Rule, answer: ExpectationValidationResult | None) -> ExpectationResult:
    """One answer as a plain value."""
    if answer is None:
        return error_result(suite.table, suite.owner, "Great Expectations gave no answer.", rule)
    raised = _raised(answer.exception_info)
    if raised:
        return error_result(suite.table, suite.owner, raised, rule)
    found = answer.result
    count = _unexpected_count(rule, found)
    rows = _unexpected_rows(found)
    is_arrival = suite.key == ("load_date",)
    return ExpectationResult(
        table=suite.table,
        name=rule.name,
        description=rule.reason,
        column=rule.column,
        severity=rule.severity,
        owner=suite.owner,
        status="passed" if answer.success else "failed",
        observed=_observed(suite.row, count, found),
        unexpected_count=count,
        examples=tuple(_example(suite.key, row) for row in rows[:MAX_EXAMPLES]),
        runbook=rule.runbook_link,
        load_dates=tuple(sorted(date.fromisoformat(row["load_date"]) for row in rows)) if is_arrival else (),
        cure=rule.cure,
    )


def _raised(exception_info: Mapping[str, Any]) -> str | None:
    """The message of an exception inside, if there was one: the library has one level, or one a metric."""
    infos = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    messages = [told(str(info["exception_message"])) for info in infos if info["raised_exception"]]
    return "; ".join(dict.fromkeys(messages)) if messages else None


def _unexpected_rows(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Rows that a rule objects to, wherever its kind of expectation puts them."""
    if "details" in found:
        return list(found["details"]["unexpected_rows"])
    return list(found.get("unexpected_index_list") or found.get("partial_unexpected_index_list") or ())


def _unexpected_count(rule: Rule, found: Mapping[str, Any]) -> int | None:
    """How many rows a rule objects to; None for a rule about the table as a whole."""
    if rule.expectation == ROWS_QUERY:
        return int(found["observed_value"])
    if rule.expectation == ROW_COUNT:
        return None
    # Of a rule that is met nothing is found, and SQL sums over no rows are NULL.
    return int(found.get("unexpected_count") or 0)


def _observed(row: str, unexpected: int | None, found: Mapping[str, Any]) -> str:
    """What was found, in short."""
    if unexpected is None:
        return _counted(int(found["observed_value"]), row)
    if "element_count" in found:
        return f"{unexpected:,} of {_counted(int(found['element_count']), row)} unexpected"
    return _counted(unexpected, f"unexpected {row}")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _example(key: Sequence[str], row: Mapping[str, Any]) -> dict[str, Scalar]:
    """One unexpected row, its key first."""
    names = [*(name for name in key if name in row), *(name for name in row if name not in key)]
    return {name: _scalar(row[name]) for name in names}


def _scalar(value: object) -> Scalar:
    """A value that JSON and a page can hold; anything else as text, and long text cut."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float) and isfinite(value):
        return float(value)
    text = str(value)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."
