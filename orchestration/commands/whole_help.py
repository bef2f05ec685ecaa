"""Groups of commands whose help cuts no sentence."""

from __future__ import annotations

import click

# Longer than any sentence: the library would cut it.
WHOLE = 1_000


class Commands(click.Group):
    """A group whose help shows the whole first sentence of each command."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with what they do."""
        rows = [(name, self.commands[name].get_short_help_str(WHOLE)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
