"""The alerts file: which alerts go where. Addresses are names of environment variables, not secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter

from orchestration.alerts.findings import Finding, Kind, Severity
from orchestration.core.declarations import Strict, friendly, read_yaml
from orchestration.core.errors import ConfigurationError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]


class Route(Strict):
    """Where alerts go, and which: each list that is given must hold the finding's word."""

    to: Variable
    severity: tuple[Severity, ...] | None = Field(None, min_length=1)
    owner: tuple[str, ...] | None = Field(None, min_length=1)
    kind: tuple[Kind, ...] | None = Field(None, min_length=1)

    def wants(self, finding: Finding) -> bool:
        """Whether alerts of this finding go here."""
        return (
            (self.severity is None or finding.severity in self.severity)
            and (self.owner is None or finding.owner in self.owner)
            and (self.kind is None or finding.kind in self.kind)
        )


def load_routes(path: Path) -> dict[str, Route]:
    """Read the alerts file: routes by name, none where it names none.

    Raises ConfigurationError that names file, route and key.
    """
    document = read_yaml(path, named_by="AIPL_ALERTS")
    routes = document.get("routes") if isinstance(document, dict) else None
    if not isinstance(routes, dict) or set(document) != {"routes"}:
        raise ConfigurationError(f"{path}: the file must hold one key, `routes`; {{}} where there is none.")
    return {name: _route(path, name, entry) for name, entry in routes.items()}


def _route(path: Path, name: object, entry: object) -> Route:
    with friendly(f"{path}: route {name}"):
        TypeAdapter(Name).validate_python(name)
        return Route.model_validate(entry)
