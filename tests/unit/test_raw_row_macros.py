"""What staging makes of raw rows that hold several things: the macros against Python's own JSON."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sql_macros import duckdb_macros

MACROS = duckdb_macros("staging/raw_rows.sql", "engine/functions.sql", "staging/numbers.sql")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
BROKEN = ['{"a": 1', '[{"a"', "{'a': 1}", "tea", '{"a": 1} x', "\ufeff[]", '{"a": "\\ud800"}', "[" * 5000]


def select(sql: str, cells: list[Any]) -> list[tuple[Any, ...]]:
    """Rows of a query on `source`, which has the cells and their numbers."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table source as select unnest($cells) as cell, unnest(range(len($cells))) as n",
            {"cells": cells},
        )
        return connection.execute(sql).fetchall()


def items(cells: list[Any], *arguments: Any) -> list[tuple[int, str | None, int | None]]:
    sql = MACROS.json_items("source", "cell", *arguments)
    return select(f"select n, item, item_number from ({sql}) order by all", cells)


def as_text(value: object) -> str | None:
    """The text that a JSON value stands for."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


@given(st.lists(VALUES, min_size=1, max_size=20), st.sampled_from(["$.a", "$.b.c", "$.c[1]", "$[0]", "$"]))
def test_text_of_a_path(values: list[object], path: str) -> None:
    def at(value: Any) -> object:
        for step in path.removeprefix("$").replace("[", ".").replace("]", "").split("."):
            key: Any = int(step) if step.isdigit() else step
            if step:
                try:
                    value = value[key] if isinstance(value, list if step.isdigit() else dict) else None
                except LookupError:
                    return None
        return value

    found = select(
        f"select {MACROS.json_text('cell', path)} from source order by n", [json.dumps(one) for one in values]
    )
    for (text,), value in zip(found, values, strict=True):
        expected = at(value)
        if isinstance(expected, list | dict):
            assert json.loads(text) == expected
        else:
            assert text == as_text(expected)


@pytest.mark.parametrize("cell", [*BROKEN, "", "  ", None])
def test_what_is_no_json_has_no_text_and_costs_nobody_else(cell: str | None) -> None:
    sql = f"select {MACROS.json_text('cell', '$.a')}, {MACROS.is_broken_json('cell')} from source order by n"
    assert select(sql, ['{"a": 1}', cell, '{"a": 2}']) == [
        ("1", False),
        (None, cell in BROKEN),
        ("2", False),
    ]


@given(st.lists(st.lists(VALUES, max_size=4), min_size=1, max_size=20))
def test_every_item_of_every_list_has_its_number(lists: list[list[object]]) -> None:
    found = items([json.dumps(one) for one in lists])
    expected = [
        (n, item, number)
        for n, one in enumerate(lists)
        for number, item in (enumerate(one, 1) if one else [(0, None)])
    ]
    by_place = {(n, number): item for n, item, number in found}
    assert len(found) == len(expected) == len(by_place)
    for n, item, number in expected:
        text = by_place[n, number]
        assert (None if text is None else json.loads(text)) == item


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('{"sku": "tea"}', [('{"sku":"tea"}', 1)]),
        # A list as text, as a program writes that puts JSON into JSON.
        (json.dumps('[{"sku":"tea"}]'), [('{"sku":"tea"}', 1)]),
        ("[]", [(None, 0)]),
        *((cell, []) for cell in (None, "", "  ", "null")),
        *((cell, [(None, None)]) for cell in [*BROKEN, "5", '"tea"', "true"]),
    ],
)
def test_what_is_no_list(cell: str | None, expected: list[tuple[str | None, int | None]]) -> None:
    around = [(0, '"a"', 1), (2, '"b"', 1)]
    found = items(['["a"]', cell, '["b"]'])
    assert sorted(found, key=str) == sorted([*around, *((1, *one) for one in expected)], key=str)


def test_a_list_may_stand_at_a_path_and_its_absence_may_mean_that_there_is_none() -> None:
    cells = ['{"o": {"i": [1]}}', '{"o": {"i": []}}', '{"o": {}}', '{"o": {"i": null}}', None, '{"o"']
    told = [(0, "1", 1), (1, None, 0), (5, None, None)]
    assert items(cells, "$.o.i") == told
    assert items(cells, "$.o.i", True) == sorted([*told, *((n, None, 0) for n in (2, 3, 4))])


def test_a_column_of_a_parquet_dump_may_be_a_list_already() -> None:
    assert items([[{"sku": "tea", "quantity": 2}], [], None]) == [
        (0, '{"sku":"tea","quantity":2}', 1),
        (1, None, 0),
    ]


def test_numbered_columns_are_items_and_the_unused_ones_are_not() -> None:
    sql = MACROS.column_items("wide", {"sku": ["sku_1", "sku_2", "sku_3"], "quantity": ["q_1", "q_2"]})
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table wide as select * from (values
                (1, 'tea', null, 'jam', '2', '0.00'),
                (2, null, ' ', '', '0', null),
                (3, 'tea', null, null, null, '3')
            ) as rows (id, sku_1, sku_2, sku_3, q_1, q_2)
            """
        )
        rows = connection.execute(f"select id, item_number, sku, quantity from ({sql}) order by all")
        assert rows.fetchall() == [
            (1, 1, "tea", "2"),
            (1, 3, "jam", None),
            (2, 0, None, None),
            (3, 1, "tea", None),
            # What has a quantity and no name is for staging to refuse.
            (3, 2, None, "3"),
        ]
