"""`aipl rebuild`: what is derived from landing, made again."""

from __future__ import annotations

import click


@click.command()
def rebuild() -> int:
    """Make raw again from landing and the warehouse from raw, then run as `aipl run` does."""
    from orchestration.commands.safely import say
    from orchestration.core.settings import Settings
    from orchestration.nightly.rebuild import rebuild as rebuild_all

    return rebuild_all(Settings.from_environment(), say)
