"""Readers of dumps: every format becomes the same Parquet, and rows that cannot be read are kept apart."""

from orchestration.lib.arrival.readers.base import Chunk, Reject, UnreadableDump
from orchestration.lib.arrival.readers.writing import Parsed, parse_to_parquet, raw_schema

__all__ = ["Chunk", "Parsed", "Reject", "UnreadableDump", "parse_to_parquet", "raw_schema"]
