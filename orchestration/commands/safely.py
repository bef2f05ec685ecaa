"""Words for the terminal that may quote a dump or its name."""

from __future__ import annotations

import click

from orchestration.core.printable import printable_lines


def say(text: str, *, err: bool = False) -> None:
    """Print lines without letting the terminal obey anything in them."""
    click.echo(printable_lines(text), err=err)
