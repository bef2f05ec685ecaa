"""`aipl erase`: a person, everywhere and for good."""

from __future__ import annotations

import click


@click.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--only-these", is_flag=True, help="Not the other keys that identity links to these.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(keys: tuple[str, ...], *, only_these: bool, yes: bool) -> int:
    """Erase the person with these keys from all that this home holds, and print the receipt.

    A KEY is <identity space>:m:<member id> or <identity space>:v:<visitor id>; `aipl person-key ID` finds
    it. Without one, an erasure that did not end is finished.
    """
    from orchestration.core.settings import Settings
    from orchestration.nightly.erasing.erase import erase as erase_person
    from orchestration.nightly.erasing.erase import order_erasure

    settings = Settings.from_environment()
    order = order_erasure(settings, keys, only_these=only_these)
    click.echo("To be erased, with all documents of theirs:")
    for key in sorted(order.keys):
        unknown = "  (no mart knows it: is it right?)" if key in order.linked.unknown else ""
        click.echo(f"  {key.text}{unknown}")
    for key in sorted(order.linked.shared):
        click.echo(f"  kept, since other persons used it as well: {key.text}")
    if not yes:
        click.confirm("The person cannot be brought back, and former releases go. Erase?", abort=True)
    return erase_person(settings, order, click.echo)
