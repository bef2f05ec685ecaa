"""Days, as load dates count them."""

from __future__ import annotations

from dagster import DailyPartitionsDefinition

from orchestration.lib.run.nightly import ZONE
from orchestration.lib.sources.calendar import EARLIEST_LOAD_DATE


def load_dates() -> DailyPartitionsDefinition:
    """One partition a load date, until today."""
    return DailyPartitionsDefinition(
        start_date=EARLIEST_LOAD_DATE.isoformat(), timezone=ZONE.key, end_offset=1
    )
