"""`aipl alerts`: open incidents, deliveries, and a test of the routes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orchestration.core.errors import InputError
from orchestration.core.printable import counted
from orchestration.core.settings import Settings

if TYPE_CHECKING:
    from orchestration.alerts.delivery import Sent


@click.group()
def alerts() -> None:
    """Show incidents and send alerts. Routes are declared in AIPL_ALERTS (default: alerts.yml)."""


@alerts.command()
@click.option("--route", "only", help="Only this route.")
def test(only: str | None) -> None:
    """Send a test message on every route and report whether it was delivered."""
    from orchestration.alerts.delivery import send_test
    from orchestration.alerts.routes import load_routes

    settings = Settings.from_environment()
    routes = load_routes(settings.alerts_file)
    if only is not None and only not in routes:
        known = ", ".join(routes) or "none"
        raise InputError(f"There is no route {only} in {settings.alerts_file}. It declares: {known}.")
    if not routes:
        raise InputError(
            f"{settings.alerts_file} declares no routes. See docs/alerts.md for how to write one."
        )
    names = [only] if only else list(routes)
    _tell([send_test(settings, name, routes[name], datetime.now(UTC)) for name in names])


@alerts.command("list")
def list_() -> None:
    """List open incidents and undelivered alerts."""
    from orchestration.alerts.listing import listing

    click.echo(listing(Settings.from_environment()), nl=False)


@alerts.command()
def deliver() -> None:
    """Send the alerts that are due, as the Dagster sensor does; for use with your own scheduler."""
    from orchestration.alerts.delivery import deliver

    _tell(deliver(Settings.from_environment(), datetime.now(UTC)))


@alerts.command()
def retry() -> None:
    """Retry all undelivered alerts now, including those that were given up."""
    from orchestration.alerts.delivery import deliver
    from orchestration.alerts.outbox import Outbox

    settings, now = Settings.from_environment(), datetime.now(UTC)
    with Outbox(settings.alerts) as outbox:
        click.echo(f"Retrying {counted(outbox.retry_now(now), 'alert')} that had been given up.")
    _tell(deliver(settings, now))


def _tell(sent: list[Sent]) -> None:
    """Print one line per route. Raises InputError when a message was not delivered."""

    for one in sent:
        count = f"{counted(one.alerts, 'alert')} " if one.alerts else ""
        click.echo(f"{one.route}: {count}{f'not delivered: {one.reason}' if one.reason else 'delivered'}")
    if lost := [one.route for one in sent if one.reason]:
        raise InputError(f"Not delivered on {', '.join(lost)}.")
    if not sent:
        click.echo("Nothing is due.")
