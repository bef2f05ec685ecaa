"""Rows of a frame, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Every row, its columns as attributes: their types are those of the query, which no checker knows."""
    return iter(frame.itertuples(index=False))
