"""The `aipl` command: a thin layer over the jobs that the schedule and the UI also run."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from orchestration.commands.alerts import alerts
from orchestration.commands.erase import erase
from orchestration.commands.mirror import mirror
from orchestration.commands.person_key import person_key
from orchestration.commands.rebuild import rebuild
from orchestration.commands.rejects import rejects, replay
from orchestration.commands.releases import releases, rollback, verify
from orchestration.commands.safely import say
from orchestration.compat.quick_exit import leave

if TYPE_CHECKING:
    from orchestration.core.settings import Settings

DONE, CRASH, BAD_INPUT, BAD_DATA, INTERRUPTED = 0, 1, 2, 3, 130
DAY = click.DateTime(["%Y-%m-%d"])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aipl-warehouse", message="%(version)s")
def aipl() -> None:
    """Raw dumps in, audited AIPL and FAST marts out.

    State lives under AIPL_HOME (default: data/ of the project), sources are declared in AIPL_SOURCES
    (default: sources.yml of the project). Exit codes: 0 done, 1 crash, 2 bad input or configuration,
    3 stopped by the quality of the data.
    """


@aipl.command()
@click.option("--date", "day", type=DAY, help="Only this load date.")
@click.option("--from", "first", type=DAY, help="First load date to include.")
@click.option("--to", "last", type=DAY, help="Last load date to include.")
@click.option("--source", help="Only this source.")
@click.option("--dumps", help="Folder or URL of the dumps of --source, instead of the configured one.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0,
    metavar="MINUTES",
    help="If another run is active, wait this long for it instead of failing at once.",
)
def run(
    *,
    day: datetime | None,
    first: datetime | None,
    last: datetime | None,
    source: str | None,
    dumps: str | None,
    wait: float,
) -> int:
    """Load new dumps, build the warehouse, check it and publish a release."""
    if day and (first or last):
        raise click.UsageError("Use either --date for one day, or --from and --to for a range.")
    if dumps and not source:
        raise click.UsageError("--dumps requires --source.")
    from orchestration.arrival.pending import Request
    from orchestration.nightly.run import run_new

    first_day, last_day = (day, day) if day else (first, last)
    if first_day and last_day and first_day > last_day:
        raise click.UsageError("--from must not be after --to.")
    request = Request(_day(first_day), _day(last_day), source, dumps)
    return run_new(_settings(), request, say, wait_seconds=wait * 60)


@aipl.command()
def status() -> None:
    """Show the release, horizons, stale sources, gates, last build, and waiting or refused loads."""
    from orchestration.nightly.status import status_text

    say(status_text(_settings()).rstrip("\n"))


@aipl.command()
def sources() -> None:
    """List the configured sources and what has been loaded from each."""
    from orchestration.nightly.status import sources_text

    click.echo(sources_text(_settings()), nl=False)


@aipl.command()
@click.argument("sql")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
def query(sql: str, form: str, output: Path | None) -> None:
    """Run one SELECT on the current release."""
    from orchestration.publish.query import FORMATS, run_query

    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet cannot be printed to a terminal. Name a file with --output.")
    encode = FORMATS[form]
    content = encode(run_query(_settings(), sql))
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        try:
            output.write_bytes(content)
        except OSError as error:
            raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error


@aipl.command("sample-shop")
@click.option("--seed", type=int, help="Random seed; each seed gives a different shop.")
@click.option("--persons", type=click.IntRange(min=1), help="Number of persons.")
@click.option("--days", type=click.IntRange(min=1), help="Number of days.")
def sample_shop(**size: int | None) -> None:
    """Write the dumps of a simulated shop whose true results are known."""
    from orchestration.commands.sample import write_sample_shop

    click.echo(
        write_sample_shop(_settings(), {name: value for name, value in size.items() if value is not None})
    )


@aipl.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--force", is_flag=True)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dbt(arguments: tuple[str, ...], force: bool) -> int:
    """Run dbt on the warehouse, for example `aipl dbt -- test --select fct_fast`.

    A build that could leave the warehouse inconsistent needs --force; the next run then builds in full.
    """
    from orchestration.commands.tools import dbt_command

    return dbt_command(_settings(), list(arguments), force=force)


@aipl.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def ui(arguments: tuple[str, ...]) -> int:
    """Start Dagster's web interface, with the schedule, on http://127.0.0.1:3000."""
    from orchestration.commands.tools import ui_command

    return ui_command(_settings(), list(arguments))


aipl.add_command(alerts)
aipl.add_command(erase)
aipl.add_command(mirror)
aipl.add_command(person_key)
aipl.add_command(rebuild)
aipl.add_command(rejects)
aipl.add_command(replay)
aipl.add_command(releases)
aipl.add_command(rollback)
aipl.add_command(verify)


def main() -> None:
    """Run a command; errors that the user can fix are shown without a traceback."""
    sys.excepthook = _crashed
    code = _guarded(lambda: aipl.main(standalone_mode=False))
    leave(code)


def _guarded(command: Callable[[], Any]) -> int:
    try:
        answer = command()
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of a pipe left early, as `head` does; there is nobody left to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        return code
    return answer if isinstance(answer, int) else DONE


def _exit_code(error: Exception) -> int | None:
    """Show an error that the user can fix and return its exit code; None for a crash."""
    from orchestration.core.disk import disk_full
    from orchestration.core.errors import AiplError, ConfigurationError

    known = error if isinstance(error, AiplError | ConfigurationError) else disk_full(error)
    if known is not None:
        say(f"Error: {known}", err=True)
    return None if known is None else getattr(known, "exit_code", BAD_INPUT)


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a crash in one line and write the traceback to a file. Python then exits with 1."""
    from orchestration.core.redact import redact

    log = _settings().crash_log
    story = redact("".join(traceback.format_exception(kind, error, trace)))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(story)
    except OSError:
        # The disk is full or the home is read-only: the terminal is the only place left.
        click.echo(story, err=True)
    say(redact(f"Crash: {kind.__name__}: {error}\nThe traceback is in {log}."), err=True)


def _settings() -> Settings:
    from orchestration.core.settings import Settings

    return Settings.from_environment()


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


if __name__ == "__main__":
    main()
