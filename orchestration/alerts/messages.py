"""Alert messages: one for everything due on a route, within the length that the service accepts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from orchestration.alerts.findings import Incident
from orchestration.alerts.outbox_tables import Alert

Tone = Literal["failure", "warning", "success", "info"]
MAX_DETAILED = 20
MORE = "... and {} more: `aipl alerts list` shows them all"


@dataclass(frozen=True)
class Message:
    """Plain text to send; services use `tone` to colour it."""

    title: str
    body: str
    tone: Tone


@dataclass(frozen=True)
class _Entry:
    """One incident in a message, with its events."""

    word: str
    incident: Incident

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """Sort key: open before resolved, critical before warning, old before new."""
        finding = self.incident.finding
        return (self.is_over, finding.severity == "warning", self.incident.incident_id)

    @property
    def is_over(self) -> bool:
        return "recovered" in self.word

    @property
    def headline(self) -> str:
        finding = self.incident.finding
        return f"{self.word.upper()}: {finding.severity}: {finding.title}"

    @property
    def details(self) -> str:
        incident, finding = self.incident, self.incident.finding
        since = f"since {said(incident.opened_at)}, last seen {said(incident.seen_at)}"
        lines = [self.headline, f"{since}; owner: {finding.owner}"]
        if incident.recovered_at and self.is_over:
            lines.append(f"recovered {said(incident.recovered_at)}")
        else:
            lines.append(finding.text)
            lines += [f"result: {finding.link}"] if finding.link else []
            lines += [f"what to do: {finding.runbook}"] if finding.runbook else []
        return "\n".join(lines)


def compose(alerts: Iterable[Alert], room: int, origin: str) -> Message:
    """One message about these alerts, each incident once, with a body of at most `room` characters.

    As many incidents are told in full as there is room for, the rest by their headline. `origin` names the
    warehouse.
    """
    entries = sorted(_entries(alerts), key=lambda entry: entry.rank)
    tone = _tone(entries)
    for detailed in range(min(len(entries), MAX_DETAILED), -1, -1):
        blocks = [entry.details for entry in entries[:detailed]]
        if rest := entries[detailed:]:
            blocks.append("\n".join(entry.headline for entry in rest))
        body = "\n\n".join([*blocks, origin])
        if len(body) <= room:
            return Message(_title(entries), body, tone)
    return Message(_title(entries), _cut([entry.headline for entry in entries], room, origin), tone)


def said(moment: datetime) -> str:
    """A time in UTC, as messages show it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _entries(alerts: Iterable[Alert]) -> list[_Entry]:
    events: dict[int, list[Alert]] = {}
    for alert in alerts:
        events.setdefault(alert.incident.incident_id, []).append(alert)
    return [_Entry(_word([alert.event for alert in told]), told[-1].incident) for told in events.values()]


def _word(events: Sequence[str]) -> str:
    """The state of one incident, in a word or two."""
    is_new, is_over = events[0] == "opened", events[-1] == "recovered"
    if is_new:
        return "new and recovered" if is_over else "new"
    if is_over:
        return "recovered"
    return "worse" if "worsened" in events else "still wrong"


def _title(entries: Sequence[_Entry]) -> str:
    if len(entries) == 1:
        return f"[aipl] {entries[0].headline}"
    wrong = [entry.incident.finding.severity for entry in entries if not entry.is_over]
    counts = {
        "critical": wrong.count("critical"),
        "warning": wrong.count("warning"),
        "recovered": len(entries) - len(wrong),
    }
    return "[aipl] " + ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def _tone(entries: Sequence[_Entry]) -> Tone:
    wrong = {entry.incident.finding.severity for entry in entries if not entry.is_over}
    if not wrong:
        return "success"
    return "failure" if "critical" in wrong else "warning"


def _cut(lines: Sequence[str], room: int, origin: str) -> str:
    """As many lines as fit, and the number of those left out."""
    left = room - len(MORE.format(len(lines))) - len(origin) - 4
    shown: list[str] = []
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        shown.append(line)
    return "\n".join([*shown, MORE.format(len(lines) - len(shown)), "", origin])
