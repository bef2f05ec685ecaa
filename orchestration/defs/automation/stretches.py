"""Which Dagster runs bring in what is new: one for each stretch of load dates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Stretch:
    """Load dates from `first` to `last`, both included, and the sources that have something new there."""

    first: date
    last: date
    sources: tuple[str, ...]

    @property
    def tags(self) -> dict[str, str]:
        """Tags of a Dagster run of these load dates."""
        return {
            "dagster/asset_partition_range_start": self.first.isoformat(),
            "dagster/asset_partition_range_end": self.last.isoformat(),
        }


def stretches(new: Mapping[str, Collection[date]]) -> list[Stretch]:
    """Cover the new load dates of all sources, oldest first; sources whose dates overlap share a stretch.

    Dagster records every day of a range for every source in it: a dump of 2011 beside yesterday's must not
    make it record the fifteen years between.
    """
    spans = [Stretch(min(dates), max(dates), (source,)) for source, dates in new.items() if dates]
    found: list[Stretch] = []
    for span in sorted(spans, key=lambda span: span.first):
        if found and span.first <= found[-1].last:
            begun = found[-1]
            sources = tuple(sorted(begun.sources + span.sources))
            found[-1] = Stretch(begun.first, max(begun.last, span.last), sources)
        else:
            found.append(span)
    return found
