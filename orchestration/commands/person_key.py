"""`aipl person-key`: the keys of a person in the release."""

from __future__ import annotations

import click


@click.command("person-key")
@click.argument("key")
def person_key(key: str) -> None:
    """Show the hashed keys of a member or visitor in the release. KEY is an ID or a full key (shop:m:17)."""
    from orchestration.core.settings import Settings
    from orchestration.publish.lookup import find_person
    from orchestration.publish.query import to_text

    click.echo(to_text(find_person(Settings.from_environment(), key)).decode(), nl=False)
