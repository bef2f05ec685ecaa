"""The outbox: incidents, their alerts and the deliveries per route, in one SQLite file.

An alert is written before anything is sent, in the transaction that opens or closes its incident. A try is
counted, and the next one set, before the message leaves; "delivered" is written after. So a process killed in
between sends again after the back-off: an alert may come twice, it is never lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from orchestration.alerts.findings import Event, Finding, Incident
from orchestration.alerts.outbox_tables import (
    FINDING,
    FORMAT,
    INCIDENT,
    SCHEMA,
    Alert,
    Delivery,
    State,
    read_incident,
    stamp,
)
from orchestration.core.versions import migrate

MAX_TRIES = 20
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)
# A little less than a day, or a nightly run would find yesterday's alert some minutes too young.
REMIND_AFTER = timedelta(hours=20)
# When the first route comes, nobody wants to hear of all that broke and healed before it.
TOO_OLD_TO_ROUTE = timedelta(days=1)


class Outbox:
    """The outbox file; opened on creation, closed by `close` or at the end of a `with` block.

    Raises EnvironmentStop when a newer program wrote it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        try:
            migrate(self._connection, path, FORMAT, SCHEMA, {})
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

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One transaction; no other process writes at the same time."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def open_incidents(self, scope: str | None = None) -> list[Incident]:
        """Open incidents of a scope, or all of them, oldest first."""
        rows = self._connection.execute(
            f"select {INCIDENT} from incidents where recovered_at is null and scope = coalesce(?, scope)"
            " order by incident_id",
            (scope,),
        )
        return [read_incident(row) for row in rows]

    def write(self, scope: str, events: Iterable[tuple[Event, Finding]], now: datetime) -> None:
        """Update the incidents of a scope and write an alert for each event that is reported."""
        when = stamp(now)
        for event, finding in events:
            if event == "opened":
                names = ["scope", *FINDING, "opened_at", "seen_at"]
                values = [scope, *(getattr(finding, name) for name in FINDING), when, when]
                marks = ", ".join("?" * len(names))
                self._connection.execute(
                    f"insert into incidents ({', '.join(names)}) values ({marks})", values
                )
            elif event != "recovered":
                sets = ", ".join(f"{name} = ?" for name in FINDING)
                self._connection.execute(
                    f"update incidents set {sets}, seen_at = ?"
                    " where scope = ? and key = ? and recovered_at is null",
                    (*(getattr(finding, name) for name in FINDING), when, scope, finding.key),
                )
            if event != "known":
                self._connection.execute(
                    "insert into alerts (incident_id, event, created_at) select incident_id, ?, ?"
                    " from incidents where scope = ? and key = ? and recovered_at is null",
                    (event, when, scope, finding.key),
                )
            if event == "recovered":
                self._connection.execute(
                    "update incidents set recovered_at = ?"
                    " where scope = ? and key = ? and recovered_at is null",
                    (when, scope, finding.key),
                )

    def remind(self, now: datetime) -> None:
        """Write a reminder of each open incident without an alert for `REMIND_AFTER`."""
        with self.transaction():
            self._connection.execute(
                "insert into alerts (incident_id, event, created_at)"
                " select incident_id, 'reminder', ? from incidents join alerts using (incident_id)"
                " where recovered_at is null group by incident_id having max(created_at) <= ?",
                (stamp(now), stamp(now - REMIND_AFTER)),
            )

    def route(self, choose: Callable[[Alert, Collection[str]], Collection[str]], now: datetime) -> None:
        """Put each alert that has no route yet on its way to those that `choose` names.

        `choose` is given the routes that have heard of the incident. An alert that no route wants stays, and
        is asked about again.
        """
        with self.transaction():
            waiting = self._connection.execute(
                f"select alert_id, event, {INCIDENT} from alerts join incidents using (incident_id)"
                " where is_routed = 0 and (recovered_at is null or created_at >= ?) order by alert_id",
                (stamp(now - TOO_OLD_TO_ROUTE),),
            ).fetchall()
            for row in waiting:
                alert = Alert(row[0], row[1], read_incident(row[2:]))
                for name in choose(alert, self._told(alert.incident.incident_id)):
                    self._connection.execute(
                        "insert into deliveries (alert_id, route, state, tries, next_try_at)"
                        " values (?, ?, 'pending', 0, ?)",
                        (alert.alert_id, name, stamp(now)),
                    )
                    self._connection.execute(
                        "update alerts set is_routed = 1 where alert_id = ?", (alert.alert_id,)
                    )

    def claim(self, route: str, now: datetime) -> list[Alert]:
        """Alerts due on a route, oldest first, each with a try counted and its next one set."""
        with self.transaction():
            due = [found for found in self.deliveries("pending", route) if found.next_try_at <= now]
            self._connection.executemany(
                "update deliveries set tries = tries + 1, next_try_at = ? where alert_id = ? and route = ?",
                [(stamp(now + delay(found.tries + 1)), found.alert.alert_id, route) for found in due],
            )
        return [found.alert for found in due]

    def delivered(self, route: str, alerts: Sequence[Alert], now: datetime) -> None:
        """Alerts that arrived."""
        with self.transaction():
            self._connection.executemany(
                "update deliveries set state = 'delivered', reason = null, delivered_at = ?"
                " where alert_id = ? and route = ?",
                [(stamp(now), alert.alert_id, route) for alert in alerts],
            )

    def failed(self, route: str, alerts: Sequence[Alert], reason: str) -> None:
        """Alerts whose try failed; after `MAX_TRIES` they are dead, until a person revives them."""
        with self.transaction():
            self._connection.executemany(
                "update deliveries set reason = ?, state = case when tries >= ? then 'dead' else state end"
                " where alert_id = ? and route = ? and state = 'pending'",
                [(reason, MAX_TRIES, alert.alert_id, route) for alert in alerts],
            )

    def retry_now(self, now: datetime) -> int:
        """Make dead deliveries pending again, and all pending ones due; returns how many were dead."""
        with self.transaction():
            dead = self._connection.execute(
                "update deliveries set state = 'pending', tries = 0 where state = 'dead'"
            ).rowcount
            self._connection.execute(
                "update deliveries set next_try_at = ? where state = 'pending'", (stamp(now),)
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
            Delivery(
                alert=Alert(row[5], row[6], read_incident(row[7:])),
                route=row[0],
                state=row[1],
                tries=row[2],
                next_try_at=datetime.fromisoformat(row[3]),
                reason=row[4],
            )
            for row in rows
        ]

    def _told(self, incident_id: int) -> list[str]:
        rows = self._connection.execute(
            "select distinct route from deliveries join alerts using (alert_id) where incident_id = ?",
            (incident_id,),
        )
        return [route for (route,) in rows]


def delay(tries: int) -> timedelta:
    """Wait after this many tries: one minute, doubled each time, at most an hour."""
    doubled: timedelta = FIRST_DELAY * 2 ** (tries - 1)
    return min(doubled, LONGEST_DELAY)
