"""dbt commands run by hand: what they may change, and whether the warehouse stays consistent."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import click

from orchestration.build.around_dbt import BUILD_ALL, finish_build, why_no_part
from orchestration.build.rules import check_rules
from orchestration.build.state import (
    forget_build,
    is_untouched,
    read_build,
    warehouse_mark,
    write_build,
)
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.sources.source import Source

# Commands that change no table (except `test --store-failures`).
READS = {
    "",
    "clean",
    "compile",
    "debug",
    "deps",
    "docs generate",
    "docs serve",
    "init",
    "list",
    "ls",
    "parse",
    "show",
    "source freshness",
    "source snapshot-freshness",
    "test",
}
# Commands that build a part as the nightly build does, with the options below.
REBUILDS = {"build", "run", "seed", "test"}
SELECTION = {
    "exclude",
    "exclude_resource_types",
    "indirect_selection",
    "resource_types",
    "select",
    "selector",
    "state",
}
# Options that only affect how a build runs, and what it prints and logs.
HARMLESS = {
    "debug",
    "fail_fast",
    "log_format",
    "log_level",
    "log_level_file",
    "log_path",
    "partial_parse",
    "print",
    "printer_width",
    "quiet",
    "show",
    "single_threaded",
    "target_path",
    "threads",
    "use_colors",
    "use_colors_file",
    "warn_error",
    "warn_error_options",
    "write_json",
}


@dataclass(frozen=True)
class DbtCommand:
    """A command as dbt parses it, such as `docs generate`, and the options that are set.

    Without a name, dbt only shows its help or version.
    """

    name: str
    options: frozenset[str] = frozenset()

    @property
    def only_reads(self) -> bool:
        """Whether no table can change."""
        return self.name in READS and "store_failures" not in self.options

    @property
    def risk(self) -> str:
        """Why tables may end up with other rows than a nightly build gives; empty when they cannot."""
        if self.name not in REBUILDS:
            return f"`dbt {self.name}` may change any table"
        unknown = self.options - SELECTION - HARMLESS - {"full_refresh"}
        if unknown:
            named = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(unknown))
            return f"{named} may give other results than the nightly build"
        if "full_refresh" in self.options and self.options & SELECTION:
            return "--full-refresh of a part rebuilds tables that the others were built on incrementally"
        return ""


def parse(arguments: Sequence[str], ours: Collection[str] = ()) -> DbtCommand:
    """Read a command line with dbt's own definitions of commands and options.

    Environment variables that set an option count too, except `ours`, which dbt always gets.

    Raises click.UsageError for a command line that dbt does not know.
    """
    from dbt.cli.main import cli

    command: click.Command = cli
    names: list[str] = []
    options: set[str] = set()
    rest = list(arguments)
    while True:
        context = click.Context(command, info_name=" ".join(["dbt", *names]))
        given, rest, _ = command.make_parser(context).parse_args(rest)
        options |= given.keys()
        asks_help = command.get_help_option(context)
        if "version" in options or (asks_help and asks_help.name in options):
            return DbtCommand("")
        if not isinstance(command, click.Group):
            options |= {option.name for option in command.params if option.name and _is_set(option, ours)}
            return DbtCommand(" ".join(names), frozenset(options))
        if not rest:
            return DbtCommand("")
        found = command.get_command(context, rest[0])
        if found is None:
            raise click.UsageError(f"No such command {rest[0]!r}.", context)
        names.append(rest.pop(0))
        command = found


def run_by_hand(
    settings: Settings,
    sources: Mapping[str, Source],
    dbt_sources: str,
    command: DbtCommand,
    run: Callable[[], int],
    *,
    force: bool = False,
) -> int:
    """Run a dbt command that builds, and keep the recorded build state correct; returns its exit code.

    `force` runs it even if it may leave the warehouse inconsistent; the next run then builds in full.

    Raises InputError for such a command without `force`, when the rules cannot be built, and where another
    engine than DuckDB builds.
    """
    if settings.engine != "duckdb":
        raise InputError(
            f"Not run: by hand, dbt builds on DuckDB alone, and AIPL_ENGINE is {settings.engine}, on which"
            " `aipl run` builds. Commands that only read run: show, test, compile, docs."
        )
    check_rules(settings.dbt_project)
    last = read_build(settings)
    if last is None or not is_untouched(settings, last):
        # The next run builds in full in any case.
        forget_build(settings)
        return run()
    pending = "" if command.risk else why_no_part(settings, sources, dbt_sources)
    if (command.risk or pending) and not force:
        raise InputError(
            f"Not run: {command.risk or pending}.{pending and f' {BUILD_ALL}'} `aipl dbt --force -- ...`"
            " runs it anyway, and the next `aipl run` builds in full."
        )
    write_build(settings, replace(last, state="building"))
    code = run()
    if not (command.risk or pending):
        if code == 0:
            finish_build(settings, last)
        elif warehouse_mark(settings) == last.warehouse:
            write_build(settings, last)
    return code


def _is_set(option: click.Parameter, ours: Collection[str]) -> bool:
    names = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
    return any(os.environ.get(name) for name in names) and not set(names) & set(ours)
