"""Days, as load dates count them."""

from __future__ import annotations

from dagster import DailyPartitionsDefinition

from orchestration.sources.calendar import EARLIEST_LOAD_DATE


def load_dates(timezone: str) -> DailyPartitionsDefinition:
    """One partition a load date, until today in the schedule's zone."""
    return DailyPartitionsDefinition(
        start_date=EARLIEST_LOAD_DATE.isoformat(), timezone=timezone, end_offset=1
    )
