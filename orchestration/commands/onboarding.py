"""`aipl new-source`, `aipl try-source` and `aipl template`: the way in for new dumps."""

from __future__ import annotations

import os

import click

from orchestration.core.printable import printable_lines
from orchestration.core.settings import Settings


@click.command("new-source")
@click.argument("name")
@click.argument("dumps", metavar="FOLDER")
def new_source(name: str, dumps: str) -> None:
    """Look at the dumps in FOLDER and write a first declaration and staging for them.

    NAME is the source's: small letters, digits and `_`. FOLDER may also be an address such as
    s3://bucket/prefix. Guesses are marked in what is written, which replaces no file; the questions that the
    dumps do not answer are printed.
    """
    from orchestration.onboarding.new_source import new_source as write

    settings = Settings.from_environment()
    written = write(settings, name, dumps, {**os.environ, "AIPL_HOME": str(settings.home)})
    click.echo(printable_lines("\n".join(written.lines)))


@click.command("try-source")
@click.argument("name")
@click.option("--dumps", help="Folder or URL of the dumps, instead of the configured one.")
@click.option("--all", "all_", is_flag=True, help="All load dates, however large.")
def try_source(name: str, dumps: str | None, *, all_: bool) -> None:
    """Pull and stage one source in a throw-away place, and show what becomes of its rows.

    Neither the home nor a release is touched. Of large dumps the newest load dates are tried.
    """
    from orchestration.arrival.configured import configured_sources, named_source
    from orchestration.onboarding.trial import try_source as attempt

    settings = Settings.from_environment()
    source = named_source(settings, configured_sources(settings), name)
    for line in attempt(settings, source, dumps, all_=all_):
        click.echo(printable_lines(line))


@click.command()
@click.argument("table", required=False)
def template(table: str | None) -> None:
    """Write an empty file for a TABLE that people keep by hand; without a name, list these tables.

    The next run reads the file: a table without one costs nothing.
    """
    from orchestration.onboarding.template import tables_by_hand, write_template

    settings = Settings.from_environment()
    if table is None:
        for name, declared in tables_by_hand(settings).items():
            click.echo(f"{name}: {', '.join(declared.columns.declared)}")
        return
    click.echo(f"Wrote {write_template(settings, table)}. Add rows; the next `aipl run` reads them.")
