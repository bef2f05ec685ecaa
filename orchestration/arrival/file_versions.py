"""File versions, loads, and what follows from them: pure functions over the rows of the load manifest.

A *file version* is a content read by a declaration. A *load* is what one load date of one source delivered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

# How the reason begins for which an accepted version is refused after all.
HELD = "held back"


class State(StrEnum):
    """State of a file version or a load."""

    ARRIVED = "arrived"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    RETIRED = "retired"


@dataclass(frozen=True)
class Rewritten:
    """Landed bytes without the records of erased persons: their checksum, and the numbers of these."""

    sha256: str
    erased: tuple[int, ...]


@dataclass(frozen=True)
class FileVersion:
    """One reading of one dump. `row_count` is `None` where the file as a whole cannot be read.

    `decision` orders acceptances and refusals of all sources, `decided_at` (ISO, UTC) is when it was; `None`
    while nothing is decided. `version_id` orders arrivals; 0 before the manifest holds it. `judged_by` names
    the contract of its last decision, or who decided. `reason` is that of a refusal, or of somebody who
    accepts on their word.
    `sha256` is that of the dump as it was delivered; `rewritten` are the states of its landed copy since.
    """

    source_id: str
    table_name: str
    file: str
    load_date: date
    version: str
    sha256: str
    declaration: str
    row_count: int | None = None
    unreadable_count: int = 0
    state: State = State.ARRIVED
    reason: str | None = None
    decision: int | None = None
    judged_by: str | None = None
    decided_at: str | None = None
    version_id: int = 0
    rewritten: tuple[Rewritten, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether the mart gate or a person refused it after the arrival gate had accepted it."""
        return self.state is State.REFUSED and (self.reason or "").startswith(HELD)

    @property
    def erased_count(self) -> int:
        """Records taken out for erased persons: with rows and unreadable ones they are all of the dump."""
        return len(self.rewritten[-1].erased) if self.rewritten else 0

    def erased_from(self, sha256: str) -> tuple[int, ...] | None:
        """Records that landed bytes of this checksum lack; `None` for bytes that are not this dump."""
        if sha256 == self.sha256:
            return ()
        return next((state.erased for state in self.rewritten if state.sha256 == sha256), None)

    @property
    def is_readable(self) -> bool:
        """Whether the file as a whole could be read."""
        return self.row_count is not None

    @property
    def identity(self) -> tuple[str, str, date]:
        """Table, version and load date: what makes two readings of one file the same."""
        return self.table_name, self.version, self.load_date


@dataclass(frozen=True)
class Hint:
    """What a listing says about a file: size in bytes, and mtime or etag as text."""

    size: int | None
    changed: str


@dataclass(frozen=True)
class Load:
    """One load: files, and rows, unreadable and erased records of the latest version of each.

    `retired_count` are rows and unreadable records of those that were retired; the others leave them out.
    `is_unreadable`: it is refused, and none of its refused files can be read. `decided_at` is when the first
    of the files that make it what it is were decided (ISO, UTC; `None`: not yet, or nobody knows).
    """

    source_id: str
    load_date: date
    files: int
    row_count: int
    unreadable_count: int
    erased_count: int
    retired_count: int
    state: State
    reason: str | None
    is_held_back: bool
    is_unreadable: bool
    decided_at: str | None = None


@dataclass(frozen=True)
class Deliveries:
    """What the load manifest knew of one source when it was read.

    `versions` are all file versions in their order of arrival, `hints` those of the last listing, by file.
    """

    versions: tuple[FileVersion, ...] = ()
    hints: Mapping[str, Hint] = field(default_factory=dict)

    @cached_property
    def latest(self) -> dict[str, FileVersion]:
        """Latest version of each file."""
        return latest_versions(self.versions)

    @cached_property
    def effective(self) -> dict[str, FileVersion]:
        """What the warehouse may read: the latest accepted version of each file, unless held back.

        If a file is refused and no earlier version was accepted, later files of the same source wait, unless
        they were in effect before. Decisions are replayed in order, so that files in effect stay in effect.
        """
        effective: dict[str, FileVersion] = {}
        held: dict[str, FileVersion] = {}
        # Refused files without an accepted version.
        in_the_way: dict[str, date] = {}
        decided = [v for v in self.versions if v.decision is not None and v.state is not State.RETIRED]
        for version in sorted(decided, key=lambda version: (version.decision, version.version_id)):
            file = version.file
            if version.state is State.ACCEPTED:
                in_the_way.pop(file, None)
                newest = max(
                    [v for v in (version, effective.get(file), held.get(file)) if v],
                    key=lambda version: version.version_id,
                )
                (effective if file in effective else held)[file] = newest
            elif file not in effective and file not in held:
                in_the_way[file] = version.load_date
            barrier = min(in_the_way.values(), default=date.max)
            for released in [file for file, version in held.items() if version.load_date <= barrier]:
                effective[released] = held.pop(released)
        return effective

    @cached_property
    def loads(self) -> list[Load]:
        """Latest versions grouped into loads by load date; a load is refused if any of its files is."""
        by_date: dict[date, list[FileVersion]] = {}
        for version in self.latest.values():
            by_date.setdefault(version.load_date, []).append(version)
        return [_load(by_date[day], self.effective) for day in sorted(by_date)]

    @property
    def stale_reason(self) -> str | None:
        """Why a source is stale: its first load with a refused file; `None` when it is not stale."""
        refused = [load for load in self.loads if load.state is State.REFUSED]
        if not refused:
            return None
        more = f" (and {len(refused) - 1} later load(s) refused)" if len(refused) > 1 else ""
        return f"load {refused[0].load_date} refused: {refused[0].reason}{more}"

    def effective_of(self, table_names: Collection[str]) -> list[FileVersion]:
        """Versions in effect that belong to these tables, by table and file."""
        effective = [version for version in self.effective.values() if version.table_name in table_names]
        return sorted(effective, key=lambda version: (version.table_name, version.file))

    def awaiting(self, contract: str) -> set[date]:
        """Load dates that the arrival gate still has to judge under this contract.

        They are undecided, or were refused under another contract: a corrected declaration may accept what a
        wrong one refused.
        """
        return {
            version.load_date
            for version in self.latest.values()
            if version.is_readable
            and (
                version.state is State.ARRIVED
                or (version.state is State.REFUSED and version.judged_by != contract)
            )
        }


def latest_versions(versions: Iterable[FileVersion]) -> dict[str, FileVersion]:
    """Latest version of each file."""
    return {version.file: version for version in sorted(versions, key=lambda version: version.version_id)}


def _load(files: list[FileVersion], effective: Mapping[str, FileVersion]) -> Load:
    states = {version.state for version in files}
    order = (State.REFUSED, State.ARRIVED, State.ACCEPTED, State.RETIRED)
    state = next(state for state in order if state in states)
    decisive = [version for version in files if version.state is state]
    reasons = sorted({version.reason for version in decisive if version.reason})
    held = [version for version in files if version.state is not State.RETIRED]
    retired = [version for version in files if version.state is State.RETIRED]
    return Load(
        source_id=files[0].source_id,
        load_date=files[0].load_date,
        files=len(files),
        row_count=sum(version.row_count or 0 for version in held),
        unreadable_count=sum(version.unreadable_count for version in held),
        erased_count=sum(version.erased_count for version in files),
        retired_count=sum((version.row_count or 0) + version.unreadable_count for version in retired),
        state=state,
        reason="; ".join(reasons) or None,
        is_held_back=any(
            version.state is State.ACCEPTED and version.file not in effective for version in files
        ),
        is_unreadable=state is State.REFUSED and not any(version.is_readable for version in decisive),
        decided_at=min((version.decided_at for version in decisive if version.decided_at), default=None),
    )
