"""Homes that a warehouse can have, and those that it is refused before anything is made."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb
import pytest
from odd_names import ODD_NAME, SIGNS

from orchestration.build.failures import explain_failure
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.machine import machine_fault, require_home
from orchestration.core.settings import LONGEST_HOME, UNSAFE, Settings


def home_of(monkeypatch: pytest.MonkeyPatch, path: object) -> Path:
    monkeypatch.setenv("AIPL_HOME", str(path))
    return Settings.from_environment().home


def refused(monkeypatch: pytest.MonkeyPatch, path: object) -> str:
    with pytest.raises(InputError) as caught:
        home_of(monkeypatch, path)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_home_of_any_name_works_or_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`test_nightly` makes releases in a home of this odd name."""
    assert home_of(monkeypatch, tmp_path / ODD_NAME) == tmp_path / ODD_NAME
    for sign in UNSAFE:
        assert f"holds {sign} " in refused(monkeypatch, tmp_path / f"a{sign}b")
    signs = {sign for sign in map(chr, range(33, 127)) if not sign.isalnum()}
    assert signs == {*SIGNS, *UNSAFE, "/"}
    for text in ("a\nb", "a\tb", "a\x1bb", "a\udcffb", "a\u200bb", "a\u2028b"):
        assert "cannot be printed" in refused(monkeypatch, tmp_path / text)
    assert "no path" in refused(monkeypatch, "~nobody_of_this_name/home")
    assert not list(tmp_path.iterdir())


def test_what_a_link_or_the_working_folder_adds_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "shop [1]"
    odd.mkdir()
    (tmp_path / "link").symlink_to(odd)
    monkeypatch.chdir(odd)
    assert "holds [ ]" in refused(monkeypatch, tmp_path / "link" / "home")
    assert "holds [ ]" in refused(monkeypatch, "home")


def test_a_home_that_is_too_long_or_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = LONGEST_HOME - len(os.fsencode(tmp_path)) - 1
    home = tmp_path / "/".join(["a" * 100] * (room // 101))
    assert home_of(monkeypatch, home) == home
    assert "longer than" in refused(monkeypatch, tmp_path / (("a" * 100 + "/") * 5))
    assert "longer than" in refused(monkeypatch, tmp_path / (("中" * 50 + "/") * 3))
    (tmp_path / "file").touch()
    assert "no folder" in refused(monkeypatch, tmp_path / "file")
    assert "no folder" in refused(monkeypatch, tmp_path / "file" / "home")


def test_a_home_that_cannot_be_made_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_home(tmp_path / "new" / "home")
    assert (tmp_path / "new" / "home").is_dir()
    with pytest.raises(EnvironmentStop, match="AIPL_HOME /proc/home cannot be used: "):
        require_home(Path("/proc/home"))
    with pytest.raises(EnvironmentStop, match="File name too long"):
        require_home(tmp_path / ("a" * 300))
    # Root may write everywhere, so the system's answer is made up.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(EnvironmentStop, match="may not write there"):
        require_home(tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        OSError(30, "Read-only file system", "/home/shop/raw/x"),
        PermissionError(13, "Permission denied", "/home/shop/raw/x"),
        RuntimeError('IO Error: Cannot open file "/home/shop/raw/x": Permission denied'),
    ],
)
def test_a_place_that_is_shut_is_told_in_a_sentence(error: Exception) -> None:
    wrapped = ValueError("of some library")
    wrapped.__cause__ = error
    known = machine_fault(wrapped)
    assert known is not None and known.exit_code == 2
    assert str(known).startswith("/home/shop/raw/x cannot be used: ")
    assert machine_fault(ValueError("Permission denied by the shop")) is None
    assert machine_fault(FileNotFoundError(2, "No such file", "/home/shop/raw/x")) is None


def test_too_little_memory_names_its_limit_and_the_setting(tmp_path: Path) -> None:
    with (
        duckdb.connect(config={"memory_limit": "20MB", "temp_directory": ""}) as connection,
        pytest.raises(duckdb.OutOfMemoryException) as caught,
    ):
        connection.execute("create table t as select md5(range::varchar) as a from range(9_000_000)")
    node = {"unique_id": "model.tiny.t", "status": "error", "message": f"Runtime Error\n  {caught.value}"}
    (tmp_path / "run_results.json").write_text(json.dumps({"results": [node]}))
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    for known in (machine_fault(caught.value), explain_failure(settings, tmp_path, None)):
        assert isinstance(known, EnvironmentStop)
        assert "(19.0 MiB)" in str(known) and "Set AIPL_MEMORY" in str(known)
