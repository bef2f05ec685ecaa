"""Terminal output that may quote a dump or its name."""

from __future__ import annotations

import click

from orchestration.core.printable import printable_lines


def say(text: str, *, err: bool = False) -> None:
    """Print lines with terminal control characters made visible."""
    click.echo(printable_lines(text), err=err)
