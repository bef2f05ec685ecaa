"""Landing and the places dumps come from."""

import functools
import hashlib
import http.server
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from orchestration.arrival.dumps import open_dumps
from orchestration.arrival.landing import land
from orchestration.core.errors import ConfigurationError


def test_landing_keeps_bytes_under_their_checksum(tmp_path: Path):
    content = b"a,b\r\n\xff\x00" * 300_000
    landed = land(io.BytesIO(content), tmp_path, "shop", "day/a.csv")
    digest = hashlib.sha256(content).hexdigest()
    assert landed.path == tmp_path / "shop" / digest[:12] / "day" / "a.csv"
    assert (landed.sha256, landed.size) == (digest, len(content))
    assert landed.path.read_bytes() == content
    assert landed.path.stat().st_mode & 0o777 == 0o444
    assert land(io.BytesIO(content), tmp_path, "shop", "day/a.csv") == landed


def test_a_copy_that_breaks_off_leaves_nothing(tmp_path: Path):
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("connection lost")
            return super().read(2)

    with pytest.raises(OSError, match="connection lost"):
        land(Broken(b"abcdef"), tmp_path, "shop", "a.csv")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def fill(folder: Path) -> Path:
    (folder / "sub").mkdir(parents=True)
    (folder / "a b.csv").write_bytes(b"1\n")
    (folder / "sub" / "中.csv").write_bytes(b"22\n")
    (folder / ".hidden").touch()
    return folder


def listed(location: str) -> dict[str, int | None]:
    return {dump.name: dump.hint.size for dump in open_dumps(location).files()[0]}


def first_of(location: str) -> bytes:
    dumps = open_dumps(location)
    with dumps.open(dumps.files()[0][0]) as stream:
        return stream.read()


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_local_folders_and_files(tmp_path: Path, prefix: str):
    folder = f"{prefix}{fill(tmp_path / 'dumps')}"
    assert listed(folder) == {"a b.csv": 2, "sub/中.csv": 3}
    assert listed(f"{folder}/a b.csv") == {"a b.csv": 2}
    assert first_of(folder) == b"1\n"


def test_links_that_lead_out_are_refused(tmp_path: Path):
    folder = fill(tmp_path / "dumps")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "s.csv").touch()
    (folder / "out.csv").symlink_to(tmp_path / "secrets" / "s.csv")
    (folder / "outside").symlink_to(tmp_path / "secrets")
    (folder / "in.csv").symlink_to(folder / "a b.csv")
    dumps, warnings = open_dumps(str(folder)).files()
    assert [dump.name for dump in dumps] == ["a b.csv", "in.csv", "sub/中.csv"]
    assert [warning.split(" leads out of ")[0] for warning in warnings] == ["out.csv", "outside"]


def test_a_place_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"nothing at .*/none[\s\S]*--dumps"):
        open_dumps(str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        open_dumps("gopher://x/y")
    with pytest.raises(ConfigurationError, match="nothing at memory://nowhere"):
        open_dumps("memory://nowhere").files()


def test_any_fsspec_address_sees_new_dumps(tmp_path: Path):
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/dumps/sub/a.csv", b"1\n")
    memory.pipe("/bucket/dumps/.hidden", b"")
    memory.pipe("/bucket/dumpster.csv", b"")
    assert listed("memory://bucket/dumps") == {"sub/a.csv": 2}
    memory.pipe("/bucket/dumps/b.csv", b"22\n")
    assert listed("memory://bucket/dumps/") == {"sub/a.csv": 2, "b.csv": 3}
    assert listed("memory://bucket/dumps/b.csv") == {"b.csv": 3}
    assert first_of("memory://bucket/dumps") == b"22\n"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(fill(tmp_path / "dumps").parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_web_pages_with_links(web: str, tmp_path: Path):
    assert listed(f"{web}/dumps/") == listed(f"{web}/dumps") == {"a b.csv": 2, "sub/中.csv": 3}
    assert listed(f"{web}/dumps/a%20b.csv") == {"a b.csv": 2}
    # The server knows no ranges, so that a large dump comes whole.
    content = bytes(range(256)) * 50_000
    (tmp_path / "dumps" / "large.csv").write_bytes(content)
    dumps = open_dumps(f"{web}/dumps/")
    large = next(dump for dump in dumps.files()[0] if dump.name == "large.csv")
    assert large.hint.changed
    with dumps.open(large) as stream:
        landed = land(stream, tmp_path / "landing", "shop", large.name)
    assert landed.sha256 == hashlib.sha256(content).hexdigest()
    with pytest.raises(ConfigurationError, match="nothing at"):
        open_dumps(f"{web}/none/").files()
