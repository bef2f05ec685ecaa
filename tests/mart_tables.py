"""Tables of marts made from their contracts, and the rules of suites judged on their examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from expectations.results import ExpectationResult
from expectations.runner import run_marts
from expectations.suites.load import GOOD_DAY, Example, MartSuite, Row
from expectations.suites.rule import Rule, Suite

GOOD = {
    "varchar": "x",
    "varchar[]": ["x"],
    "boolean": False,
    "date": GOOD_DAY,
    "timestamp": datetime.combine(GOOD_DAY, datetime.min.time()),
}
TYPES = {bool: "boolean", int: "bigint", float: "double", datetime: "timestamp", date: "date"}
# What a rule reads beside its mart: a table of the warehouse, or a file of the release before.
READ = re.compile(r"\b(marts|intermediate|seeds)\.(\w+)|(?<='/)(\w+)(?=\.parquet')")
Key = tuple[str, str]


def base_row(suite: MartSuite) -> dict[str, Any]:
    """The first good row of a suite; a column that it leaves out has a plain value of its type, or 1."""
    plain = {column.name: GOOD.get(column.data_type, 1) for column in suite.contract.columns}
    return {**plain, **(suite.good[0] if suite.good else {})}


def create(
    connection: duckdb.DuckDBPyConnection, table: str, suite: MartSuite | None, base: Row, rows: Sequence[Row]
) -> None:
    """A table of rows, each as `base` where it leaves something out; a mart has the types of its contract."""
    types = {name: TYPES.get(type(value), "varchar") for name, value in base.items()}
    if suite:
        types = {column.name: column.data_type for column in suite.contract.columns}
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    connection.execute(f"create table {table} ({columns})")
    values = [[row[name] for name in types] for row in filled(rows, base)]
    if values:
        connection.executemany(f"insert into {table} values ({', '.join('?' * len(types))})", values)


def filled(rows: Sequence[Row], base: Row) -> Iterator[dict[str, Any]]:
    """Rows with what they leave out, those with `_times` as often; `{n}` in a text is then a number."""
    for row in rows:
        assert row.keys() <= base.keys() | {"_times"}, f"unknown columns: {row.keys() - base.keys()}"
        for number in range(row.get("_times", 1)):
            given = {k: v.replace("{n}", str(number)) if isinstance(v, str) else v for k, v in row.items()}
            yield {name: given.get(name, value) for name, value in base.items()}


def write_good(connection: duckdb.DuckDBPyConnection, suites: Mapping[str, MartSuite]) -> None:
    """The good rows of all marts, and of all other tables that their suites' examples give."""
    for schema in ("marts", "intermediate", "seeds", "previous"):
        connection.execute(f"create schema if not exists {schema}")
    given: dict[str, Row] = {}
    for name, mart in suites.items():
        create(connection, f"marts.{name}", mart, base_row(mart), mart.good)
        for table, rows in mart.given.items():
            given[table] = {**given.get(table, {}), **(rows[0] if rows else {})}
    for table, row in given.items():
        if not table.startswith("previous."):
            create(connection, table, None, row, [row])


class Examples:
    """Many states of the marts side by side in one database, judged in one run of Great Expectations.

    A state has tables of its own, with a number before their names, for its mart and for what its example
    gives; the rules read these in place of the good ones that all states share.
    """

    def __init__(self, folder: Path, suites: Mapping[str, MartSuite]) -> None:
        self.folder, self.suites = folder, suites
        self.judged: dict[str, tuple[str, str]] = {}
        self.wanted: list[Suite] = []
        self.connection = duckdb.connect(str(folder / "examples.duckdb"))
        write_good(self.connection, suites)
        for name, mart in suites.items():
            self._table(("previous", name), name, mart.good)

    def add(self, mart: str, rules: Sequence[Rule], example: Example, called: str) -> None:
        """A state of a mart, for some of its rules to judge."""
        number = f"s{len(self.wanted)}_"
        suite = self.suites[mart]
        rows = suite.good if example.rows is None else example.rows
        tables = {("marts", mart): rows}
        for table, given in (*suite.given.items(), *example.given.items()):
            schema, _, name = table.rpartition(".")
            tables[schema, name] = given
        for key, given in tables.items():
            self._table(key, number + key[1], given, suite.given)

        def own(found: re.Match[str]) -> str:
            schema, name = found[1] or "previous", found[2] or found[3]
            renamed = number + name if (schema, name) in tables else name
            return f"{schema}.{renamed}" if found[1] else renamed

        def moved(rule: Rule) -> Rule:
            arguments = {k: READ.sub(own, v) if k.endswith("query") else v for k, v in rule.arguments.items()}
            return replace(rule, arguments=arguments, lacking=READ.sub(own, rule.lacking))

        self.wanted.append(replace(suite.suite, table=number + mart, rules=tuple(map(moved, rules))))
        self.judged[number + mart] = (mart, called)

    def results(self) -> dict[tuple[str, str], list[ExpectationResult]]:
        """Results of all states, by mart and what the state is called."""
        self.connection.close()
        found: dict[tuple[str, str], list[ExpectationResult]] = {key: [] for key in self.judged.values()}
        for result in run_marts(self.folder / "examples.duckdb", self.wanted, previous=self.folder).results:
            found[self.judged[result.table]].append(result)
        return found

    def _table(self, key: Key, name: str, rows: Sequence[Row], given: Mapping[str, Any] = {}) -> None:
        schema, table = key
        suite = self.suites.get(table)
        base = base_row(suite) if suite else given[f"{schema}.{table}"][0]
        create(self.connection, f"{schema}.{name}", suite, base, rows)
        if schema == "previous":
            self.connection.sql(f"from previous.{name}").write_parquet(str(self.folder / f"{name}.parquet"))
