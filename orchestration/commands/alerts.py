"""`aipl alerts`: what is wrong, who has been told, and whether the routes work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orchestration.alerts.delivery import Sent


@click.group()
def alerts() -> None:
    """Incidents, and the alerts about them; routes are declared in AIPL_ALERTS (default: alerts.yml)."""


@alerts.command()
@click.option("--route", "only", help="Only this route.")
def test(only: str | None) -> None:
    """Send a test message on every route now, and say whether it arrived."""
    from orchestration.alerts.delivery import send_test
    from orchestration.alerts.routes import load_routes
    from orchestration.core.errors import InputError
    from orchestration.core.settings import Settings

    settings = Settings.from_environment()
    routes = load_routes(settings.alerts_file)
    if only is not None and only not in routes:
        known = ", ".join(routes) or "none"
        raise InputError(f"There is no route {only} in {settings.alerts_file}. It declares: {known}.")
    if not routes:
        raise InputError(f"{settings.alerts_file} declares no routes. docs/alerts.md says how to write one.")
    names = [only] if only else list(routes)
    _tell([send_test(settings, name, routes[name], datetime.now(UTC)) for name in names])


@alerts.command("list")
def list_() -> None:
    """Open incidents, and alerts that did not arrive."""
    from orchestration.alerts.listing import listing
    from orchestration.core.settings import Settings

    click.echo(listing(Settings.from_environment()), nl=False)


@alerts.command()
def deliver() -> None:
    """Send what is due, as Dagster's sensor does: for a scheduler of yours."""
    from orchestration.alerts.delivery import deliver
    from orchestration.core.settings import Settings

    _tell(deliver(Settings.from_environment(), datetime.now(UTC)))


@alerts.command()
def retry() -> None:
    """Try all that did not arrive again now, also what was given up."""
    from orchestration.alerts.delivery import deliver
    from orchestration.alerts.outbox import Outbox
    from orchestration.core.settings import Settings

    settings, now = Settings.from_environment(), datetime.now(UTC)
    with Outbox(settings.alerts) as outbox:
        click.echo(f"{outbox.retry_now(now)} alerts that were given up are tried again.")
    _tell(deliver(settings, now))


def _tell(sent: list[Sent]) -> None:
    """A line a route. Raises InputError when a message did not arrive."""
    from orchestration.core.errors import InputError

    for one in sent:
        count = f"{one.alerts} alerts " if one.alerts else ""
        click.echo(f"{one.route}: {count}{f'not delivered: {one.reason}' if one.reason else 'delivered'}")
    if lost := [one.route for one in sent if one.reason]:
        raise InputError(f"Not delivered on {', '.join(lost)}.")
    if not sent:
        click.echo("Nothing is due.")
