"""Days, as load dates count them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dagster import DailyPartitionsDefinition

from orchestration.lib.calendar import first_expected
from orchestration.lib.sources import Source

EARLIEST = date(2020, 1, 1)
# The schedule has one zone of its own; load dates are labels without one.
ZONE = "Asia/Shanghai"


def load_dates(sources: Iterable[Source]) -> DailyPartitionsDefinition:
    """One partition a load date, from the earliest day that any source declares until today."""
    declared = [
        day
        for source in sources
        for day in (source.starts_on, source.load_date, first_expected(source))
        if day
    ]
    start = min([EARLIEST, *declared])
    return DailyPartitionsDefinition(start_date=start.isoformat(), timezone=ZONE, end_offset=1)
