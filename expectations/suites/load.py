"""Suites of marts, read from their YAML files; `kinds.yml` holds what a rule can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, get_args

import jinja2
import yaml

from expectations.baseline import MAX_WEEKS, MIN_WEEKS, SPREAD_OF_MAD, SPREADS
from expectations.contracts import Contract, parsed, read_contracts
from expectations.results import Severity
from expectations.suites.rule import ROWS_QUERY, Rule, Suite

SUITES = Path(__file__).with_name("marts")
# The day that dates of examples are by default; also the last one that their brands are complete for.
GOOD_DAY = date(2024, 1, 1)
REQUIRED = "required"
OF_A_SUITE = {"runbook", "let", "good", "given", "rules"}
OF_A_RULE = {"name", "reason", "severity", "runbook", "column", "lacking", "breaks", "given", "series"}
LISTS = ("columns", "of", "show", "values")
_FIGURES = {"min_weeks": MIN_WEEKS, "max_weeks": MAX_WEEKS, "tolerance": SPREADS * SPREAD_OF_MAD}
_JINJA = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]


class SuiteError(ValueError):
    """A suite's file is missing or wrong; the message names file, rule and what is wrong."""


@dataclass(frozen=True)
class Example:
    """What trips a rule: rows of its mart (None: its good rows), and rows of other tables.

    Columns that a row leaves out are those of a good row.
    """

    rows: Sequence[Row] | None
    given: Tables = field(default_factory=dict)


@dataclass(frozen=True)
class MartSuite:
    """A suite, and for its tests: good rows of its mart, rows of other tables, an example of each rule."""

    suite: Suite
    contract: Contract
    good: Sequence[Row]
    given: Tables
    examples: Mapping[str, Example]


def read_suites(dbt_project: Path, folder: Path = SUITES) -> dict[str, MartSuite]:
    """The suite of every mart, by its name. Raises SuiteError.

    A mart that is a view alone may do without: it holds nothing but what the marts beneath it do, and judging
    all of its rows may cost more than the night.
    """
    return {
        name: read_suite(file, contract)
        for name, contract in read_contracts(dbt_project).items()
        if (file := folder / f"{name}.yml").exists() or contract.published != "view_only"
    }


def read_suite(file: Path, contract: Contract) -> MartSuite:
    """The suite of one mart. Raises SuiteError."""
    try:
        content = parsed(file.read_text())
    except FileNotFoundError:
        raise SuiteError(
            f"{file} is missing: the suite of {contract.name}. docs/adding-a-mart.md says how to write it."
        ) from None
    except yaml.YAMLError as error:
        raise SuiteError(f"{file}: {error}") from error
    if not isinstance(content, dict) or not content.get("rules"):
        raise SuiteError(f"{file}: `rules` are missing.")
    if unknown := content.keys() - OF_A_SUITE:
        raise SuiteError(f"{file}: unknown: {_listed(unknown)}. A suite has {_listed(OF_A_SUITE)}.")
    if not (contract.key and contract.owner):
        raise SuiteError(f"{contract.file}: {contract.name} needs a unique key and a group, its owner.")
    known: dict[str, Any] = {**_FIGURES, "key": list(contract.key), "mart_name": contract.name}
    defaults = {"runbook": content["runbook"]} if "runbook" in content else {}
    rules: dict[str, Rule] = {}
    examples: dict[str, Example] = {}
    where = "let"
    try:
        for name, value in content.get("let", {}).items():
            known[name] = _rendered(value, known)
        for number, given in enumerate(content["rules"], start=1):
            where = f"rule {number}"
            for entry in _one_a_column(given):
                where = f"rule {number} ({', '.join(f'{key}: {entry[key]}' for key in list(entry)[:1])})"
                rule, example = _rule({**defaults, **entry}, known, contract)
                if rule.name in rules:
                    raise SuiteError(f"the name {rule.name} is taken: give it a `name` of its own")
                rules[rule.name], examples[rule.name] = rule, example
    except (SuiteError, jinja2.TemplateError, TypeError, AttributeError) as error:
        raise SuiteError(f"{file}: {where}: {error}.") from error
    suite = Suite(
        contract.name,
        contract.owner,
        contract.key,
        tuple(rules.values()),
        computed=contract.published == "view_only",
    )
    return MartSuite(suite, contract, content.get("good", [{}]), content.get("given", {}), examples)


def _one_a_column(entry: Any) -> Iterator[dict[str, Any]]:
    """A rule, or one for each column where it is given several."""
    if not isinstance(entry, dict):
        raise SuiteError("a rule is a mapping")
    columns = entry.get("between") or entry.get("not_null")
    kind = "between" if "between" in entry else "not_null"
    yield from ({**entry, kind: column} for column in columns) if isinstance(columns, list) else (entry,)


def _rule(entry: dict[str, Any], known: Mapping[str, Any], contract: Contract) -> tuple[Rule, Example]:
    kinds = entry.keys() & _kinds().keys()
    if len(kinds) != 1:
        raise SuiteError(f"give one kind of {_listed(_kinds())}, not {_listed(kinds) or 'none'}")
    (kind,) = kinds
    form = _kinds()[kind]
    arguments = _arguments(kind, entry, known)
    words = {**known, **arguments}
    texts = {
        part: _rendered(entry.get(part, form.get(part, "")), words)
        for part in (
            "name",
            "reason",
            "severity",
            "runbook",
            "column",
            "lacking",
            "with",
            "sql",
            "unexpected",
        )
    }
    for part in ("name", "reason"):
        if not texts[part]:
            raise SuiteError(f"`{part}` is missing")
    if texts["severity"] not in ("", *get_args(Severity)):
        raise SuiteError(f"severity is critical or warning, not {texts['severity']}")
    if texts["column"] and texts["column"] not in {column.name for column in contract.columns}:
        raise SuiteError(f"{contract.name} has no column {texts['column']}")
    ((expectation, parts),) = form.get("expectation", {ROWS_QUERY: {}}).items()
    given = {part: arguments[name] for part, name in parts.items()}
    query = {"unexpected_rows_query": f"{texts['with']}\n{texts['sql']}".strip()}
    rule = Rule(
        texts["name"],
        texts["reason"],
        expectation,
        given or query,
        texts["severity"] or "critical",
        texts["column"] or None,
        runbook=texts["runbook"],
        lacking=texts["lacking"] and f"{texts['with']}\n{texts['lacking']}",
        unexpected=texts["unexpected"] or ("" if given else query["unexpected_rows_query"]),
    )
    return rule, _example(kind, entry, arguments)


def _arguments(kind: str, entry: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What the kind takes, from the entry or by default."""
    defaults: dict[str, Any] = _kinds()[kind]["arguments"]
    first, *others = defaults
    if unknown := entry.keys() - {kind, *others} - OF_A_RULE:
        raise SuiteError(f"unknown: {_listed(unknown)}. `{kind}` takes {_listed(others) or 'nothing more'}")
    found = {**defaults, **{name: entry[name] for name in others if name in entry}, first: entry[kind]}
    if missing := [name for name, value in found.items() if value == REQUIRED]:
        raise SuiteError(f"`{kind}` needs {_listed(missing)}")
    return {
        name: [value] if name in LISTS and not isinstance(value, list) else _rendered(value, known)
        for name, value in found.items()
    }


def _example(kind: str, entry: Mapping[str, Any], arguments: Mapping[str, Any]) -> Example:
    """What the rule gives; else rows that break any rule of its kind."""
    rows, given = entry.get("breaks"), entry.get("given", {})
    if series := entry.get("series"):
        if kind != "drift":
            raise SuiteError("a `series` is an example of `drift` alone")
        # The first number is that of all days before, too.
        numbers = [series[0]] * (7 * MAX_WEEKS + arguments["days"]) + series[1:]
        days = (GOOD_DAY - timedelta(days=back) for back in reversed(range(len(numbers))))
        rows = [
            {arguments["day"]: day, arguments["measure"]: number}
            for day, number in zip(days, numbers, strict=True)
        ]
    if rows is None and not given:
        rows = _breaking(kind, arguments)
        if rows is None:
            raise SuiteError("an example that breaks it is missing: `breaks`, `given` or `series`")
    return Example([rows] if isinstance(rows, dict) else rows, given)


def _breaking(kind: str, arguments: Mapping[str, Any]) -> list[Row] | None:
    match kind:
        case "at_least_rows":
            return []
        case "not_null":
            return [{arguments["column"]: None}]
        case "one_of":
            return [{arguments["column"]: "something else"}]
        case "between":
            low, high = arguments["low"], arguments["high"]
            if low is None and high is None:
                raise SuiteError("`between` needs `low`, `high` or both")
            return [{arguments["column"]: high + 1 if low is None else low - 1}]
    return None


def _rendered(value: Any, known: Mapping[str, Any]) -> Any:
    """A text with its arguments in it; most texts have none."""
    if not isinstance(value, str):
        return value
    return (_template(value).render(known) if "{{" in value or "{%" in value else value).strip()


_template = cache(_JINJA.from_string)


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


@cache
def _kinds() -> dict[str, dict[str, Any]]:
    kinds: dict[str, dict[str, Any]] = parsed(Path(__file__).with_name("kinds.yml").read_text())
    return kinds
