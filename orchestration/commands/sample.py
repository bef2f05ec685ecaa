"""The sample shop's dumps, where the sources file looks for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchestration.arrival.configured import configured_sources
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings

SAMPLE_SHOP = "sample_shop"


def write_sample_shop(settings: Settings, size: dict[str, int]) -> str:
    """Write dumps of the given size (`seed`, `persons`, `days`); returns a message saying what was done.

    Raises InputError when the sources file does not declare it, or its dumps are not in a local folder.
    """
    from orchestration.sample_shop import World, write_dumps

    default = World()
    world = replace(
        default,
        seed=size.get("seed", default.seed),
        persons=size.get("persons", default.persons),
        days=size.get("days", default.days),
    )

    source = configured_sources(settings).get(SAMPLE_SHOP)
    if source is None or source.dumps is None or "://" in source.dumps:
        raise InputError(
            f"{settings.sources_file} declares no source {SAMPLE_SHOP} with a local folder of dumps."
        )
    try:
        written = write_dumps(Path(source.dumps), world)
    except (FileExistsError, ValueError) as error:
        raise InputError(str(error)) from error
    done = "wrote" if written.written else "already there,"
    return f"sample shop: {done} {written.files} dumps with {written.records:,} records in {written.folder}"
