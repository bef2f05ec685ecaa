"""The `aipl` command: a thin layer over the jobs that the schedule and the UI also run."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from orchestration.commands.alerts import alerts
from orchestration.commands.onboarding import new_source, template, try_source
from orchestration.commands.releases import releases, rollback, verify
from orchestration.commands.whole_help import Commands
from orchestration.compat.quick_exit import leave
from orchestration.core.errors import AiplError, InputError
from orchestration.core.machine import machine_fault
from orchestration.core.printable import printable_lines
from orchestration.core.redact import redact
from orchestration.core.settings import Settings

SAMPLE_SHOP = "sample_shop"
DONE, BAD_INPUT, INTERRUPTED = 0, 2, 130
DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
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
    return run_new(Settings.from_environment(), request, say, wait_seconds=wait * 60)


@aipl.command()
@click.argument("source")
@click.argument("first", type=DAY)
@click.argument("last", type=DAY)
@click.option("--dumps", help="Folder or URL of the dumps, instead of the configured one.")
def backfill(source: str, first: datetime, last: datetime, dumps: str | None) -> int:
    """Load what is new of SOURCE from FIRST to LAST, both included, in one run that publishes a release."""
    if first > last:
        raise click.UsageError("FIRST must not be after LAST.")
    from orchestration.arrival.pending import Request
    from orchestration.nightly.run import run_new

    return run_new(Settings.from_environment(), Request(_day(first), _day(last), source, dumps), say)


@aipl.command()
@click.option("--disk", is_flag=True, help="Show what takes the disk instead, and how long it is kept.")
def status(*, disk: bool) -> None:
    """Show the release, horizons, stale sources, gates, last build, and waiting or refused loads."""
    from orchestration.nightly.disk import disk_text
    from orchestration.nightly.status import status_text

    show = disk_text if disk else status_text
    say(show(Settings.from_environment()).rstrip("\n"))


@aipl.command()
@click.option(
    "--max-age",
    type=click.FloatRange(min=0, min_open=True),
    metavar="HOURS",
    help="Critical age of the release, instead of what the schedule of the sources file promises.",
)
@click.option(
    "--max-run",
    type=click.FloatRange(min=0, min_open=True),
    default=6,
    show_default=True,
    metavar="HOURS",
    help="A run that takes longer is critical; one of three times the usual is a warning.",
)
@click.option(
    "--min-free",
    type=click.FloatRange(min=0),
    default=1,
    show_default=True,
    metavar="GB",
    help="Less free space is critical, and so is what lasts less than a day; less than a week is a warning.",
)
def check(*, max_age: float | None, max_run: float, min_free: float) -> int:
    """Say in one line whether all is well, for cron, Nagios or Kubernetes, also on another machine.

    It looks at the release, open critical incidents, the disk, and a run that hangs, and writes nothing, so
    that the home may be mounted read-only. Exit codes: 0 OK, 1 warning, 2 critical, 3 unknown.
    """
    from orchestration.nightly.check import Limits
    from orchestration.nightly.check import check as check_home

    code, line = check_home(Limits(max_age, max_run, min_free * 1e9))
    say(line)
    return code


@aipl.command()
def sources() -> None:
    """List the configured sources and what has been loaded from each."""
    from orchestration.nightly.status import sources_text

    click.echo(sources_text(Settings.from_environment()), nl=False)


@aipl.command()
@click.argument("sql", required=False)
@click.option(
    "--file",
    "script",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Read the SELECT from this file; - is standard input.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Show at most this many rows.")
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
def query(sql: str | None, script: Path | None, limit: int | None, form: str, output: Path | None) -> None:
    """Run one SELECT on the current release: SQL, or what a file holds."""
    from orchestration.publish.query import FORMATS, run_query

    if (sql is None) is (script is None):
        raise click.UsageError("Give either SQL or --file.")
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet cannot be printed to a terminal. Name a file with --output.")
    text = sql if script is None else _script(script)
    result = run_query(Settings.from_environment(), text or "", limit)
    content = FORMATS[form](result)
    if result.is_cut:
        click.echo(f"Only the first {limit:,} rows are shown; there are more.", err=True)
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error


@aipl.command()
@click.argument("name", required=False)
def marts(name: str | None) -> None:
    """List the marts with their grain and owner, or show the columns of one."""
    from orchestration.publish.dictionary import mart_text, marts_text

    project = Settings.from_environment().dbt_project
    click.echo(mart_text(project, name) if name else marts_text(project), nl=False)


@aipl.command("sample-shop")
@click.option("--seed", type=int, help="Random seed; each seed gives a different shop.")
@click.option("--persons", type=click.IntRange(min=1), help="Number of persons.")
@click.option("--days", type=click.IntRange(min=1), help="Number of days.")
def sample_shop(**size: int | None) -> None:
    """Write the dumps of a simulated shop whose true results are known."""
    from orchestration.arrival.configured import configured_sources
    from orchestration.sample_shop import World, write_dumps

    settings = Settings.from_environment()
    given: dict[str, Any] = {name: value for name, value in size.items() if value is not None}
    source = configured_sources(settings).get(SAMPLE_SHOP)
    if source is None or source.dumps is None or "://" in source.dumps:
        raise InputError(
            f"{settings.sources_file} declares no source {SAMPLE_SHOP} with a local folder of dumps."
        )
    try:
        written = write_dumps(Path(source.dumps), World(**given))
    except (FileExistsError, ValueError) as error:
        raise InputError(str(error)) from error
    done = "wrote" if written.written else "already there,"
    click.echo(
        f"sample shop: {done} {written.files} dumps with {written.records:,} records in {written.folder}"
    )


@aipl.command()
@click.option("--source", help="Only this source.")
@click.option("--reason", metavar="TEXT", help="List the rows whose reason contains this text.")
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table", show_default=True)
def rejects(source: str | None, reason: str | None, form: str) -> None:
    """Show unreadable and rejected rows by reason, and account for all other rows.

    Rows rejected in staging are those of the last build that came so far, finished or not. Safe to use while
    a run is active.
    """
    from orchestration.commands.rejects_text import rejects_csv, rejects_text
    from orchestration.publish.rejects.listing import Selection

    show = rejects_csv if form == "csv" else rejects_text
    click.echo(show(Settings.from_environment(), Selection(source, reason)), nl=False)


@aipl.command()
@click.option("--source", help="Only rejects of this source.")
@click.option("--reason", metavar="TEXT", help="Only files with rejects whose reason contains this text.")
@click.option("--dumps", help="Folder or URL of the dumps of --source, instead of the configured one.")
def replay(source: str | None, reason: str | None, dumps: str | None) -> int:
    """After a fix, read the files with rejects again, then build, check and publish.

    The fix is a changed declaration or staging model, or the file delivered again under the same name.
    """
    if dumps and not source:
        raise click.UsageError("--dumps requires --source.")
    from orchestration.nightly.replay import replay as replay_rejects

    return replay_rejects(Settings.from_environment(), source, reason, dumps, say)


@aipl.command()
@click.argument("source")
def hold(source: str) -> None:
    """Hold back what the current release does not have of SOURCE, so that the others can be published.

    Its loads are refused until they are delivered again, accepted by hand, or judged by a changed program.
    """
    from orchestration.publish.holding import hold_source

    say(hold_source(Settings.from_environment(), source))


@aipl.command()
@click.argument("source")
@click.argument("load_date", type=DAY)
@click.option("--reason", required=True, metavar="TEXT", help="Why; `aipl status` shows it.")
def accept(source: str, load_date: datetime, reason: str) -> None:
    """Accept the refused load of SOURCE of LOAD_DATE on your word; the next run publishes it."""
    from orchestration.publish.holding import accept_load

    say(accept_load(Settings.from_environment(), source, load_date.date(), reason))


@aipl.command()
def rebuild() -> int:
    """Rebuild raw from landing and the warehouse from raw, then continue as `aipl run` does."""
    from orchestration.nightly.rebuild import rebuild as rebuild_all

    return rebuild_all(Settings.from_environment(), say)


@aipl.command()
@click.option("--take-over", is_flag=True, help="Proceed even if the database now mirrors another home.")
def mirror(take_over: bool) -> None:
    """Copy the current release into the PostgreSQL database that AIPL_MIRROR_URL names.

    Runs do this automatically when the variable is set; use the command after a rollback or a failure.
    """
    from orchestration.publish.mirror import mirror as mirror_release

    click.echo(f"mirror: {mirror_release(Settings.from_environment(), take_over=take_over).told}")


@aipl.command("person-key")
@click.argument("key")
def person_key(key: str) -> None:
    """Show the hashed keys of a member or visitor in the release. KEY is an ID or a full key (shop:m:17)."""
    from orchestration.publish.lookup import find_person
    from orchestration.publish.query import to_text

    click.echo(to_text(find_person(Settings.from_environment(), key)).decode(), nl=False)


@aipl.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option(
    "--only-these", is_flag=True, help="Leave out other keys that identity resolution links to these."
)
@click.option(
    "--expect",
    type=click.IntRange(min=1),
    metavar="N",
    help="Erase exactly N keys, also if that is more than one person usually has; refuse another number.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def erase(keys: tuple[str, ...], *, only_these: bool, expect: int | None, yes: bool) -> int:
    """Erase the person with these keys from everything in this home, and print a receipt.

    A KEY is <identity space>:m:<member id> or <identity space>:v:<visitor id>; `aipl person-key ID` finds
    it. Without a key, an unfinished erasure is resumed.
    """
    from orchestration.nightly.erasing.erase import alone, is_resumed, order_erasure
    from orchestration.nightly.erasing.erase import erase as erase_person
    from orchestration.nightly.erasing.extent import extent_of, require_expected

    settings = Settings.from_environment()
    with alone(settings):
        order = order_erasure(settings, keys, only_these=only_these)
        extent = None if is_resumed(settings, order) else extent_of(settings, order)
    click.echo("These keys will be erased, with all their documents:")
    for key in sorted(order.keys):
        unknown = "  (not found in any mart; check that it is correct)" if key in order.unknown else ""
        click.echo(f"  {key.text}{unknown}")
    for key in sorted(order.shared):
        click.echo(f"  kept, because other people used it too: {key.text}")
    if extent:
        click.echo(extent.text)
        require_expected(extent, expect)
    if not yes:
        click.confirm("This cannot be undone, and all earlier releases are deleted. Erase?", abort=True)
    return erase_person(settings, order, click.echo)


@aipl.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.option("--force", is_flag=True)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dbt(arguments: tuple[str, ...], force: bool) -> int:
    """Run dbt on the warehouse, for example `aipl dbt -- test --select fct_fast`.

    A build that could leave the warehouse inconsistent needs --force; the next run then builds in full.
    """
    from orchestration.commands.tools import dbt_command

    return dbt_command(Settings.from_environment(), list(arguments), force=force)


@aipl.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def ui(arguments: tuple[str, ...]) -> int:
    """Start Dagster's web interface, with the schedule, on http://127.0.0.1:3000."""
    from orchestration.commands.tools import ui_command

    return ui_command(Settings.from_environment(), list(arguments))


@aipl.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dashboard(arguments: tuple[str, ...]) -> int:
    """Open the dashboard on the current release of this home, on http://127.0.0.1:8501.

    ARGUMENTS are options of `streamlit run`, such as `--server.port 9000`.
    """
    from orchestration.commands.tools import dashboard_command

    return dashboard_command(Settings.from_environment(), list(arguments))


for command in (alerts, new_source, releases, rollback, template, try_source, verify):
    aipl.add_command(command)


def say(text: str, *, err: bool = False) -> None:
    """Print lines, which may quote a dump or its name, with terminal control characters made visible."""
    click.echo(printable_lines(text), err=err)


def main() -> None:
    """Run a command; errors that the user can fix are shown without a traceback."""
    sys.excepthook = _crashed
    leave(_guarded(lambda: aipl.main(standalone_mode=False)))


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
        known = error if isinstance(error, AiplError) else machine_fault(error)
        if known is None:
            raise
        say(f"Error: {known}", err=True)
        return known.exit_code
    return answer if isinstance(answer, int) else DONE


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a crash in one line and write the traceback to a file. Python then exits with 1."""
    log = Settings.from_environment().crash_log
    story = redact("".join(traceback.format_exception(kind, error, trace)))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(story)
    except OSError:
        # The disk is full or the home is read-only: the terminal is the only place left.
        click.echo(story, err=True)
    say(redact(f"Crash: {kind.__name__}: {error}\nThe traceback is in {log}."), err=True)


def _script(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}.") from error


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
