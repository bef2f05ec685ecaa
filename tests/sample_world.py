"""One sample shop, built once for all tests of a run that only read it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from parsed import SHARED
from warehouse import Warehouse

from orchestration.sample_shop import World, write_dumps

WORLD = World(seed=7, persons=100, days=98)


def sample_dumps() -> Path:
    """The shop's dumps. Whoever changes something copies them."""
    return _made("dumps", lambda folder: write_dumps(folder, WORLD))


def sample_warehouse() -> Warehouse:
    """A full build of them. No dbt may run on it, since others have it open: whoever writes copies it."""

    def build(home: Path) -> None:
        warehouse = Warehouse(home)
        warehouse.load("sample_shop", sample_dumps())
        assert warehouse.build()

    return Warehouse(_made("home", build))


def _made(name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first process that needs it makes, while the others wait."""
    folder = Path(os.environ[SHARED]) / f"sample-{name}"
    with FileLock(f"{folder}.lock"):
        made = folder.with_name(f"{folder.name}.made")
        if not made.exists():
            make(folder)
            made.touch()
    return folder
