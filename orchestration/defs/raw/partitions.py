"""Days, as load dates count them."""

from __future__ import annotations

from dagster import DailyPartitionsDefinition

from orchestration.lib.run.nightly import ZONE

# Before any dump that a source has turned up with; a load date needs a partition, however old it is.
FIRST_LOAD_DATE = "1990-01-01"


def load_dates() -> DailyPartitionsDefinition:
    """One partition a load date, until today."""
    return DailyPartitionsDefinition(start_date=FIRST_LOAD_DATE, timezone=ZONE.key, end_offset=1)
