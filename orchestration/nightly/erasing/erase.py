"""Erase a person from delivered data, the warehouse, all releases, and logs and reports.

The hashed keys are listed before the first row is removed, so that nothing can bring the person back during
the erasure. The order keeps the keys themselves until the end, so that a killed erasure can resume.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestration.arrival.configured import configured_sources
from orchestration.arrival.erasing.order import Order, order_file, read_order, write_order
from orchestration.arrival.erasing.sweep import sweep
from orchestration.arrival.manifest import LoadManifest, require_manifest
from orchestration.arrival.pending import ALL
from orchestration.build.state import discard_warehouse, forget_build, is_untouched, read_build
from orchestration.core.errors import AiplError, InputError
from orchestration.core.lock import ui_lock, writer_lock
from orchestration.core.privacy.erased import (
    PERSONS,
    Erasure,
    erasures_folder,
    parse_key,
    read_erased,
    write_erased,
)
from orchestration.core.privacy.ids import clean_id
from orchestration.core.settings import Settings
from orchestration.nightly.erasing.links import linked_order
from orchestration.nightly.erasing.receipt import Receipt, write_receipt
from orchestration.nightly.erasing.traces import Words, occurrences, redact, words_of
from orchestration.nightly.job import new_log, run_nightly
from orchestration.publish.mirror import MIRROR, mirror
from orchestration.publish.release import read_current
from orchestration.sources.source import Source

# What the two locks of a home leave there, which names nobody.
LOCKS = (".writer", ".ui")


class NotErased(AiplError):
    """An erasure that did not finish; the same command resumes it."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def order_erasure(settings: Settings, texts: Collection[str], *, only_these: bool) -> Order:
    """What is to be erased: the unfinished erasure, or a new one of these keys; nothing is changed.

    Raises InputError when it is not clear whom to erase.
    """
    spaces = {source.identity_space: source.id_case for source in configured_sources(settings).values()}
    asked = frozenset(
        replace(key, value=clean_id(key.value, spaces.get(key.scope))) for key in map(parse_key, texts)
    )
    unfinished = read_order(settings)
    if unfinished:
        if asked and asked != unfinished.asked:
            raise InputError(
                "An erasure of other keys is unfinished. Run `aipl erase` without a key to resume it first."
            )
        return unfinished
    if not asked:
        raise InputError("There is no unfinished erasure to resume. Name the keys of the person to erase.")
    if unknown := sorted({key.scope for key in asked} - spaces.keys()):
        raise InputError(
            f"No source has the identity space {', '.join(unknown)}. The sources file declares"
            f" {', '.join(sorted(spaces))}."
        )
    erasure_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    return Order(erasure_id, asked, asked) if only_these else linked_order(settings, erasure_id, asked)


def is_resumed(settings: Settings, order: Order) -> bool:
    """Whether an order is that of an unfinished erasure, which was agreed to when it began."""
    return read_order(settings) == order


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the home against runs and against `aipl ui`.

    Raises InputError that names the process when one of them is active.
    """
    with ui_lock(settings.home, "aipl erase"), writer_lock(settings.home):
        yield


def erase(settings: Settings, order: Order, say: Callable[[str], None]) -> int:
    """Carry out or resume an order, and print the receipt; returns the exit code.

    Raises InputError while a run or `aipl ui` is active; NotErased, or the error that stopped it, which the
    same command resumes.
    """
    with alone(settings):
        require_manifest(settings)
        _begin(settings, order)
        sources = {
            name: source
            for name, source in configured_sources(settings).items()
            if source.identity_space in {key.scope for key in order.keys}
        }
        removed: Counter[str] = Counter()
        with LoadManifest(settings.manifest) as manifest:
            for source in sources.values():
                removed += sweep(settings, manifest, source)
        _mark_swept(settings, order)
        _republish(settings)
        _replace_mirror(settings)
        removed["releases"] += _remove_former_releases(settings)
        order = read_order(settings) or order
        ignore_case = any(source.id_case for source in sources.values())
        words = words_of(order.keys | order.documents, ignore_case=ignore_case)
        removed["traces in logs, reports and histories"] += _clean(settings, sources.values(), words)
        left = _left(settings, sources.values(), words)
        receipt = _receipt(settings, order, sources, removed, left)
        if left:
            raise NotErased(
                f"The person is still named in {', '.join(left)}. Correct `identifiers` of the tables"
                " concerned in the sources file, or remove what should not be there, then run `aipl erase`"
                " again."
            )
        path = write_receipt(erasures_folder(settings), receipt)
        _note(settings, replace(_erasure(settings, order), finished_at=_now()))
        order_file(settings).unlink()
    say(receipt.text)
    say(f"Receipt: {path}")
    return 0


def _begin(settings: Settings, order: Order) -> None:
    erased = read_erased(settings)
    if order.erasure_id in {erasure.erasure_id for erasure in erased.erasures}:
        return
    # Increments do not notice rows that are removed from a file in effect.
    forget_build(settings)
    write_order(settings, order)
    digests = tuple(sorted(map(erased.digest, order.keys)))
    write_erased(settings, erased.having(Erasure(order.erasure_id, _now(), None, digests)))


def _mark_swept(settings: Settings, order: Order) -> None:
    if not _erasure(settings, order).is_swept:
        # A run after a killed erasure may have built from half-swept data.
        discard_warehouse(settings)
        _note(settings, replace(_erasure(settings, order), is_swept=True))


def _note(settings: Settings, erasure: Erasure) -> None:
    write_erased(settings, read_erased(settings).having(erasure))


def _erasure(settings: Settings, order: Order) -> Erasure:
    known = read_erased(settings).erasures
    return next(erasure for erasure in known if erasure.erasure_id == order.erasure_id)


def _republish(settings: Settings) -> None:
    """Build in full from the remaining data, check and publish, unless that has been done.

    Raises NotErased when nothing was published.
    """
    erased, current = read_erased(settings).generation, read_current(settings)
    is_done = current is not None and current.manifest.get("erased", "") == erased
    if is_done and is_untouched(settings, read_build(settings)):
        return
    discard_warehouse(settings)
    log = new_log(settings)
    # The mirror comes after the release, and is tried again separately.
    stopped = [step for step in run_nightly(settings, {}, ALL, log) if step.step != MIRROR]
    if stopped:
        steps = "\n".join(f"Stopped at {step.step}: {step.message}" for step in stopped)
        raise NotErased(
            f"{steps}\nThe person is gone from landing and raw, but still in the releases. The log is {log}."
            " Fix what stopped the run, then run `aipl erase` again to resume.",
            max(step.exit_code for step in stopped),
        )


def _replace_mirror(settings: Settings) -> None:
    """Update the PostgreSQL mirror, if there is one. Raises NotErased when that fails."""
    if settings.mirror_url is None:
        return
    try:
        mirror(settings)
    except AiplError as error:
        raise NotErased(
            f"{error}\nThe person is gone from the new release, but still in the mirror. Afterwards run"
            " `aipl erase` again to resume.",
            error.exit_code,
        ) from error


def _remove_former_releases(settings: Settings) -> int:
    """Remove every release but the current one; open readers keep theirs. Returns the number removed."""
    current = read_current(settings)
    former = [
        folder
        for folder in (settings.published / "releases").iterdir()
        if current is None or folder != current.folder
    ]
    for folder in former:
        shutil.rmtree(folder)
    return len(former)


def _clean(settings: Settings, sources: Iterable[Source], words: Words) -> int:
    """Remove the IDs from logs, reports and histories; returns the number of files and values changed."""
    changed = 0
    if not words.are_all_telling:
        # Short IDs also occur as ordinary words and numbers; text cannot be searched for them.
        for folder in (settings.reports, settings.home / "logs", settings.dbt_target, settings.dagster_home):
            changed += sum(path.is_file() for path in folder.rglob("*"))
            shutil.rmtree(folder, ignore_errors=True)
    if words.texts:
        swept = (settings.landing, settings.raw, settings.arrivals, settings.rejects, settings.trials)
        kept = (*swept, settings.published)
        for path in _state(settings, sources):
            if not any(path.is_relative_to(folder) for folder in kept) and path.suffix != ".duckdb":
                changed += 0 if path.suffix == ".parquet" else redact(path, words)
    return changed


def _left(settings: Settings, sources: Collection[Source], words: Words) -> dict[str, int]:
    """Where the person is still named, and how often: all files by ID, and rows by key."""
    left = {
        path.relative_to(settings.home).as_posix(): count
        for path in _state(settings, sources)
        if (count := occurrences(path, words))
    }
    with LoadManifest(settings.manifest) as manifest:
        for source in sources:
            found = +sweep(settings, manifest, source)
            left |= {f"{source.source_id}, {place}": count for place, count in found.items()}
    return left


def _state(settings: Settings, sources: Iterable[Source]) -> Iterator[Path]:
    """All files in the home except source dumps, the erasures themselves, and locks."""
    dumps = [Path(source.dumps).resolve() for source in sources if source.dumps and "://" not in source.dumps]
    apart = [erasures_folder(settings), *(place for place in dumps if place != settings.home)]
    for path in sorted(settings.home.rglob("*")):
        is_apart = any(path.is_relative_to(place) for place in apart) or path.name.startswith(LOCKS)
        if path.is_file() and not path.is_symlink() and not is_apart:
            yield path


def _receipt(
    settings: Settings,
    order: Order,
    sources: dict[str, Source],
    removed: Counter[str],
    left: dict[str, int],
) -> Receipt:
    erased, erasure = read_erased(settings), _erasure(settings, order)
    current = read_current(settings)
    places = {source.dumps or "the location given with --dumps" for source in sources.values()}
    return Receipt(
        erasure_id=order.erasure_id,
        begun_at=erasure.begun_at,
        finished_at=_now(),
        keys=tuple(sorted(map(erased.digest, order.keys))),
        kinds={kind: sum(key.kind == kind for key in order.keys) for kind in PERSONS.values()},
        documents=len(erasure.keys) - len(order.keys),
        shared=tuple(sorted(map(erased.digest, order.shared))),
        sources=tuple(sources),
        removed={place: count for place, count in sorted(removed.items()) if count},
        files_searched=sum(1 for _ in _state(settings, sources.values())),
        left=left,
        release=current.release_id if current else None,
        not_reached=(
            *(f"the source's own dumps: {place}" for place in sorted(places)),
            "backups and copies of this home, and files exported from releases",
            "programs with a former release open: its data are freed when they close it",
            *(["the disk of the mirror's server, until its `vacuum`"] if settings.mirror_url else []),
        ),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
