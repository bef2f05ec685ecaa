"""`aipl mirror`: the current release in PostgreSQL."""

from __future__ import annotations

import click


@click.command()
@click.option("--take-over", is_flag=True, help="Proceed even if the database now mirrors another home.")
def mirror(take_over: bool) -> None:
    """Copy the current release into the PostgreSQL database that AIPL_MIRROR_URL names.

    Runs do this automatically when the variable is set; use the command after a rollback or a failure.
    """
    from orchestration.core.settings import Settings
    from orchestration.publish.mirror import mirror as mirror_release

    click.echo(f"mirror: {mirror_release(Settings.from_environment(), take_over=take_over).told}")
