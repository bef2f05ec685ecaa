"""The receipt of an erasure: what was searched and removed, and what was not reached; it names no one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from orchestration.core.files import write_json
from orchestration.core.printable import counted
from orchestration.core.versions import FORMAT

RECEIPT_FORMAT = 1


@dataclass(frozen=True)
class Receipt:
    """What an erasure did. Keys are told as keyed hashes; times are UTC, ISO 8601.

    `kinds`: number of keys of members and of visitors. `documents`: orders and the like that were theirs.
    `shared`: visitors of theirs that others used as well, and that were kept. `removed`: records, releases
    and other things by place. `left`: files that still name the person, empty when it ended well.
    """

    erasure_id: str
    begun_at: str
    finished_at: str
    keys: tuple[str, ...]
    kinds: dict[str, int]
    documents: int
    shared: tuple[str, ...]
    sources: tuple[str, ...]
    removed: dict[str, int]
    files_searched: int
    left: dict[str, int]
    release: str | None
    not_reached: tuple[str, ...]

    @property
    def text(self) -> str:
        """Plain text for display."""
        kinds = ", ".join(counted(count, kind) for kind, count in self.kinds.items() if count)
        lines = [
            f"Erasure {self.erasure_id}, {self.begun_at} to {self.finished_at}",
            f"Keys: {kinds}, and their {counted(self.documents, 'document')}, in {', '.join(self.sources)}",
            *(f"Removed: {count} {place}" for place, count in self.removed.items()),
            f"Searched {counted(self.files_searched, 'file')}; the person is named in {len(self.left)}.",
            f"Release: {self.release}; all earlier releases were removed",
        ]
        if self.shared:
            lines.append(f"Kept: {counted(len(self.shared), 'visitor')} that other people used too")
        return "\n".join([*lines, *(f"Not reached: {what}" for what in self.not_reached)])


def write_receipt(folder: Path, receipt: Receipt) -> Path:
    """Write the receipt, also for machines; returns its path."""
    path = folder / f"{receipt.erasure_id}.json"
    told = {FORMAT: RECEIPT_FORMAT, "program": version("aipl-warehouse"), **asdict(receipt)}
    write_json(path, told)
    return path
