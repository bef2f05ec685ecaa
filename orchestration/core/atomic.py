"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from orchestration.core.machine import FULL

# A journal takes the files that wait at the same time in one go.
WAITING = 16


@contextmanager
def replacing(path: Path, *, flush: bool = True) -> Iterator[Path]:
    """Give a temporary name beside `path`; what is written there becomes `path` when the block ends well.

    Without `flush`, nothing may rely on `path` before `flush_all`: a power failure could leave it empty.

    The temporary name ends in `.part`, so that no glob for the real files finds it. It is removed when the
    block raises; after a killed process it stays and the next attempt overwrites it. The error of a full disk
    names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with naming(path):
            yield part
            if flush:
                flush_to_disk(part)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the name of the file into the error of a full disk: a failed write does not know it."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            error.filename = error.filename or str(path)
        raise


def flush_to_disk(path: Path) -> None:
    """Force the bytes of a finished file to the disk, so that a rename never outlives its content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_all(paths: Iterable[Path]) -> None:
    """Force finished files, and the names in folders, to the disk: together, for a fraction of the time."""
    with ThreadPoolExecutor(WAITING) as pool:
        # The list raises what any of them raised.
        list(pool.map(_flush_named, dict.fromkeys(paths)))


def _flush_named(path: Path) -> None:
    with naming(path):
        flush_to_disk(path)
