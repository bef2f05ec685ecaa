"""The alerts file: which alerts go where, and when nobody wants any.

Addresses are names of environment variables, not secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AnyHttpUrl,
    BeforeValidator,
    Field,
    NaiveDatetime,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from orchestration.alerts.findings import Finding, Kind, Severity
from orchestration.alerts.moments import duration
from orchestration.core.declarations import Strict, friendly, read_yaml
from orchestration.core.errors import ConfigurationError
from orchestration.sources.schedule import Clock

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
# Services that keep incidents of their own.
Pager = Literal["pagerduty", "opsgenie"]


class Route(Strict):
    """Where alerts go, and which: each list that is given must hold the finding's word.

    `to` names the variable with the address: of `webhook` a URL, of a pager its key, else a URL of Apprise.
    `url` is the address of a pager that is not the usual one. A route with `after` is told of what nobody
    has acknowledged for so long, of critical incidents unless it says otherwise.
    """

    to: Variable
    format: Literal["text", "webhook", "pagerduty", "opsgenie"] = "text"
    url: AnyHttpUrl | None = None
    after: Annotated[timedelta, BeforeValidator(duration)] | None = None
    severity: tuple[Severity, ...] | None = Field(None, min_length=1)
    owner: tuple[str, ...] | None = Field(None, min_length=1)
    kind: tuple[Kind, ...] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _only_pagers_have_a_url(self) -> Self:
        if self.url and not self.is_pager:
            raise ValueError("`url` is for pagerduty and opsgenie; the others have it in their variable")
        return self

    @property
    def is_pager(self) -> bool:
        """Whether the service keeps incidents and reminds of them itself."""
        return self.format in get_args(Pager)

    def wants(self, finding: Finding) -> bool:
        """Whether alerts of this finding go here."""
        severity = self.severity or (("critical",) if self.after else None)
        return (
            (severity is None or finding.severity in severity)
            and (self.owner is None or finding.owner in self.owner)
            and (self.kind is None or finding.kind in self.kind)
        )


class Window(Strict):
    """When work is going on, and of what: each list that is given must hold the finding's word."""

    reason: str = Field(min_length=1)
    source: tuple[str, ...] | None = Field(None, min_length=1)
    owner: tuple[str, ...] | None = Field(None, min_length=1)

    def concerns(self, finding: Finding) -> bool:
        """Whether nothing is told of this finding meanwhile."""
        return (self.source is None or finding.subject.source in self.source) and (
            self.owner is None or finding.owner in self.owner
        )


class Once(Window):
    """From one moment of the schedule's zone to another."""

    begin: NaiveDatetime = Field(alias="from")
    end: NaiveDatetime = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begin >= self.end:
            raise ValueError("`from` must be before `to`")
        return self

    def contains(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether the work is going on at a moment."""
        return self.begin.replace(tzinfo=zone) <= moment < self.end.replace(tzinfo=zone)


class Weekly(Window):
    """The same hours every week; `to` is on the next day where it is not after `from`."""

    every: Weekday
    begin: Clock = Field(alias="from")
    end: Clock = Field(alias="to")

    def contains(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether the work is going on at a moment."""
        local = moment.astimezone(zone)
        return any(
            self._begins(day) <= local.replace(tzinfo=None) < self._ends(day)
            for day in (local.date(), local.date() - timedelta(days=1))
            if get_args(Weekday)[day.weekday()] == self.every
        )

    def _begins(self, day: date) -> datetime:
        return datetime.combine(day, self.begin)

    def _ends(self, day: date) -> datetime:
        return datetime.combine(day + timedelta(days=self.end <= self.begin), self.end)


@dataclass(frozen=True)
class AlertsFile:
    """Routes by name, and windows of maintenance."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    maintenance: tuple[Once | Weekly, ...] = ()


def load_alerts(path: Path) -> AlertsFile:
    """Read the alerts file. Raises ConfigurationError that names file, route and key."""
    document = read_yaml(path, named_by="AIPL_ALERTS")
    routes = document.get("routes") if isinstance(document, dict) else None
    if not isinstance(routes, dict) or not set(document) <= {"routes", "maintenance"}:
        raise ConfigurationError(
            f"{path}: the file must hold the key `routes`; {{}} where there is none. It may hold the key"
            " `maintenance`, and no other."
        )
    windows = document.get("maintenance") or []
    if not isinstance(windows, list):
        raise ConfigurationError(f"{path}: maintenance: must be a list; begin each window with `- `.")
    return AlertsFile(
        {name: _route(path, name, entry) for name, entry in routes.items()},
        tuple(_window(path, number, entry) for number, entry in enumerate(windows, 1)),
    )


def _route(path: Path, name: object, entry: object) -> Route:
    with friendly(f"{path}: route {name}"):
        TypeAdapter(Name).validate_python(name)
        return Route.model_validate(entry)


def _window(path: Path, number: int, entry: object) -> Once | Weekly:
    is_weekly = isinstance(entry, dict) and "every" in entry
    with friendly(f"{path}: maintenance, window {number}"):
        return (Weekly if is_weekly else Once).model_validate(entry)
