"""What people do about incidents: take them on, put them off, mute what is known. Who did it is kept."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime

from orchestration.alerts.findings import Incident, Mute
from orchestration.alerts.moments import moment, schedule_zone
from orchestration.alerts.outbox import Outbox
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings


def acknowledge(settings: Settings, incident_ids: Collection[int], by: str, now: datetime) -> list[Incident]:
    """Note that somebody has taken incidents on: no reminders, no escalation, until one worsens or ends.

    Raises InputError when one of them is not open.
    """
    with Outbox(settings.alerts) as outbox:
        return outbox.acknowledge(incident_ids, by, now)


def snooze(
    settings: Settings, incident_ids: Collection[int], until: str, by: str, now: datetime
) -> list[Incident]:
    """Tell nothing of incidents until then, unless one worsens or ends; remind of what is still open.

    `until` is a duration ("4h") or a time in the schedule's zone. Raises InputError when it is neither or in
    the past, and when one of the incidents is not open.
    """
    with Outbox(settings.alerts) as outbox:
        return outbox.snooze(incident_ids, _moment(settings, until, now), by)


def mute(
    settings: Settings,
    until: str,
    reason: str,
    by: str,
    now: datetime,
    *,
    source: str | None = None,
    rule: str | None = None,
    owner: str | None = None,
) -> Mute:
    """Tell nothing of findings that match all given patterns, until then.

    Raises InputError when no pattern or no reason is given, or `until` is no time to come.
    """
    if not (source or rule or owner):
        raise InputError("Say what to mute: --source, --rule or --owner, with * for anything.")
    if not reason.strip():
        raise InputError("Say why, with --reason: others will see it in `aipl alerts list`.")
    ends = _moment(settings, until, now)
    with Outbox(settings.alerts) as outbox:
        return outbox.mute(Mute(0, now, ends, by, reason.strip(), source, rule, owner))


def unmute(settings: Settings, mute_id: int, now: datetime) -> None:
    """End a mute. Raises InputError when there is none of this number in force."""
    with Outbox(settings.alerts) as outbox:
        outbox.unmute(mute_id, now)


def can_handle(settings: Settings) -> bool:
    """Whether this home has incidents that this process may write to."""
    return os.access(settings.alerts, os.W_OK) and os.access(settings.home, os.W_OK)


def open_incidents(settings: Settings) -> list[Incident] | None:
    """Open incidents, oldest first, also of a home that cannot be written; None in one without alerts."""
    if not settings.alerts.exists():
        return None
    with Outbox(settings.alerts, read_only=not can_handle(settings)) as outbox:
        return outbox.open_incidents()


def mutes_in_force(settings: Settings, now: datetime) -> list[Mute]:
    """Mutes of a home, oldest first, also of one that cannot be written; none in one without alerts."""
    if not settings.alerts.exists():
        return []
    with Outbox(settings.alerts, read_only=not can_handle(settings)) as outbox:
        return [mute for mute in outbox.mutes() if mute.is_in_force(now)]


def undelivered_alerts(settings: Settings) -> int:
    """Number of alerts undelivered on some route; 0 in a home without alerts."""
    if not settings.alerts.exists():
        return 0
    with Outbox(settings.alerts, read_only=not can_handle(settings)) as outbox:
        return len(outbox.deliveries("dead")) + len(outbox.deliveries("pending"))


def _moment(settings: Settings, text: str, now: datetime) -> datetime:
    try:
        return moment(text, schedule_zone(settings), now)
    except ValueError as error:
        raise InputError(f"{str(error)[0].upper()}{str(error)[1:]}.") from error
