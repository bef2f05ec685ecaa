"""Where dumps lie: a local folder, or any address that fsspec knows (s3://, oss://, http(s)://, file://)."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast
from urllib.parse import unquote, urljoin, urlsplit

import fsspec

from orchestration.arrival import limits
from orchestration.arrival.file_versions import Hint
from orchestration.arrival.web_page import (
    PAGE_TYPES,
    Page,
    encoded,
    has_file_name,
    host,
    path_below,
    path_of,
    read_page,
)
from orchestration.core.errors import ConfigurationError
from orchestration.core.printable import is_printable, printable, shortened
from orchestration.core.redact import redact

# What file systems call the mark of a change, the surest first.
CHANGE_MARKS = ("ETag", "etag", "LastModified", "Last-Modified", "mtime", "Content-MD5", "last_modified")
# Of one web listing: more pages, or a larger one, are no list of dumps.
MOST_PAGES, PAGE_BYTES = 10_000, 64 << 20


Entry = tuple[str, dict[str, Any]]


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
    if location.startswith(("http://", "https://")):
        return WebDumps(location)
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
    """Dumps below an address, such as a bucket and prefix; or one file."""

    # Of the file system's `open`.
    _reading: Mapping[str, Any] = {}

    def __init__(self, url: str) -> None:
        self._url = redact(url)
        try:
            self._fs, self._root = self._open_place(url)
        except (ValueError, ImportError) as error:
            raise ConfigurationError(redact(f"dumps: {url} cannot be opened: {error}")) from None

    def files(self) -> tuple[list[Dump], list[str]]:
        """List what lies below the address; a name that climbs out of it is refused with a warning.

        Raises:
            DumpsUnreachable: there is nothing at the address, it does not answer, does not let us in, or is
                no list of files.
        """
        # File systems are shared within a process and remember listings: a daemon would never see a new dump.
        self._fs.invalidate_cache()
        try:
            entries, warnings = self._entries()
        except DumpsUnreachable:
            raise
        except FileNotFoundError as error:
            if refused := _refusal(error):
                raise self._unlisted(refused) from None
            raise _nothing_at(self._url) from None
        except Exception as error:
            # Each file system raises what its client library raises; none of it is about us.
            raise self._unlisted(f"{type(error).__name__}: {error}") from None
        dumps = []
        for name, info in sorted(entries, key=lambda entry: entry[0]):
            if bad := bad_name(name):
                warnings.append(_bad_name_warning(name, bad))
            elif not any(is_hidden(part) for part in PurePosixPath(name).parts):
                dumps.append(Dump(name, info["name"], _hint(info)))
        return dumps, warnings

    def open(self, dump: Dump) -> IO[bytes]:
        """Open the file as a stream. It and its reading raise DumpsUnreachable when that is not possible."""
        told = partial(self._unread, dump)
        try:
            stream = self._fs.open(dump.address, "rb", **self._reading)
        except Exception as error:
            raise told(error) from None
        return cast(IO[bytes], _RemoteStream(stream, told))

    def is_as_listed(self, dump: Dump) -> bool:
        """Whether a dump that was copied is still what the listing said: stores give a file whole."""
        return True

    def _open_place(self, url: str) -> tuple[Any, str]:
        fs, root = fsspec.core.url_to_fs(url)
        return fs, root

    def _unread(self, dump: Dump, error: Exception) -> DumpsUnreachable:
        # As in `files`; a client library may quote the address with all that is in it.
        return DumpsUnreachable(
            f"dumps: {dump.name} at {self._url} cannot be read: {type(error).__name__}: {error}."
            " Run again; if the problem persists, ask the supplier of the dumps."
        )

    def _unlisted(self, reason: str) -> DumpsUnreachable:
        return DumpsUnreachable(
            f"dumps: {self._url} cannot be listed: {reason}."
            " Check the address, the network and the credentials in the environment."
        )

    def _entries(self) -> tuple[list[Entry], list[str]]:
        """Relative name and listing of each file, and warnings."""
        root = self._root.rstrip("/")
        found = [
            (path.removeprefix(root).lstrip("/") or PurePosixPath(path).name, info)
            for path, info in self._fs.find(root, detail=True).items()
            if info["type"] == "file" and not path.endswith("/")
        ]
        if not found and not self._fs.exists(self._root):
            raise _nothing_at(self._url)
        return found, []


class _RemoteStream(io.RawIOBase):
    """A stream of a file system's, whose errors are told as ours."""

    def __init__(self, stream: IO[bytes], told: Callable[[Exception], DumpsUnreachable]) -> None:
        self._stream, self._told = stream, told

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`. Raises DumpsUnreachable."""
        try:
            return self._stream.read(size)
        except Exception as error:
            raise self._told(error) from None

    def close(self) -> None:
        """Close the stream behind it."""
        self._stream.close()
        super().close()


class WebDumps(RemoteDumps):
    """Dumps that a web page links to, with the pages of the folders below it; or one file."""

    # Without blocks a web server need not know ranges, and the copy is one request.
    _reading: Mapping[str, Any] = {"block_size": 0}

    def _open_place(self, url: str) -> tuple[Any, str]:
        address, login = _web_login(url)
        # A link is asked for as the page has it: a signature may cover each letter.
        fs, root = fsspec.core.url_to_fs(encoded(address), encoded=True, **login)
        return fs, root

    def _entries(self) -> tuple[list[Entry], list[str]]:
        """Follow the links of pages as far as they stay below the first one.

        Raises DumpsUnreachable for a page that lists nothing and is no list of files.
        """
        top = self._fs.info(self._root)
        if not _is_page(top):
            name = path_below(self._root, urljoin(self._root, "."))
            if name is None:
                raise self._unlisted(f"it answers with {top.get('mimetype')}, and not with a page of links")
            return [(name, top)], []
        first = self._page(self._root, top)
        folder, found, warnings = first.folder, {}, []
        pages, met = [first], {self._root, first.address}
        for page in pages:
            for link in page.links:
                name, is_more = path_below(link, folder), page.goes_on_at(link)
                if link in met or not (name or is_more) or name in found:
                    continue
                met.add(link)
                info = self._linked(link)
                if info is None:
                    warnings.append(f"{link} is listed, but there is nothing, and it is not read.")
                elif is_more or any(path_of(address).endswith("/") for address in (link, info["url"])):
                    if _is_page(info) and info["url"] not in met - {link}:
                        met.add(info["url"])
                        pages.append(self._page(link, info, folder))
                elif name and (has_file_name(link) or not _is_page(info)):
                    found[name] = info
            if len(pages) > MOST_PAGES:
                raise self._unlisted(f"it has more than {MOST_PAGES:,} pages")
        if not found and (reason := first.why_no_list()):
            raise self._unlisted(reason)
        warnings += [f"{link} is on another host and is not read." for link in _of_others(pages, found)]
        return list(found.items()), list(map(redact, warnings))

    def _linked(self, link: str) -> dict[str, Any] | None:
        """What the server says of a link; `None` for one that leads nowhere."""
        try:
            info: dict[str, Any] = self._fs.info(link)
        except FileNotFoundError as error:
            if reason := _refusal(error):
                raise self._unlisted(f"{reason} for {link}") from None
            return None
        return info

    def _page(self, asked: str, info: dict[str, Any], folder: str | None = None) -> Page:
        """Read a page. Raises DumpsUnreachable for another host's, and for one that is not below `folder`."""
        address = info["url"]
        if host(address) != host(asked):
            raise self._unlisted(
                f"{asked} leads to another host, {host(address)} and not {host(asked)}."
                f" If the dumps are there, give {address} instead"
            )
        if folder and path_below(address, folder) is None and path_of(address) != path_of(folder):
            raise self._unlisted(f"{asked} leads out of it, to {address}, which may be a login page")
        with self._fs.open(address, "rb", **self._reading) as stream:
            content = stream.read(PAGE_BYTES + 1)
        if len(content) > PAGE_BYTES:
            raise self._unlisted(f"{asked} is a page of more than {PAGE_BYTES:,} bytes")
        return read_page(content.decode("utf-8", "replace"), address, asked)


Dumps = LocalDumps | RemoteDumps


def _is_page(info: Mapping[str, Any]) -> bool:
    """Whether a web server calls it a page; it need not say so of a folder."""
    kind = info.get("mimetype")
    return kind in PAGE_TYPES or (kind is None and path_of(info["url"]).endswith("/"))


def _refusal(error: FileNotFoundError) -> str:
    """Why a web server, which is told as the cause, gave no file; empty where there is none."""
    status = getattr(error.__cause__, "status", None)
    if error.__cause__ is None or status == 404:
        return ""
    return (
        f"the server answers {status}" if status else f"{type(error.__cause__).__name__}: {error.__cause__}"
    )


def _of_others(pages: Sequence[Page], found: Iterable[str]) -> list[str]:
    """Links of these pages to files of other hosts that are called like found ones."""
    own, suffixes = host(pages[0].address), {PurePosixPath(name).suffix for name in found}
    links = dict.fromkeys(link for page in pages for link in page.links if host(link) != own)
    return [link for link in links if has_file_name(link) and PurePosixPath(path_of(link)).suffix in suffixes]


def _web_login(url: str) -> tuple[str, dict[str, Any]]:
    """An address without user and password, and these as options: no error can quote them then."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    from aiohttp import BasicAuth

    login = BasicAuth(unquote(parts.username), unquote(parts.password or ""))
    netloc = parts.netloc.rpartition("@")[2]
    # Of each request and not of the session, which would tell it to the host of a redirect, too.
    return parts._replace(netloc=netloc).geturl(), {"auth": login}


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
