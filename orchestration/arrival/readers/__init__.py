"""Readers of dumps: every format becomes the same Parquet, and rows that cannot be read are kept apart."""

from orchestration.arrival.readers.base import Chunk, Reject, UnreadableDump
from orchestration.arrival.readers.writing import Parsed, parse_to_parquet, raw_schema

__all__ = ["Chunk", "Parsed", "Reject", "UnreadableDump", "parse_to_parquet", "raw_schema"]
