"""Bytes to text: decompression, encodings, and the marks that bytes of no character leave behind."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from orchestration.arrival import limits
from orchestration.arrival.readers.base import UnreadableDump

BUFFER = 1 << 20
BLOCK_CHARACTERS = 1 << 20
# A byte that belongs to no character becomes a lone surrogate, which no encoding can deliver by itself.
BAD_BYTE = re.compile("[\udc00-\udcff]")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("mark_bad_bytes", _mark)


def _restore(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    marks = error.object[error.start : error.end]
    if not all("\udc00" <= mark <= "\udcff" for mark in marks):
        raise error
    return bytes(ord(mark) - 0xDC00 for mark in marks), error.end


codecs.register_error("restore_bad_bytes", _restore)


@contextmanager
def opened(path: Path, file: str) -> Iterator[IO[bytes]]:
    """Open a landed dump, decompressed where its name ends in `.gz`.

    Raises:
        UnreadableDump: what is read in the block turns out not to be gzip, or to be cut.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            yield cast(IO[bytes], io.BufferedReader(_Bounded(cast(IO[bytes], stream), file), BUFFER))
    except UnicodeError as error:
        # Bytes of no character are marked; this is a file that is of another encoding as a whole, as UTF-16
        # without its first mark.
        raise UnreadableDump(
            file,
            f"its encoding is not what is declared ({error})",
            "Correct `encoding` of its table in the sources file, or deliver it in that encoding.",
        ) from error
    except EOFError as error:
        raise UnreadableDump(file, "the gzip file is cut short", "Deliver the whole file again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableDump(
            file,
            f"the file is not sound gzip ({error})",
            "Deliver it again, or without .gz in its name if it is not compressed.",
        ) from error


class _Bounded(io.RawIOBase):
    """A stream that ends with an error where it grows beyond the limit of expanded bytes."""

    def __init__(self, stream: IO[bytes], file: str) -> None:
        super().__init__()
        self._stream = stream
        self._file = file
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._count += len(data)
        check_expanded(self._file, self._count)
        return len(data)


def check_expanded(file: str, size: int) -> None:
    """Refuse a dump that expands to too many bytes. Raises UnreadableDump."""
    if size > limits.EXPANDED_BYTES:
        raise UnreadableDump(
            file,
            f"it expands to more than {limits.EXPANDED_BYTES:,} bytes, the limit",
            "Deliver it in several files, if the size is right.",
        )


def python_codec(encoding: str) -> str:
    """Canonical name of an encoding; a byte order mark before UTF-8 is always skipped."""
    name = codecs.lookup(encoding).name
    return "utf-8-sig" if name == "utf-8" else name


def text_blocks(stream: IO[bytes], file: str, encoding: str) -> Iterator[str]:
    """Text in blocks of whole lines; bytes of no character are marked (`BAD_BYTE`).

    Raises:
        UnreadableDump: a line is longer than the limit.
    """
    text = io.TextIOWrapper(stream, python_codec(encoding), errors="mark_bad_bytes", newline="")
    longest, lines_before = limits.LINE_CHARACTERS, 0
    while block := text.read(BLOCK_CHARACTERS):
        last_line = max(block.rfind("\n"), block.rfind("\r")) + 1
        # A block may also end between the CR and the LF of one line end.
        if not block.endswith("\n"):
            block += text.readline(longest + 1 - (len(block) - last_line))
        if len(block) - last_line > longest and not block.endswith(("\n", "\r")):
            number = lines_before + _line_ends(block) + 1
            raise UnreadableDump(
                file,
                f"line {number:,} is longer than {longest:,} characters, the limit",
                "Correct `format` or `encoding` of its table in the sources file, or deliver it in lines.",
            )
        lines_before += _line_ends(block)
        yield block


def _line_ends(text: str) -> int:
    # Counting a pair of characters takes ten times as long as finding that there is none.
    bare = text.count("\r") - text.count("\r\n") if "\r" in text else 0
    return text.count("\n") + bare


def lines_of(text: str) -> Iterator[str]:
    """Lines of a text with their ends (LF, CRLF or CR)."""
    return io.StringIO(text, newline="")


def exact_lines(stream: IO[bytes], file: str, encoding: str) -> Iterator[str]:
    """Lines with their ends; bytes and errors as in `text_blocks`."""
    for block in text_blocks(stream, file, encoding):
        yield from lines_of(block)


def flaw(text: str, encoding: str) -> str | None:
    """Why a text cannot be stored, `None` if it can."""
    if not text.isascii() and (bad := BAD_BYTE.search(text)):
        return f"the byte {visible(bad[0])} is not {encoding}"
    return "a NUL byte" if "\0" in text else None


def visible(text: str) -> str:
    """A text with the bytes that cannot be stored written as `\\xNN`."""
    text = text.replace("\0", "\\x00")
    return text if text.isascii() else BAD_BYTE.sub(lambda bad: f"\\x{ord(bad[0]) - 0xDC00:02x}", text)


def without_end(line: str) -> str:
    """A line without its one line end."""
    return line[:-2] if line.endswith("\r\n") else line[:-1] if line.endswith(("\n", "\r")) else line
