"""`aipl rebuild`: recreate everything that is derived from landing."""

from __future__ import annotations

import click


@click.command()
def rebuild() -> int:
    """Rebuild raw from landing and the warehouse from raw, then continue as `aipl run` does."""
    from orchestration.commands.safely import say
    from orchestration.core.settings import Settings
    from orchestration.nightly.rebuild import rebuild as rebuild_all

    return rebuild_all(Settings.from_environment(), say)
