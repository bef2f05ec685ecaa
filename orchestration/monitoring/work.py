"""What there is to do now: one answer for schedule, sensor, `aipl run` and `aipl status`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from orchestration.arrival.configured import Arrival, configured_schedule, dbt_sources
from orchestration.arrival.dbt_inputs import dbt_inputs
from orchestration.arrival.pending import ALL, PendingLoads, due_loads, find_pending
from orchestration.build.around_dbt import present_build, why_due
from orchestration.build.state import is_untouched, read_build
from orchestration.core.settings import Settings
from orchestration.publish.release import is_same, read_current
from orchestration.publish.releases import decided_through
from orchestration.publish.rollback import withdrawn_release


@dataclass(frozen=True)
class Unpublished:
    """What earlier runs left: nothing where `reason` is empty.

    `loads` are accepted, by source, and the current release does not hold them. `is_cut_short` says that a
    run did not come to its end, and not only that SQL, rules, declarations or laws changed since.
    """

    reason: str = ""
    loads: Mapping[str, list[date]] = field(default_factory=dict)
    is_cut_short: bool = False


@dataclass(frozen=True)
class Work:
    """Loads to bring in now, by source; what has to wait and why; and what earlier runs left to publish."""

    pending: PendingLoads
    load_dates: Mapping[str, list[date]]
    waits: str | None
    unpublished: Unpublished

    @property
    def mark(self) -> str:
        """Names the work: the same loads and the same state of the last build, the same mark."""
        asked = {source: [day.isoformat() for day in days] for source, days in self.load_dates.items()}
        left = self.unpublished
        known = (self.pending.mark, sorted(asked.items()), left.reason, sorted(left.loads.items()))
        return hashlib.sha256(repr(known).encode()).hexdigest()[:16]


def find_work(settings: Settings, arrival: Arrival, now: datetime) -> Work:
    """What there is to do at a moment, by the schedule; changes nothing.

    Raises ConfigurationError for a source whose declaration or location is wrong, and EnvironmentStop when
    the state in the home is damaged.
    """
    times, fed = configured_schedule(settings), arrival.fed()
    pending = find_pending(settings, fed, ALL, times.today(now))
    due = due_loads(fed.sources, times, pending, now)
    return Work(pending, due.load_dates, due.waits, find_unpublished(settings, arrival))


def find_unpublished(settings: Settings, arrival: Arrival) -> Unpublished:
    """What a build would publish now though no new dump comes in; `arrival` names all sources.

    Content that a rollback withdrew is not to be published again.
    """
    current, last = read_current(settings), read_build(settings)
    if current is None and not any(arrival.of(source).effective for source in arrival.sources):
        return Unpublished()
    present = present_build(settings, dbt_sources(settings, arrival.sources), dbt_inputs(arrival))
    is_out = current is not None and bool(
        is_same(settings, current.manifest, present.build_id) or withdrawn_release(settings, present.build_id)
    )
    is_sound = last is not None and last.laws == present.laws and is_untouched(settings, last)
    if is_out and is_sound:
        return Unpublished()
    is_building = last is None or last.state != "complete"
    loads = {} if is_out else _unpublished_loads(settings, arrival)
    reason = why_due(settings, last, present) or (
        "a law changed" if is_out else "the last build has not been published"
    )
    return Unpublished(reason, loads, is_cut_short=is_building or bool(loads))


def _unpublished_loads(settings: Settings, arrival: Arrival) -> dict[str, list[date]]:
    """Load dates with files in effect that the current release does not hold, by source."""
    through = decided_through(settings)
    if through is None:
        # An earlier version of aipl published it, which did not note what it held.
        return {}
    loads: dict[str, set[date]] = {}
    for source in arrival.sources:
        for version in arrival.of(source).effective.values():
            if (version.decision or 0) > through:
                loads.setdefault(source, set()).add(version.load_date)
    return {source: sorted(days) for source, days in loads.items()}
