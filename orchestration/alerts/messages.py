"""Alert messages: one for what belongs together, within the length that the service accepts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal

from orchestration.alerts.findings import Alert, Ending, Finding, Incident
from orchestration.alerts.moments import said, told_duration
from orchestration.core.printable import shortened

Tone = Literal["failure", "warning", "success", "info"]
LONGEST_TITLE = 200
MAX_DETAILED = 20
MORE = "... and {} more: `aipl alerts list` shows them all"
ENDINGS: Mapping[Ending, str] = {
    "recovered": "recovered",
    "accepted": "accepted by hand",
    "unchecked": "no longer checked",
    "ended": "over",
}
SCOPES = {
    "run": "the nightly run",
    "freshness": "freshness of the release",
    "rollback": "the current release",
    "gate/marts": "the mart gate",
    "gate/release": "the mart gate, on what publishing adds",
}


@dataclass(frozen=True)
class Message:
    """Plain text to send; services use `tone` to colour it."""

    title: str
    body: str
    tone: Tone


@dataclass(frozen=True)
class Telling:
    """What every message says in the same way: the zone of times, places to read more, the warehouse."""

    zone: tzinfo
    places: Callable[[Finding], Mapping[str, str]]
    origin: str


@dataclass(frozen=True)
class News:
    """What there is to tell of one incident: `alerts`, oldest first."""

    alerts: tuple[Alert, ...]

    @property
    def incident(self) -> Incident:
        """As it stands now."""
        return self.alerts[-1].incident

    @property
    def is_over(self) -> bool:
        """Whether the incident has ended."""
        return self.incident.closed_at is not None

    @property
    def is_new(self) -> bool:
        """Whether nobody has heard of the incident before."""
        return self.alerts[0].event == "opened"

    @property
    def word(self) -> str:
        """The state of the incident, in a few words."""
        events = {alert.event for alert in self.alerts}
        if self.incident.closed_at:
            ending = ENDINGS[self.incident.end.word if self.incident.end else "recovered"]
            return f"new and {ending}" if self.is_new else ending
        if self.is_new:
            return "new"
        if "escalated" in events:
            return "not acknowledged"
        return "worse" if "worsened" in events else "still wrong"

    @property
    def headline(self) -> str:
        """Word, severity and title."""
        finding, end = self.incident.finding, self.incident.end
        reason = f" ({end.reason})" if end and end.reason and self.is_over else ""
        return f"{self.word.upper()}: {finding.severity}: {finding.title}{reason}"


def news_of(alerts: Iterable[Alert]) -> list[News]:
    """The alerts by incident, the gravest first, then the oldest."""
    found: dict[int, list[Alert]] = {}
    for alert in sorted(alerts, key=lambda alert: alert.alert_id):
        found.setdefault(alert.incident.incident_id, []).append(alert)
    news = [News(tuple(told)) for told in found.values()]
    return sorted(
        news, key=lambda one: (one.incident.finding.severity == "warning", one.incident.incident_id)
    )


def compose(alerts: Iterable[Alert], room: int, telling: Telling) -> Message:
    """One message about alerts that belong together, with a body of at most `room` characters.

    As many incidents are told in full as there is room for, the rest by their headline.
    """
    news = news_of(alerts)
    sizes = [(detailed, len(news)) for detailed in range(min(len(news), MAX_DETAILED), -1, -1)]
    sizes += [(0, named) for named in range(len(news) - 1, -1, -1)]
    body = ""
    for detailed, named in sizes:
        body = _body(news, detailed, named, telling)
        if len(body) <= room:
            break
    return Message(_title(news), body, _tone(news))


def details(one: News, telling: Telling) -> list[str]:
    """Lines below the headline: what is wrong, where, since when, how bad, and what to do."""
    incident, finding = one.incident, one.incident.finding
    since = said(incident.opened_at, telling.zone)
    lines = [f"incident {incident.incident_id}: {where(incident.scope)}; owner: {finding.owner}"]
    if incident.closed_at:
        until = said(incident.closed_at, telling.zone)
        lines.append(f"from {since} to {until}, {told_duration(incident.closed_at - incident.opened_at)}")
        lines += [f"how it ended: {incident.end.reason}"] if incident.end and incident.end.reason else []
    else:
        seen = said(incident.seen_at, telling.zone)
        lines.append(f"since {since}" + (f", last seen {seen}" if seen != since else ""))
    if not incident.closed_at or one.is_new:
        lines += finding.text.splitlines()
    if not incident.closed_at:
        lines += [f"effect: {finding.effect}"] if finding.effect else []
        lines += [f"to do: {finding.cure}"] if finding.cure else []
    if not incident.closed_at or one.is_new:
        lines += [f"{name}: {place}" for name, place in telling.places(finding).items()]
    return lines


def where(scope: str) -> str:
    """Who found it, in words."""
    if source := re.fullmatch("(gate/)?arrival/(.*)", scope):
        return f"{'the arrival gate of' if source[1] else 'arrival of'} {source[2]}"
    return SCOPES.get(scope, scope)


def _title(news: Sequence[News]) -> str:
    first, rest = news[0], len(news) - 1
    if not rest:
        return shortened(f"[aipl] {first.headline}", LONGEST_TITLE)
    counts = Counter(one.incident.finding.severity for one in news)
    told = " and ".join(f"{count} {word}" for word, count in counts.items())
    title = (
        f"[aipl] {first.word.upper()}: {told}, {where(first.incident.scope)}: {first.incident.finding.title}"
    )
    return f"{shortened(title, LONGEST_TITLE)}, and {rest} more"


def _tone(news: Sequence[News]) -> Tone:
    if all(one.is_over for one in news):
        return "warning" if any(one.is_new for one in news) else "success"
    return "failure" if any(one.incident.finding.severity == "critical" for one in news) else "warning"


def _body(news: Sequence[News], detailed: int, named: int, telling: Telling) -> str:
    """The first `detailed` incidents in full, up to `named` by headline, and the number of the rest.

    The headline of the only one is the title.
    """
    blocks = [
        "\n".join([*([one.headline] if len(news) > 1 else []), *details(one, telling)])
        for one in news[:detailed]
    ]
    lines = [one.headline for one in news[detailed:named]]
    if named < len(news):
        lines.append(MORE.format(len(news) - named))
    if lines:
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, *_handling(news), telling.origin])


def _handling(news: Sequence[News]) -> list[str]:
    """How to take the incidents on."""
    numbers = [str(one.incident.incident_id) for one in news if not one.is_over]
    if not numbers:
        return []
    shown = " ".join(numbers[:MAX_DETAILED])
    return [
        f"To take it on: `aipl alerts ack {shown}`; to be reminded later: `aipl alerts snooze {shown} 4h`"
    ]
