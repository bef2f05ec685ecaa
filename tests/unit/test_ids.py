"""Ids are read alike by staging and by what looks for a person outside the warehouse."""

from __future__ import annotations

import duckdb
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.core.privacy.ids import clean_id
from orchestration.core.settings import PROJECT_ROOT

ROLES = PROJECT_ROOT / "dbt_project" / "macros" / "staging" / "roles.sql"
PIECES = [
    "1",
    "0",
    ".",
    ".0",
    '"',
    "=",
    '="',
    "'",
    " ",
    "\t",
    "\n",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\ufeff",
    "é",
    "A",
    "Σ",
    "İ",
    "中",
]


@pytest.mark.parametrize(
    ("delivered", "read"),
    [
        ('="10002"', "10002"),
        ("'10003", "10003"),
        ("10001\t", "10001"),
        ("\u3000 10004\u00a0", "10004"),
        ("\ufeff10\u200b005", "10005"),
        ("10006.00", "10006"),
        ("1.5", "1.5"),
        ("O'Brien", "O'Brien"),
        ("a b", "a b"),
        (10007.0, "10007"),
    ],
)
def test_what_an_export_adds_to_an_id_is_taken_off(delivered: object, read: str) -> None:
    assert clean_id(delivered) == read


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=7).map("".join), min_size=50, max_size=50))
def test_staging_reads_every_id_as_python_does(delivered: list[str]) -> None:
    macros = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(ROLES.read_text()).module
    sql = f"select {macros.duckdb__clean_id('id')} from (select unnest(?) as id)"  # type: ignore[attr-defined]
    assert duckdb.execute(sql, [delivered]).fetchall() == [(clean_id(id),) for id in delivered]
    sql = sql.replace("select", "select lower(", 1).replace(" from", ") from", 1)
    assert duckdb.execute(sql, [delivered]).fetchall() == [(clean_id(id, "lower"),) for id in delivered]
