"""Where to read more of a finding: addresses that open from anywhere, where the settings name a server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from orchestration.alerts.findings import Finding
from orchestration.core.settings import Settings


def places(settings: Settings, finding: Finding) -> dict[str, str]:
    """By name (`report` or `log`, `run`, `runbook`, `dashboard`): a URL, or a place on this machine.

    `AIPL_URL` serves `reports/` of the home; a log stays where it is.
    """
    run, link = finding.subject.run, finding.link
    is_log = link is not None and link.endswith(".log")
    found = {
        "report": _report(settings, link) if link and not is_log else None,
        "log": link if is_log else None,
        "run": _below(settings.dagster_url, f"runs/{run}", f"{run} in Dagster") if run else None,
        "runbook": _runbook(settings, finding.runbook) if finding.runbook else None,
        "dashboard": _below(settings.url, "quality", "") if settings.url else None,
    }
    return {name: place for name, place in found.items() if place}


def _report(settings: Settings, link: str) -> str:
    path = Path(link)
    if not path.is_relative_to(settings.reports):
        return link
    return _below(settings.url, f"reports/{quote(path.relative_to(settings.reports).as_posix())}", link)


def _runbook(settings: Settings, page: str) -> str:
    return _below(settings.docs_url, page.removeprefix("docs/"), page)


def _below(base: str, path: str, otherwise: str) -> str:
    return f"{base}/{path}" if base else otherwise
