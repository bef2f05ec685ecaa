"""`aipl rejects` and `aipl replay`: rows that were set aside, and how they come in after a fix."""

from __future__ import annotations

import click


@click.command()
@click.option("--source", help="Only this source.")
@click.option("--reason", metavar="TEXT", help="The rows themselves, of reasons that hold this text.")
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table", show_default=True)
def rejects(source: str | None, reason: str | None, form: str) -> None:
    """Rows that could not be read or that staging set aside, by reason, and what became of all others.

    Rows of staging are those of the last finished build; a run that is at work is not disturbed.
    """
    from orchestration.commands.rejects_text import rejects_csv, rejects_text
    from orchestration.core.settings import Settings
    from orchestration.publish.rejects.listing import Selection

    show = rejects_csv if form == "csv" else rejects_text
    click.echo(show(Settings.from_environment(), Selection(source, reason)), nl=False)


@click.command()
@click.option("--source", help="Only rejects of this source.")
@click.option("--reason", metavar="TEXT", help="Only files with rejects whose reason holds this text.")
@click.option("--dumps", help="Folder or address of the dumps of --source, in place of the configured one.")
def replay(source: str | None, reason: str | None, dumps: str | None) -> int:
    """After a fix, read just the files with rejects again, then build, check and publish.

    The fix is another declaration, another staging model, or the file delivered again under its name.
    """
    if dumps and not source:
        raise click.UsageError("--dumps needs --source: whose dumps are they?")
    from orchestration.commands.safely import say
    from orchestration.core.settings import Settings
    from orchestration.nightly.replay import replay as replay_rejects

    return replay_rejects(Settings.from_environment(), source, reason, dumps, say)
