"""The tables of the outbox, how older ones are upgraded, and their rows as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from orchestration.alerts.findings import Alert, End, Finding, Incident, Mute, Subject

FORMAT = 2
WAREHOUSE = """
create table warehouse (name text not null) strict;
insert into warehouse values (lower(hex(randomblob(6))))
"""
MUTES = """
create table mutes (
    mute_id integer primary key,
    made_at text not null,
    until text not null,
    by text not null,
    reason text not null,
    source text,
    rule text,
    owner text
) strict
"""
SCHEMA = f"""
create table incidents (
    incident_id integer primary key,
    scope text not null,
    key text not null,
    kind text not null,
    severity text not null,
    owner text not null,
    title text not null,
    text text not null,
    link text,
    runbook text,
    opened_at text not null,
    seen_at text not null,
    closed_at text,
    ending text,
    ending_reason text not null default '',
    effect text not null default '',
    cure text not null default '',
    subject text not null default '{{}}',
    patience integer not null default 0,
    acked_at text,
    acked_by text,
    snoozed_until text,
    snoozed_by text
) strict;
create unique index one_open_incident on incidents (scope, key) where closed_at is null;
create table alerts (
    alert_id integer primary key,
    incident_id integer not null references incidents,
    event text not null,
    created_at text not null,
    is_routed integer not null default 0
) strict;
create index alerts_of_incident on alerts (incident_id);
create table deliveries (
    alert_id integer not null references alerts,
    route text not null,
    state text not null,
    tries integer not null,
    next_try_at text not null,
    reason text,
    delivered_at text,
    routed_at text,
    primary key (alert_id, route)
) strict;
create index deliveries_of_route on deliveries (route, state, next_try_at);
{MUTES};
{WAREHOUSE}
"""
# In format 1 every incident that was over had "recovered".
UPGRADES = {
    1: f"""
alter table incidents rename column recovered_at to closed_at;
alter table incidents add column ending text;
alter table incidents add column ending_reason text not null default '';
alter table incidents add column effect text not null default '';
alter table incidents add column cure text not null default '';
alter table incidents add column subject text not null default '{{}}';
alter table incidents add column patience integer not null default 0;
alter table incidents add column acked_at text;
alter table incidents add column acked_by text;
alter table incidents add column snoozed_until text;
alter table incidents add column snoozed_by text;
update incidents set ending = 'recovered' where closed_at is not null;
update alerts set event = 'closed' where event = 'recovered';
alter table deliveries add column routed_at text;
{MUTES};
{WAREHOUSE}
"""
}
FINDING = [one.name for one in fields(Finding)]
MUTE = ", ".join(one.name for one in fields(Mute))
INCIDENT = (
    "incident_id, scope, opened_at, seen_at, closed_at, ending, ending_reason, acked_at, acked_by,"
    f" snoozed_until, snoozed_by, {', '.join(FINDING)}"
)
SEEN = f"""
insert into incidents (scope, opened_at, seen_at, {", ".join(FINDING)})
values (:scope, :now, :now, {", ".join(f":{name}" for name in FINDING)})
on conflict (scope, key) where closed_at is null
do update set seen_at = :now, {", ".join(f"{name} = :{name}" for name in FINDING)}
"""
_SUBJECT = TypeAdapter(Subject)


def stamp(moment: datetime) -> str:
    """A time in UTC and in one width, so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def finding_row(finding: Finding) -> dict[str, Any]:
    """The columns of a finding."""
    row = {name: getattr(finding, name) for name in FINDING}
    return row | {
        "subject": _SUBJECT.dump_json(finding.subject, exclude_defaults=True).decode(),
        "patience": int(finding.patience.total_seconds()),
    }


def alert_of(row: Sequence[Any]) -> Alert:
    """`alert_id`, `event` and the columns `INCIDENT`."""
    alert_id, event, *incident = row
    return Alert(alert_id, event, incident_of(incident))


def incident_of(row: Sequence[Any]) -> Incident:
    """The columns `INCIDENT`."""
    incident_id, scope, opened_at, seen_at, closed_at, ending, reason, *handling = row[:11]
    acked_at, acked_by, snoozed_until, snoozed_by = handling
    finding = dict(zip(FINDING, row[11:], strict=True))
    finding["subject"] = _SUBJECT.validate_json(finding["subject"])
    finding["patience"] = timedelta(seconds=finding["patience"])
    return Incident(
        incident_id=incident_id,
        scope=scope,
        finding=Finding(**finding),
        opened_at=datetime.fromisoformat(opened_at),
        seen_at=datetime.fromisoformat(seen_at),
        closed_at=_moment(closed_at),
        end=End(ending, reason) if ending else None,
        acked_at=_moment(acked_at),
        acked_by=acked_by,
        snoozed_until=_moment(snoozed_until),
        snoozed_by=snoozed_by,
    )


def mute_of(row: Sequence[Any]) -> Mute:
    """The columns `MUTE`."""
    mute_id, made_at, until, *rest = row
    return Mute(mute_id, datetime.fromisoformat(made_at), datetime.fromisoformat(until), *rest)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
