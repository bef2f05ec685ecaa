"""`aipl mirror`: the current release in PostgreSQL."""

from __future__ import annotations

import click


@click.command()
@click.option("--take-over", is_flag=True, help="Also where it shows the release of another home so far.")
def mirror(take_over: bool) -> None:
    """Copy the current release into the PostgreSQL database that AIPL_MIRROR_URL names.

    A run does so by itself where the variable is set; this is for after a rollback, or after a failure.
    """
    from orchestration.core.settings import Settings
    from orchestration.publish.mirror import mirror as mirror_release

    click.echo(f"mirror: {mirror_release(Settings.from_environment(), take_over=take_over).told}")
