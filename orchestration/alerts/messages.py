"""Alert messages: one for everything due on a route, within the length that the service accepts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from orchestration.alerts.findings import Alert, Finding, Incident

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
            lines += [finding.text, *places(finding)]
        return "\n".join(lines)


def compose(alerts: Iterable[Alert], room: int, origin: str) -> Message:
    """One message about these alerts, each incident once, with a body of at most `room` characters.

    As many incidents are told in full as there is room for, the rest by their headline. `origin` names the
    warehouse.
    """
    entries = sorted(_entries(alerts), key=lambda entry: entry.rank)
    sizes = [(detailed, len(entries)) for detailed in range(min(len(entries), MAX_DETAILED), -1, -1)]
    sizes += [(0, named) for named in range(len(entries) - 1, -1, -1)]
    body = ""
    for detailed, named in sizes:
        body = _body(entries, detailed, named, origin)
        if len(body) <= room:
            break
    return Message(_title(entries), body, _tone(entries))


def said(moment: datetime) -> str:
    """A time in UTC, as messages show it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def places(finding: Finding) -> list[str]:
    """Where to read more of a finding, in a line each."""
    told = {"result": finding.link, "what to do": finding.runbook}
    return [f"{name}: {place}" for name, place in told.items() if place]


def _entries(alerts: Iterable[Alert]) -> list[_Entry]:
    events: dict[int, list[Alert]] = {}
    for alert in alerts:
        events.setdefault(alert.incident.incident_id, []).append(alert)
    return [_Entry(_word([alert.event for alert in told]), told[-1].incident) for told in events.values()]


def _word(events: Sequence[str]) -> str:
    """The state of one incident, in a word or two."""
    ends = ["new"] if events[0] == "opened" else []
    ends += ["recovered"] if events[-1] == "recovered" else []
    return " and ".join(ends) or ("worse" if "worsened" in events else "still wrong")


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
    return "failure" if "critical" in wrong else "warning" if wrong else "success"


def _body(entries: Sequence[_Entry], detailed: int, named: int, origin: str) -> str:
    """The first `detailed` entries in full, those up to `named` by headline, and the number of the rest."""
    blocks = [entry.details for entry in entries[:detailed]]
    lines = [entry.headline for entry in entries[detailed:named]]
    if named < len(entries):
        lines.append(MORE.format(len(entries) - named))
    if lines:
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, origin])
