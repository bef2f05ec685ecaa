"""The outbox: incidents, their alerts and the deliveries per route, in one SQLite file.

An alert is written before anything is sent, in the transaction that opens or closes its incident. A try is
counted, and the next one set, before the message leaves; "delivered" is written after. So a process killed in
between sends again after the back-off: an alert may come twice, it is never lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.alerts.findings import Alert, Delivery, Event, Finding, Incident, State
from orchestration.core.versions import migrate

MAX_TRIES = 20
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)
# A little less than a day, or a nightly run would find yesterday's alert some minutes too young.
REMIND_AFTER = timedelta(hours=20)
# When the first route comes, nobody wants to hear of all that broke and healed before it.
TOO_OLD_TO_ROUTE = timedelta(days=1)

SCHEMA = """
create table if not exists incidents (
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
    recovered_at text
) strict;
create unique index if not exists one_open_incident on incidents (scope, key) where recovered_at is null;
create table if not exists alerts (
    alert_id integer primary key,
    incident_id integer not null references incidents,
    event text not null,
    created_at text not null,
    is_routed integer not null default 0
) strict;
create index if not exists alerts_of_incident on alerts (incident_id);
create table if not exists deliveries (
    alert_id integer not null references alerts,
    route text not null,
    state text not null,
    tries integer not null,
    next_try_at text not null,
    reason text,
    delivered_at text,
    primary key (alert_id, route)
) strict;
create index if not exists deliveries_of_route on deliveries (route, state, next_try_at);
"""
FINDING = [field.name for field in fields(Finding)]
INCIDENT = f"incident_id, scope, opened_at, seen_at, recovered_at, {', '.join(FINDING)}"
SEEN = f"""
insert into incidents (scope, opened_at, seen_at, {", ".join(FINDING)})
values (:scope, :now, :now, {", ".join(f":{name}" for name in FINDING)})
on conflict (scope, key) where recovered_at is null
do update set seen_at = :now, {", ".join(f"{name} = :{name}" for name in FINDING)}
"""


class Outbox:
    """The outbox file; opened on creation, closed by `close` or at the end of a `with` block.

    Raises EnvironmentStop when a newer program wrote it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        try:
            migrate(self._connection, path, 1, SCHEMA, {})
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def open_incidents(self, scope: str | None = None) -> list[Incident]:
        """Open incidents of a scope, or all of them, oldest first."""
        rows = self._connection.execute(
            f"select {INCIDENT} from incidents where recovered_at is null and scope = coalesce(?, scope)"
            " order by incident_id",
            (scope,),
        )
        return [_incident(row) for row in rows]

    def observe(self, scope: str, findings: Sequence[Finding], now: datetime) -> None:
        """Make `findings` the open incidents of a scope; write an alert where one opens, worsens or recovers.

        Raises ValueError when two findings share a key: one of them would be lost.
        """
        found = {finding.key: finding for finding in findings}
        if len(found) < len(findings):
            keys = [finding.key for finding in findings]
            raise ValueError(f"Two findings are named {max(keys, key=keys.count)}.")
        when = _stamp(now)
        with self._transaction():
            known = {incident.finding.key: incident.finding for incident in self.open_incidents(scope)}
            for key, finding in found.items():
                self._connection.execute(SEEN, {**asdict(finding), "scope": scope, "now": when})
                if key not in known:
                    self._write_alert(scope, key, "opened", when)
                elif (known[key].severity, finding.severity) == ("warning", "critical"):
                    self._write_alert(scope, key, "worsened", when)
            for key in known:
                if key not in found:
                    self._write_alert(scope, key, "recovered", when)
                    self._connection.execute(
                        "update incidents set recovered_at = ?"
                        " where scope = ? and key = ? and recovered_at is null",
                        (when, scope, key),
                    )

    def remind(self, now: datetime) -> None:
        """Write a reminder of each open incident without an alert for `REMIND_AFTER`."""
        with self._transaction():
            self._connection.execute(
                "insert into alerts (incident_id, event, created_at)"
                " select incident_id, 'reminder', ? from incidents join alerts using (incident_id)"
                " where recovered_at is null group by incident_id having max(created_at) <= ?",
                (_stamp(now), _stamp(now - REMIND_AFTER)),
            )

    def route(self, choose: Callable[[Alert, Collection[str]], Collection[str]], now: datetime) -> None:
        """Put each alert that has no route yet on its way to those that `choose` names.

        `choose` is given the routes that have heard of the incident. An alert that no route wants stays, and
        is asked about again.
        """
        with self._transaction():
            waiting = self._connection.execute(
                f"select alert_id, event, {INCIDENT} from alerts join incidents using (incident_id)"
                " where is_routed = 0 and (recovered_at is null or created_at >= ?) order by alert_id",
                (_stamp(now - TOO_OLD_TO_ROUTE),),
            ).fetchall()
            for alert in map(_alert, waiting):
                told = self._connection.execute(
                    "select distinct route from deliveries join alerts using (alert_id)"
                    " where incident_id = ?",
                    (alert.incident.incident_id,),
                )
                for name in choose(alert, [route for (route,) in told]):
                    self._connection.execute(
                        "insert into deliveries (alert_id, route, state, tries, next_try_at)"
                        " values (?, ?, 'pending', 0, ?)",
                        (alert.alert_id, name, _stamp(now)),
                    )
                    self._connection.execute(
                        "update alerts set is_routed = 1 where alert_id = ?", (alert.alert_id,)
                    )

    def claim(self, route: str, now: datetime) -> list[Alert]:
        """Alerts due on a route, oldest first, each with a try counted and its next one set."""
        with self._transaction():
            due = [found for found in self.deliveries("pending", route) if found.next_try_at <= now]
            self._connection.executemany(
                "update deliveries set tries = tries + 1, next_try_at = ? where alert_id = ? and route = ?",
                [(_stamp(now + delay(found.tries + 1)), found.alert.alert_id, route) for found in due],
            )
        return [found.alert for found in due]

    def tried(self, route: str, alerts: Sequence[Alert], reason: str | None, now: datetime) -> None:
        """Note that alerts arrived, or why not; after `MAX_TRIES` they are dead until somebody retries."""
        with self._transaction():
            self._connection.executemany(
                "update deliveries set reason = ?1, delivered_at = iif(?1 is null, ?2, null),"
                " state = case when ?1 is null then 'delivered' when tries >= ?3 then 'dead' else state end"
                " where alert_id = ?4 and route = ?5 and state <> 'delivered'",
                [(reason, _stamp(now), MAX_TRIES, alert.alert_id, route) for alert in alerts],
            )

    def retry_now(self, now: datetime) -> int:
        """Make dead deliveries pending again, and all pending ones due; returns how many were dead."""
        with self._transaction():
            dead = self._connection.execute(
                "update deliveries set state = 'pending', tries = 0 where state = 'dead'"
            ).rowcount
            self._connection.execute(
                "update deliveries set next_try_at = ? where state = 'pending'", (_stamp(now),)
            )
        return dead

    def deliveries(self, state: State, route: str | None = None) -> list[Delivery]:
        """Deliveries in a state, of one route or of all, oldest alert first."""
        rows = self._connection.execute(
            f"select route, state, tries, next_try_at, reason, alert_id, event, {INCIDENT}"
            " from deliveries join alerts using (alert_id) join incidents using (incident_id)"
            " where state = ? and route = coalesce(?, route) order by alert_id, route",
            (state, route),
        )
        return [
            Delivery(route, state, tries, datetime.fromisoformat(next_try_at), reason, _alert(alert))
            for route, state, tries, next_try_at, reason, *alert in rows
        ]

    def _write_alert(self, scope: str, key: str, event: Event, when: str) -> None:
        self._connection.execute(
            "insert into alerts (incident_id, event, created_at) select incident_id, ?, ?"
            " from incidents where scope = ? and key = ? and recovered_at is null",
            (event, when, scope, key),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One transaction; no other process writes at the same time."""
        self._connection.execute("begin immediate")
        with self._connection:
            yield


def delay(tries: int) -> timedelta:
    """Wait after this many tries: one minute, doubled each time, at most an hour."""
    doubled: timedelta = FIRST_DELAY * 2 ** (tries - 1)
    return min(doubled, LONGEST_DELAY)


def _stamp(moment: datetime) -> str:
    """A time in UTC and in one width, so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _alert(row: Sequence[Any]) -> Alert:
    alert_id, event, *incident = row
    return Alert(alert_id, event, _incident(incident))


def _incident(row: Sequence[Any]) -> Incident:
    incident_id, scope, opened_at, seen_at, recovered_at, *finding = row
    return Incident(
        incident_id,
        scope,
        Finding(*finding),
        datetime.fromisoformat(opened_at),
        datetime.fromisoformat(seen_at),
        datetime.fromisoformat(recovered_at) if recovered_at else None,
    )
