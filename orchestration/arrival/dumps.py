"""Where dumps lie: a local folder, or any address that fsspec knows (s3://, oss://, http(s)://, file://)."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import fsspec

from orchestration.arrival import limits
from orchestration.arrival.file_versions import Hint
from orchestration.core.errors import ConfigurationError
from orchestration.core.printable import is_printable, printable, shortened
from orchestration.core.redact import redact

# What file systems call the mark of a change, the surest first.
CHANGE_MARKS = ("ETag", "etag", "LastModified", "Last-Modified", "mtime", "Content-MD5", "last_modified")


class DumpsUnreachable(ConfigurationError):
    """The place of the dumps is not there, does not answer, or does not let us in.

    Its message is shown, stored and sent: raise it `from None`, since its cause may quote credentials.
    """

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


@dataclass(frozen=True)
class Dump:
    """A file in the dumps: its name relative to them, its address, and what the listing says of it."""

    name: str
    address: str
    hint: Hint


def is_hidden(name: str) -> bool:
    """Whether a name is no dump's but a note of some tool, such as `.part` or `_SUCCESS`."""
    return name.startswith((".", "_"))


def bad_name(name: str) -> str | None:
    """Why a name is not taken as the name of a dump; `None` if it is.

    It becomes a path in landing, a text in raw, and is shown to people.
    """
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/") or "\\" in name:
        return "leads out of the dumps"
    if not is_printable(name):
        return "holds what cannot be printed or is no UTF-8"
    if len(name.encode()) > limits.NAME_BYTES or any(
        len(part.encode()) > limits.NAME_PART_BYTES for part in parts
    ):
        return f"is longer than {limits.NAME_PART_BYTES} bytes, or {limits.NAME_BYTES:,} with its folders"
    return None


def open_dumps(location: str) -> Dumps:
    """Give access to the dumps at a local path or an address; either may name a single file.

    Raises:
        DumpsUnreachable: a local path does not exist.
        ConfigurationError: nothing is known of this kind of address.
    """
    if location.startswith("file://"):
        location = unquote(urlsplit(location).path)
    if "://" in location:
        return RemoteDumps(location)
    path = Path(location).expanduser()
    if not path.exists():
        raise _nothing_at(location)
    return LocalDumps(path.resolve())


class LocalDumps:
    """Dumps in a local folder, or one local file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def files(self) -> tuple[list[Dump], list[str]]:
        """List the dumps by name, and warnings about what is no regular file within the folder.

        Raises:
            DumpsUnreachable: a folder cannot be listed.
        """
        is_file = self._path.is_file()
        folder = self._path.parent if is_file else self._path
        dumps, warnings = [], []
        for path in [self._path] if is_file else sorted(_walk(folder)):
            name = path.relative_to(folder).as_posix()
            if reason := bad_name(name):
                warnings.append(_bad_name_warning(name, reason))
            elif reason := _not_a_file(path, folder):
                warnings.append(f"{name} {reason} and is not read. Copy the file there instead.")
            else:
                # It may be gone since the folder was listed: then it is no dump any more.
                with suppress(FileNotFoundError):
                    dumps.append(self._dump(path, name))
        return dumps, warnings

    def open(self, dump: Dump) -> IO[bytes]:
        """Open a dump to copy it; what may have taken its place is not waited for.

        Raises OSError when it is gone, or is no file any more.
        """
        descriptor = os.open(dump.address, os.O_RDONLY | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "it is no regular file any more", dump.address)
        return os.fdopen(descriptor, "rb")

    def is_as_listed(self, dump: Dump) -> bool:
        """Whether size and mtime of a dump that was copied are still those of the listing."""
        try:
            return self._dump(Path(dump.address), dump.name).hint == dump.hint
        except FileNotFoundError:
            return False

    def _dump(self, path: Path, name: str) -> Dump:
        status = path.stat()
        return Dump(name, str(path), Hint(status.st_size, str(status.st_mtime_ns)))


class RemoteDumps:
    """Dumps below an address: a bucket and prefix, or a web page that links to them; or one file."""

    def __init__(self, url: str) -> None:
        self._is_web = url.startswith(("http://", "https://"))
        self._url = redact(url)
        try:
            address, options = _web_login(url) if self._is_web else (url, {})
            self._fs, self._root = fsspec.core.url_to_fs(address, **options)
        except (ValueError, ImportError) as error:
            raise ConfigurationError(redact(f"dumps: {url} cannot be opened: {error}")) from None

    def files(self) -> tuple[list[Dump], list[str]]:
        """List what lies below the address; a name that climbs out of it is refused with a warning.

        Raises:
            DumpsUnreachable: there is nothing at the address, it does not answer, or does not let us in.
        """
        # File systems are shared within a process and remember listings: a daemon would never see a new dump.
        self._fs.invalidate_cache()
        try:
            entries = list(self._entries())
        except FileNotFoundError as error:
            # What a web server answers is told as its cause, a refusal too.
            status = getattr(error.__cause__, "status", 404)
            if status == 404:
                raise _nothing_at(self._url) from None
            raise self._unlisted(f"the server answers {status}") from None
        except Exception as error:
            # Each file system raises what its client library raises; none of it is about us.
            raise self._unlisted(f"{type(error).__name__}: {error}") from None
        if not entries and not self._is_web and not self._fs.exists(self._root):
            raise _nothing_at(self._url)
        dumps, warnings = [], []
        for name, info in sorted(entries, key=lambda entry: entry[0]):
            if reason := bad_name(name):
                warnings.append(_bad_name_warning(name, reason))
            elif not any(is_hidden(part) for part in PurePosixPath(name).parts):
                dumps.append(Dump(name, info["name"], _hint(info)))
        return dumps, warnings

    def open(self, dump: Dump) -> IO[bytes]:
        """Open the file as a stream. Raises DumpsUnreachable when that is not possible any more."""
        # Without blocks a web server need not know ranges, and the copy is one request.
        options = {"block_size": 0} if self._is_web else {}
        try:
            stream: IO[bytes] = self._fs.open(dump.address, "rb", **options)
        except Exception as error:
            # As in `files`; a client library may quote the address with all that is in it.
            raise DumpsUnreachable(
                f"dumps: {dump.name} at {self._url} cannot be read: {type(error).__name__}: {error}."
                " Run again; if the problem persists, ask the supplier of the dumps."
            ) from None
        return stream

    def is_as_listed(self, dump: Dump) -> bool:
        """Whether a dump that was copied is still what the listing said: stores give a file whole."""
        return True

    def _unlisted(self, reason: str) -> DumpsUnreachable:
        return DumpsUnreachable(
            f"dumps: {self._url} cannot be listed: {reason}."
            " Check the address, the network and the credentials in the environment."
        )

    def _entries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Relative name and listing of each file."""
        if self._is_web:
            yield from self._web_entries()
            return
        root = self._root.rstrip("/")
        for path, info in self._fs.find(root, detail=True).items():
            if info["type"] == "file" and not path.endswith("/"):
                yield path.removeprefix(root).lstrip("/") or PurePosixPath(path).name, info

    def _web_entries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Follow the links of index pages that stay below the address; the address may be a file itself."""
        top = self._fs.info(self._root)
        if top.get("mimetype") != "text/html":
            yield unquote(PurePosixPath(urlsplit(self._root).path).name), top
            return
        root = self._root.rstrip("/") + "/"
        pages, seen = [root], {root}
        while pages:
            for link in self._fs.ls(pages.pop(), detail=False):
                if link in seen or not link.startswith(root) or "?" in link or "#" in link:
                    continue
                seen.add(link)
                if link.endswith("/"):
                    pages.append(link)
                else:
                    yield unquote(link.removeprefix(root)), self._fs.info(link)


Dumps = LocalDumps | RemoteDumps


def _web_login(url: str) -> tuple[str, dict[str, Any]]:
    """An address without user and password, and these as options: no error can quote them then."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    from aiohttp import BasicAuth

    login = BasicAuth(unquote(parts.username), unquote(parts.password or ""))
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl(), {"client_kwargs": {"auth": login}}


def _walk(folder: Path) -> Iterator[Path]:
    """Files and links below a folder, without hidden files and folders; linked folders are not entered."""

    def unlisted(error: OSError) -> None:
        raise DumpsUnreachable(
            f"dumps: {error.filename} cannot be listed: {error.strerror}. Let the pipeline read that folder."
        ) from error

    for parent, folders, files in os.walk(folder, onerror=unlisted, followlinks=False):
        folders[:] = [name for name in folders if not is_hidden(name)]
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        yield from (Path(parent) / name for name in [*files, *links] if not is_hidden(name))


def _not_a_file(path: Path, folder: Path) -> str | None:
    """Why a path below `folder` is not read; `None` for a regular file, or a link to one within."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        # Before Python 3.13 a loop is a RuntimeError.
        return f"leads out of {folder} or nowhere" if path.is_symlink() else None
    if not target.is_relative_to(folder):
        return f"leads out of {folder}"
    return None if target.is_file() else "is no regular file"


def _bad_name_warning(name: str, reason: str) -> str:
    shown = shortened(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"), 300)
    return f"{printable(shown)} is not read: its name {reason}. Rename the file."


def _hint(info: dict[str, Any]) -> Hint:
    changed = next((str(info[mark]) for mark in CHANGE_MARKS if info.get(mark)), "")
    return Hint(info.get("size"), changed)


def _nothing_at(location: str) -> DumpsUnreachable:
    return DumpsUnreachable(
        f"dumps: there is nothing at {location}."
        " Correct `dumps` in the sources file, or give another location with --dumps."
    )
