"""`aipl releases`, `aipl rollback` and `aipl verify`."""

from __future__ import annotations

import click

from orchestration.commands.whole_help import Commands
from orchestration.core.settings import Settings


@click.group(cls=Commands, invoke_without_command=True)
@click.pass_context
def releases(context: click.Context) -> None:
    """List the kept releases, newest first."""
    if context.invoked_subcommand:
        return
    from orchestration.publish.listing import listed_releases
    from orchestration.publish.query import to_text
    from orchestration.publish.releases import current_id, why_none_is_current
    from orchestration.publish.rollback import rollback_lines

    settings = Settings.from_environment()
    found = listed_releases(settings)
    if found.rows:
        click.echo(to_text(found).decode(), nl=False)
    if current_id(settings) is None:
        click.echo(why_none_is_current(settings))
    for line in rollback_lines(settings):
        click.echo(line)


@releases.command()
@click.argument("before", required=False)
@click.argument("after", required=False)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def diff(before: str | None, after: str | None, form: str) -> None:
    """Compare the rows, stock, FAST metrics and columns of two releases.

    The default is the previous release against the current one; one argument is compared with the current.
    """
    from orchestration.publish.difference import compared, difference_json, difference_text
    from orchestration.publish.releases import verify as require_undamaged

    a, b = compared(Settings.from_environment(), before, after)
    require_undamaged([a, b])
    told = difference_text if form == "table" else difference_json
    click.echo(told(a, b), nl=False)


@click.command()
@click.argument("release", required=False)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0,
    metavar="MINUTES",
    help="If a run is active, wait this long for it instead of failing at once.",
)
def rollback(release: str | None, wait: float) -> None:
    """Make an earlier release current again, by default the previous one. Its checksums are verified first.

    An alert is sent.
    """
    from orchestration.monitoring.runs import tell_of_rollback
    from orchestration.publish.rollback import rollback as roll_back

    settings = Settings.from_environment()
    done = roll_back(settings, release, wait_seconds=wait * 60, say=click.echo)
    click.echo(f"Release {done.to_release} is current; its checksums are verified.")
    for line in done.lines:
        click.echo(line)
    tell_of_rollback(settings)


@click.command()
@click.argument("release", required=False)
@click.option("--all", "all_", is_flag=True, help="Verify every kept release.")
def verify(release: str | None, all_: bool) -> None:
    """Verify the checksum of every file in a release, by default the current one."""
    if release and all_:
        raise click.UsageError("Use either a release or --all, not both.")
    from orchestration.publish.releases import find_folder, release_folders
    from orchestration.publish.releases import verify as require_undamaged

    settings = Settings.from_environment()
    folders = release_folders(settings) if all_ else [find_folder(settings, release)]
    require_undamaged(folders)
    told = [f"{folder.name}: all files match their checksums." for folder in folders]
    click.echo("\n".join(told) or "No release has been published yet.")
