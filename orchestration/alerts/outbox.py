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

from orchestration.alerts.findings import (
    Alert,
    Delivery,
    End,
    Event,
    Fate,
    Finding,
    Incident,
    Mute,
    State,
)
from orchestration.alerts.schema import (
    FORMAT,
    INCIDENT,
    MUTE,
    SCHEMA,
    SEEN,
    UPGRADES,
    alert_of,
    finding_row,
    incident_of,
    mute_of,
    stamp,
)
from orchestration.core.errors import InputError
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

    Raises EnvironmentStop when a newer program wrote it, and sqlite3.Error when a `read_only` one is not
    there, or an older program wrote it.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        mode = "ro" if read_only else "rwc"
        address = f"{path.absolute().as_uri()}?mode={mode}"
        self._connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=60)
        try:
            migrate(self._connection, path, FORMAT, SCHEMA, UPGRADES)
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

    @property
    def warehouse(self) -> str:
        """A name that tells this warehouse from others, and stays when it moves."""
        ((name,),) = self._connection.execute("select name from warehouse")
        return str(name)

    def open_incidents(self, scope: str | None = None) -> list[Incident]:
        """Open incidents of a scope, or all of them, oldest first."""
        rows = self._connection.execute(
            f"select {INCIDENT} from incidents where closed_at is null and scope = coalesce(?, scope)"
            " order by incident_id",
            (scope,),
        )
        return [incident_of(row) for row in rows]

    def observe(self, scope: str, findings: Sequence[Finding], now: datetime, fate: Fate) -> None:
        """Make `findings` the open incidents of a scope; write an alert where one opens, worsens or closes.

        `fate` is asked about each open incident that is not among them.
        Raises ValueError when two findings share a key: one of them would be lost.
        """
        found = {finding.key: finding for finding in findings}
        if len(found) < len(findings):
            keys = [finding.key for finding in findings]
            raise ValueError(f"Two findings are named {max(keys, key=keys.count)}.")
        with self._transaction():
            known = {incident.finding.key: incident for incident in self.open_incidents(scope)}
            for key, finding in found.items():
                self._connection.execute(SEEN, finding_row(finding) | {"scope": scope, "now": stamp(now)})
                if key not in known:
                    self._write_alert(self._open_id(scope, key), "opened", now)
                elif (known[key].finding.severity, finding.severity) == ("warning", "critical"):
                    self._worsen(known[key].incident_id, now)
            for key, incident in known.items():
                if key not in found and (end := fate(incident)):
                    self._end(incident, end, now)

    def end(self, choose: Callable[[Incident], End | None], now: datetime) -> None:
        """Close the open incidents for which `choose` says how they ended, of whatever scope."""
        with self._transaction():
            for incident in self.open_incidents():
                if end := choose(incident):
                    self._end(incident, end, now)

    def acknowledge(self, incident_ids: Collection[int], by: str, now: datetime) -> list[Incident]:
        """Note who takes incidents on; returns them. Raises InputError when one is not open."""
        return self._handle(incident_ids, "acked_at = ?, acked_by = ?", (stamp(now), by))

    def snooze(self, incident_ids: Collection[int], until: datetime, by: str) -> list[Incident]:
        """Tell nothing of incidents until then; returns them. Raises InputError when one is not open."""
        columns = "acked_at = null, acked_by = null, snoozed_until = ?, snoozed_by = ?"
        return self._handle(incident_ids, columns, (stamp(until), by))

    def mute(self, mute: Mute) -> Mute:
        """Keep a mute; returns it with its number."""
        row = (stamp(mute.made_at), stamp(mute.until), mute.by, mute.reason, mute.source, mute.rule)
        cursor = self._connection.execute(
            "insert into mutes (made_at, until, by, reason, source, rule, owner)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (*row, mute.owner),
        )
        return next(kept for kept in self.mutes() if kept.mute_id == cursor.lastrowid)

    def unmute(self, mute_id: int, now: datetime) -> None:
        """End a mute now. Raises InputError when there is none of this number that is in force."""
        ended = self._connection.execute(
            "update mutes set until = ?1 where mute_id = ?2 and until > ?1", (stamp(now), mute_id)
        )
        if not ended.rowcount:
            raise InputError(f"No mute {mute_id} is in force. `aipl alerts list` shows those that are.")

    def mutes(self) -> list[Mute]:
        """All mutes that ever were, oldest first."""
        rows = self._connection.execute(f"select {MUTE} from mutes order by mute_id")
        return [mute_of(row) for row in rows]

    def remind(self, now: datetime, is_quiet: Callable[[Incident], bool]) -> None:
        """Write a reminder of each open incident without an alert for `REMIND_AFTER`, or awake from a snooze.

        None of what somebody has acknowledged, or is quiet now.
        """
        with self._transaction():
            rows = self._connection.execute(
                f"select max(created_at), {INCIDENT} from incidents join alerts using (incident_id)"
                " where closed_at is null and acked_at is null group by incident_id"
            ).fetchall()
            for last, *row in rows:
                incident = incident_of(row)
                told, until = datetime.fromisoformat(last), incident.snoozed_until
                is_awake = until is not None and told < until <= now
                if (is_awake or told <= now - REMIND_AFTER) and not is_quiet(incident):
                    self._write_alert(incident.incident_id, "reminder", now)

    def route(
        self,
        choose: Callable[[Alert, Collection[str]], Collection[str]],
        is_moot: Callable[[Incident], bool],
        now: datetime,
    ) -> None:
        """Put each alert that has no route yet on its way to those that `choose` names.

        `choose` is given the routes that have heard of the incident. An alert that no route wants stays, and
        is asked about again; one of an incident that `is_moot` and was told to nobody never is.
        """
        with self._transaction():
            waiting = self._connection.execute(
                f"select alert_id, event, {INCIDENT} from alerts join incidents using (incident_id)"
                " where is_routed = 0 and (closed_at is null or created_at >= ?) order by alert_id",
                (stamp(now - TOO_OLD_TO_ROUTE),),
            ).fetchall()
            for alert in map(alert_of, waiting):
                told = self.told(alert.incident.incident_id)
                if not told and is_moot(alert.incident):
                    self._mark_routed(alert.alert_id)
                    continue
                for name in choose(alert, told):
                    self._put_on_route(alert.alert_id, name, now)

    def told(self, incident_id: int) -> list[str]:
        """Routes that an incident was put on."""
        rows = self._connection.execute(
            "select distinct route from deliveries join alerts using (alert_id) where incident_id = ?",
            (incident_id,),
        )
        return [route for (route,) in rows]

    def heard_at(self, incident_id: int) -> datetime | None:
        """When an incident, as bad as it is, first arrived on a route, or was put on one; None if on none."""
        ((heard,),) = self._connection.execute(
            "select coalesce(min(delivered_at), min(coalesce(routed_at, created_at)))"
            " from deliveries join alerts using (alert_id) where incident_id = ?1 and alert_id >= ("
            " select coalesce(max(alert_id), 0) from alerts where incident_id = ?1 and event = 'worsened')",
            (incident_id,),
        )
        return datetime.fromisoformat(heard) if heard else None

    def escalate(self, incident_id: int, route: str, now: datetime) -> None:
        """Tell one more route of an open incident."""
        with self._transaction():
            self._put_on_route(self._write_alert(incident_id, "escalated", now), route, now)

    def waiting(self, route: str) -> list[Delivery]:
        """Pending deliveries of a route, oldest alert first."""
        return self.deliveries("pending", route)

    def claim(self, route: str, deliveries: Iterable[Delivery], now: datetime) -> list[Alert]:
        """The alerts of these deliveries, each with a try counted and the next set; none if another did so.

        They belong together, so that all are claimed or none.
        """
        with self._transaction():
            found = {one.alert.alert_id: one for one in self.waiting(route)}
            wanted = {one.alert.alert_id: one.tries for one in deliveries}
            if any(alert not in found or found[alert].tries != tries for alert, tries in wanted.items()):
                return []
            self._connection.executemany(
                "update deliveries set tries = tries + 1, next_try_at = ? where alert_id = ? and route = ?",
                [(stamp(now + delay(tries + 1)), alert, route) for alert, tries in wanted.items()],
            )
        return [found[alert].alert for alert in sorted(wanted)]

    def tried(self, route: str, alerts: Sequence[Alert], reason: str | None, now: datetime) -> None:
        """Note that alerts arrived, or why not; after `MAX_TRIES` they are dead until somebody retries."""
        with self._transaction():
            self._connection.executemany(
                "update deliveries set reason = ?1, delivered_at = iif(?1 is null, ?2, null),"
                " state = case when ?1 is null then 'delivered' when tries >= ?3 then 'dead' else state end"
                " where alert_id = ?4 and route = ?5 and state <> 'delivered'",
                [(reason, stamp(now), MAX_TRIES, alert.alert_id, route) for alert in alerts],
            )

    def drop(self, route: str, deliveries: Iterable[Delivery]) -> None:
        """Never send these: there is nothing left to tell."""
        with self._transaction():
            self._connection.executemany(
                "update deliveries set state = 'dropped' where alert_id = ? and route = ?"
                " and state = 'pending'",
                [(one.alert.alert_id, route) for one in deliveries],
            )

    def retry_now(self, now: datetime) -> int:
        """Make dead deliveries pending again, and all pending ones due; returns how many were dead."""
        with self._transaction():
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
            Delivery(route, state, tries, datetime.fromisoformat(next_try_at), reason, alert_of(alert))
            for route, state, tries, next_try_at, reason, *alert in rows
        ]

    def _open_id(self, scope: str, key: str) -> int:
        ((incident_id,),) = self._connection.execute(
            "select incident_id from incidents where scope = ? and key = ? and closed_at is null",
            (scope, key),
        )
        return int(incident_id)

    def _worsen(self, incident_id: int, now: datetime) -> None:
        """An acknowledged or snoozed warning that became critical is neither any more."""
        self._connection.execute(
            "update incidents set acked_at = null, acked_by = null, snoozed_until = null, snoozed_by = null"
            " where incident_id = ?",
            (incident_id,),
        )
        self._write_alert(incident_id, "worsened", now)

    def _end(self, incident: Incident, end: End, now: datetime) -> None:
        self._write_alert(incident.incident_id, "closed", now)
        self._connection.execute(
            "update incidents set closed_at = ?, ending = ?, ending_reason = ? where incident_id = ?",
            (stamp(now), end.word, end.reason, incident.incident_id),
        )

    def _handle(self, incident_ids: Collection[int], columns: str, values: tuple[str, str]) -> list[Incident]:
        with self._transaction():
            known = {incident.incident_id for incident in self.open_incidents()}
            if missing := sorted(set(incident_ids) - known):
                raise InputError(
                    f"No incident {missing[0]} is open. `aipl alerts list` shows those that are."
                )
            self._connection.executemany(
                f"update incidents set {columns} where incident_id = ?",
                [(*values, incident_id) for incident_id in incident_ids],
            )
        return [one for one in self.open_incidents() if one.incident_id in incident_ids]

    def _write_alert(self, incident_id: int, event: Event, now: datetime) -> int:
        cursor = self._connection.execute(
            "insert into alerts (incident_id, event, created_at) values (?, ?, ?)",
            (incident_id, event, stamp(now)),
        )
        return int(cursor.lastrowid or 0)

    def _put_on_route(self, alert_id: int, route: str, now: datetime) -> None:
        self._connection.execute(
            "insert into deliveries (alert_id, route, state, tries, next_try_at, routed_at)"
            " values (?1, ?2, 'pending', 0, ?3, ?3)",
            (alert_id, route, stamp(now)),
        )
        self._mark_routed(alert_id)

    def _mark_routed(self, alert_id: int) -> None:
        self._connection.execute("update alerts set is_routed = 1 where alert_id = ?", (alert_id,))

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
