"""`aipl person-key`: what the release calls somebody."""

from __future__ import annotations

import click


@click.command("person-key")
@click.argument("key")
def person_key(key: str) -> None:
    """Show what the release calls a member or visitor, and as whom: KEY is an id, or such as shop:m:17."""
    from orchestration.core.settings import Settings
    from orchestration.publish.lookup import find_person
    from orchestration.publish.query import to_text

    click.echo(to_text(find_person(Settings.from_environment(), key)).decode(), nl=False)
