"""`aipl erase`: remove a person from everything, permanently."""

from __future__ import annotations

import click


@click.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option(
    "--only-these", is_flag=True, help="Leave out other keys that identity resolution links to these."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def erase(keys: tuple[str, ...], *, only_these: bool, yes: bool) -> int:
    """Erase the person with these keys from everything in this home, and print a receipt.

    A KEY is <identity space>:m:<member id> or <identity space>:v:<visitor id>; `aipl person-key ID` finds
    it. Without a key, an unfinished erasure is resumed.
    """
    from orchestration.core.settings import Settings
    from orchestration.nightly.erasing.erase import erase as erase_person
    from orchestration.nightly.erasing.erase import order_erasure

    settings = Settings.from_environment()
    order = order_erasure(settings, keys, only_these=only_these)
    click.echo("These keys will be erased, with all their documents:")
    for key in sorted(order.keys):
        unknown = "  (not found in any mart; check that it is correct)" if key in order.unknown else ""
        click.echo(f"  {key.text}{unknown}")
    for key in sorted(order.shared):
        click.echo(f"  kept, because other people used it too: {key.text}")
    if not yes:
        click.confirm("This cannot be undone, and all earlier releases are deleted. Erase?", abort=True)
    return erase_person(settings, order, click.echo)
