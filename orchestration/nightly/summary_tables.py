"""What a person wants to read of a release: the stock of each brand, and FAST of its last complete week."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestration.publish.marts import open_marts
from orchestration.publish.query import Result, to_text

PRESET = "consumer_asset"
STOCK = """
    select brand_id, as_of_date, stage, stage_rank, persons
    from fct_aipl_daily
    where preset = $preset
    qualify as_of_date = max(as_of_date) over (partition by brand_id)
    order by brand_id, stage_rank
"""
FAST = """
    select
        brand_id as brand,
        period_start as week_from,
        fertility_union as fertility,
        round(advancing_rate, 4) as advancing,
        superiority_members as superiority,
        round(thriving_rate, 4) as thriving
    from fct_fast
    where preset = $preset and period_type = 'week'
    qualify period_start = max(period_start) over (partition by brand_id)
    order by brand_id
"""


def release_tables(release: Path) -> list[tuple[str, str]]:
    """Headings and aligned text tables about the marts in a release folder."""
    with open_marts(release) as connection:
        stock = connection.execute(STOCK, {"preset": PRESET}).fetchall()
        fast = connection.execute(FAST, {"preset": PRESET})
        columns = [column[0] for column in fast.description or []]
        weeks = fast.fetchall()
    return [
        ("AIPL stock, persons at the end of each brand's last complete day", table(*pivot_stock(stock))),
        ("FAST of the last complete week", table(columns, weeks) if weeks else "no complete week yet\n"),
    ]


def pivot_stock(rows: list[tuple[Any, ...]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Turn (brand, day, stage, rank, persons) into a row a brand with a column a stage, lowest rank first."""
    stages = [stage for _, stage in sorted({(rank, stage) for _, _, stage, rank, _ in rows})]
    persons = {(brand, day, stage): count for brand, day, stage, _, count in rows}
    brands = sorted({(brand, day) for brand, day, *_ in rows})
    lines = [(*key, *(persons.get((*key, stage), 0) for stage in stages)) for key in brands]
    return ["brand", "day", *stages], lines


def table(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """An aligned plain table."""
    return to_text(Result(columns, rows, None)).decode()
