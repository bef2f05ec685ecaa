"""`aipl alerts`: open incidents, what people do about them, deliveries, and a test of the routes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from orchestration.commands.whole_help import Commands
from orchestration.core.account import account
from orchestration.core.errors import InputError
from orchestration.core.printable import counted
from orchestration.core.settings import Settings

if TYPE_CHECKING:
    from orchestration.alerts.delivery import Sent

INCIDENTS = click.argument("incidents", type=click.IntRange(min=1), nargs=-1, required=True)


@click.group(cls=Commands)
def alerts() -> None:
    """Show and handle incidents, send alerts. Routes are declared in AIPL_ALERTS (default: alerts.yml)."""


@alerts.command()
@click.option("--route", "only", help="Only this route.")
def test(only: str | None) -> None:
    """Send a test message on every route and report whether it was delivered."""
    from orchestration.alerts.delivery import send_test
    from orchestration.alerts.routes import load_alerts

    settings = Settings.from_environment()
    routes = load_alerts(settings.alerts_file).routes
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
    """List open incidents, what is muted, and undelivered alerts."""
    from orchestration.alerts.listing import listing

    click.echo(listing(Settings.from_environment()), nl=False)


@alerts.command()
@INCIDENTS
def ack(incidents: tuple[int, ...]) -> None:
    """Take incidents on, by number: no reminder and no escalation until one worsens or ends."""
    from orchestration.alerts.handling import acknowledge

    for one in acknowledge(Settings.from_environment(), incidents, _account(), datetime.now(UTC)):
        click.echo(f"Acknowledged by {one.acked_by}: {one.incident_id}: {one.finding.title}")


@alerts.command()
@INCIDENTS
@click.argument("until")
def snooze(incidents: tuple[int, ...], until: str) -> None:
    """Tell nothing of incidents until a time (4h, 2d, 2026-03-01, "2026-03-01 08:00"), then remind.

    The time is one of the schedule's zone. One that worsens or ends is told at once.
    """
    from orchestration.alerts.handling import snooze
    from orchestration.alerts.moments import said, schedule_zone

    settings = Settings.from_environment()
    for one in snooze(settings, incidents, until, _account(), datetime.now(UTC)):
        end = said(one.snoozed_until or one.seen_at, schedule_zone(settings))
        click.echo(f"Snoozed until {end}: {one.incident_id}: {one.finding.title}")


@alerts.command()
@click.option("--source", help="Findings about sources like this; * stands for anything.")
@click.option("--rule", help="Findings with keys like this, such as 'fct_fast.*'.")
@click.option("--owner", help="Findings of owners like this.")
@click.option("--until", required=True, help="A time as that of `snooze`.")
@click.option("--reason", required=True, help="Why; shown in `aipl alerts list` and `aipl status`.")
def mute(source: str | None, rule: str | None, owner: str | None, until: str, reason: str) -> None:
    """Tell nothing of findings like these until a time. What is still wrong then is told."""
    from orchestration.alerts.handling import mute
    from orchestration.alerts.moments import said, schedule_zone

    settings = Settings.from_environment()
    made = mute(settings, until, reason, _account(), datetime.now(UTC), source=source, rule=rule, owner=owner)
    end = said(made.until, schedule_zone(settings))
    click.echo(f"Muted until {end}. To end it: `aipl alerts unmute {made.mute_id}`.")


@alerts.command()
@click.argument("mute", type=click.IntRange(min=1))
def unmute(mute: int) -> None:
    """End a mute, by its number in `aipl alerts list`."""
    from orchestration.alerts.handling import unmute

    unmute(Settings.from_environment(), mute, datetime.now(UTC))
    click.echo(f"Mute {mute} has ended.")


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


def _account() -> str:
    return account() or "an unknown account"


def _tell(sent: list[Sent]) -> None:
    """Print one line per message. Raises InputError when one was not delivered."""

    for one in sent:
        count = f"{counted(one.alerts, 'alert')} " if one.alerts else ""
        click.echo(f"{one.route}: {count}{f'not delivered: {one.reason}' if one.reason else 'delivered'}")
    if lost := list(dict.fromkeys(one.route for one in sent if one.reason)):
        raise InputError(f"Not delivered on {', '.join(lost)}.")
    if not sent:
        click.echo("Nothing is due.")
