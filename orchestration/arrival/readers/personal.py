"""Personal columns, hashed before anything of them is written; and rejects without their text."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from orchestration.arrival.readers.base import Chunk, Reject
from orchestration.core.privacy.person_key import HASH_DIGITS
from orchestration.sources.table import Table


@dataclass(frozen=True)
class PersonalColumnHasher:
    """Hides the personal columns of one table, whatever the capitals of their names in a dump."""

    table: Table
    salt: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.table.personal and not self.salt:
            raise ValueError("a table with personal columns is read with a salt")

    def over(self, chunk: Chunk) -> Chunk:
        """The chunk as it may be written: hashed values are text, and NULL stays NULL."""
        if not self.table.personal:
            return chunk
        batch = chunk.batch
        for position, name in enumerate(batch.schema.names):
            if self._hides(name):
                batch = batch.set_column(
                    position, pa.field(name, pa.string()), self._hashed(batch.column(position))
                )
        return Chunk(batch, chunk.rows, [self._masked(reject) for reject in chunk.rejects])

    def _hides(self, name: str) -> bool:
        return name.casefold() in {column.casefold() for column in self.table.personal}

    def _hashed(self, values: pa.Array[Any]) -> pa.Array[Any]:
        """Each distinct value is hashed once."""
        try:
            texts = values.cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            # Bytes that are no text, and nested values of Parquet dumps.
            texts = pa.array(
                [None if value is None else str(value) for value in values.to_pylist()], pa.string()
            )
        distinct = texts.dictionary_encode()
        hashes = pa.array([self._hash(value) for value in distinct.dictionary.to_pylist()], pa.string())
        return hashes.take(distinct.indices)

    def _hash(self, value: str) -> str:
        return hmac.new(self.salt, value.encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]

    def _masked(self, reject: Reject) -> Reject:
        # Where a row could not be split, nobody knows which part of it is personal.
        return replace(reject, raw_text=f"*** ({len(reject.raw_text)} characters, with personal columns)")
