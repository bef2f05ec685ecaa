"""`aipl rejects` and `aipl replay`: list rejected rows, and load them again after a fix."""

from __future__ import annotations

import click


@click.command()
@click.option("--source", help="Only this source.")
@click.option("--reason", metavar="TEXT", help="List the rows whose reason contains this text.")
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table", show_default=True)
def rejects(source: str | None, reason: str | None, form: str) -> None:
    """Show unreadable and rejected rows by reason, and account for all other rows.

    Rows rejected in staging are those of the last finished build. Safe to use while a run is active.
    """
    from orchestration.commands.rejects_text import rejects_csv, rejects_text
    from orchestration.core.settings import Settings
    from orchestration.publish.rejects.listing import Selection

    show = rejects_csv if form == "csv" else rejects_text
    click.echo(show(Settings.from_environment(), Selection(source, reason)), nl=False)


@click.command()
@click.option("--source", help="Only rejects of this source.")
@click.option("--reason", metavar="TEXT", help="Only files with rejects whose reason contains this text.")
@click.option("--dumps", help="Folder or URL of the dumps of --source, instead of the configured one.")
def replay(source: str | None, reason: str | None, dumps: str | None) -> int:
    """After a fix, read the files with rejects again, then build, check and publish.

    The fix is a changed declaration or staging model, or the file delivered again under the same name.
    """
    if dumps and not source:
        raise click.UsageError("--dumps requires --source.")
    from orchestration.commands.safely import say
    from orchestration.core.settings import Settings
    from orchestration.nightly.replay import replay as replay_rejects

    return replay_rejects(Settings.from_environment(), source, reason, dumps, say)
