"""Events for programs: the documented JSON of webhooks, and the formats of PagerDuty and Opsgenie.

An incident has one key on every route and for as long as it lasts, so that services recognise it: they are
told that it began, that it became worse, and that it is over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from orchestration.alerts.messages import News, where
from orchestration.alerts.routes import Route
from orchestration.core.printable import shortened

# https://developer.pagerduty.com/docs/events-api-v2/trigger-events/: at most 255 and 1024 characters.
PAGERDUTY, LONGEST_KEY, LONGEST_SUMMARY = "https://events.pagerduty.com", 255, 1024
# https://docs.opsgenie.com/docs/alert-api: at most 130 and 15,000 characters.
OPSGENIE, LONGEST_TITLE, LONGEST_DESCRIPTION = "https://api.opsgenie.com", 130, 15_000
VERSION = 1


@dataclass(frozen=True)
class Request:
    """One HTTP request with a JSON body."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Origin:
    """The warehouse that an event comes from: its lasting name, its home, and the machine."""

    name: str
    home: str
    host: str


def requests_for(
    route: Route, address: str, news: News, places: Mapping[str, str], origin: Origin
) -> list[Request]:
    """What to send to a route about one incident, in this order; `address` is what its variable holds."""
    document = event(news, places, origin)
    if route.format == "pagerduty":
        return [_pagerduty(str(route.url or PAGERDUTY).rstrip("/"), address, document)]
    if route.format == "opsgenie":
        return _opsgenie(str(route.url or OPSGENIE).rstrip("/"), address, document)
    return [Request(address, document)]


def event(news: News, places: Mapping[str, str], origin: Origin) -> dict[str, Any]:
    """The document of a webhook: see docs/alerts.md."""
    incident, finding = news.incident, news.incident.finding
    subject, end = finding.subject, incident.end
    return {
        "version": VERSION,
        "key": incident_key(origin.name, incident.scope, finding.key),
        "incident": incident.incident_id,
        "status": "resolved" if news.is_over else "triggered",
        "event": "opened" if news.is_new and not news.is_over else news.alerts[-1].event,
        "ending": end.word if end else None,
        "ending_reason": (end.reason or None) if end else None,
        "severity": finding.severity,
        "kind": finding.kind,
        "owner": finding.owner,
        "found_by": where(incident.scope),
        "source": subject.source,
        "brands": list(subject.brands),
        "table": subject.table,
        "rule": subject.rule,
        "load_dates": [day.isoformat() for day in subject.load_dates],
        "unexpected_count": subject.unexpected,
        "title": finding.title,
        "text": finding.text,
        "effect": finding.effect or None,
        "cure": finding.cure or None,
        "opened_at": _stamp(incident.opened_at),
        "seen_at": _stamp(incident.seen_at),
        "closed_at": _stamp(incident.closed_at) if incident.closed_at else None,
        "links": dict(places),
        "warehouse": {"name": origin.name, "home": origin.home, "host": origin.host},
    }


def incident_key(warehouse: str, scope: str, key: str) -> str:
    """The same whenever the same thing is wrong in the same warehouse; at most 255 characters."""
    whole = f"aipl:{warehouse}:{scope}:{key}"
    if len(whole) <= LONGEST_KEY:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return f"{whole[: LONGEST_KEY - 17]}~{digest}"


def _pagerduty(base: str, routing_key: str, document: Mapping[str, Any]) -> Request:
    url = f"{base}/v2/enqueue"
    told = {"routing_key": routing_key, "dedup_key": document["key"]}
    if document["status"] == "resolved":
        return Request(url, told | {"event_action": "resolve"})
    links = _links(document)
    return Request(
        url,
        told
        | {
            "event_action": "trigger",
            "payload": {
                "summary": shortened(document["title"], LONGEST_SUMMARY),
                "source": document["warehouse"]["home"],
                "severity": document["severity"],
                "timestamp": document["opened_at"],
                "component": document["table"] or document["source"] or document["found_by"],
                "group": document["owner"],
                "class": document["kind"],
                "custom_details": _facts(document),
            },
            "links": [{"href": url, "text": name} for name, url in links.items()],
            "client": f"aipl on {document['warehouse']['host']}",
            **({"client_url": links["dashboard"]} if "dashboard" in links else {}),
        },
    )


def _opsgenie(base: str, key: str, document: Mapping[str, Any]) -> list[Request]:
    url, headers = f"{base}/v2/alerts", {"Authorization": f"GenieKey {key}"}
    of_alias = f"{url}/{quote(document['key'], safe='')}"
    by_alias = "identifierType=alias"
    if document["status"] == "resolved":
        note = ": ".join(part for part in (document["ending"], document["ending_reason"]) if part)
        return [Request(f"{of_alias}/close?{by_alias}", {"source": "aipl", "note": note}, headers)]
    priority = "P1" if document["severity"] == "critical" else "P3"
    facts = _facts(document)
    create = {
        "message": shortened(document["title"], LONGEST_TITLE),
        "alias": document["key"],
        "description": shortened(
            "\n".join(f"{name}: {fact}" for name, fact in facts.items()), LONGEST_DESCRIPTION
        ),
        "priority": priority,
        "tags": [document["kind"], document["severity"], document["owner"]],
        "details": {**facts, **_links(document)},
        "entity": document["table"] or document["source"] or document["found_by"],
        "source": "aipl",
    }
    requests = [Request(url, create, headers)]
    if document["event"] == "worsened":
        # An alert that is already there only counts the new one and keeps its priority.
        requests.append(Request(f"{of_alias}/priority?{by_alias}", {"priority": priority}, headers, "PUT"))
    return requests


def _facts(document: Mapping[str, Any]) -> dict[str, str]:
    """What there is to know of an incident, as text."""
    names = ("text", "effect", "cure", "owner", "found_by", "source", "table", "rule", "incident")
    facts = {name: str(document[name]) for name in names if document[name] is not None}
    for name in ("brands", "load_dates"):
        if document[name]:
            facts[name] = ", ".join(document[name])
    return facts | {name: place for name, place in document["links"].items() if not _is_url(place)}


def _links(document: Mapping[str, Any]) -> dict[str, str]:
    return {name: place for name, place in document["links"].items() if _is_url(place)}


def _is_url(place: str) -> bool:
    return re.match("https?://", place) is not None


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
