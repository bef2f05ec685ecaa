"""Addresses without credentials: as shown, and as the sources file may hold them."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.shop_home import ShopHome

from orchestration.arrival.dumps import open_dumps
from orchestration.core.errors import ConfigurationError, InputError
from orchestration.core.redact import redact
from orchestration.nightly.status import sources_text
from orchestration.sources.source import load_sources

TABLES = {"t": {"files": "*.csv", "format": "csv", "columns": {"required": ["a"]}}}


class Shop(ShopHome):
    tables = TABLES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sftp://joe:s3cret@host/a b", "sftp://***@host/a b"),
        ("at https://joe@host:80/x, and", "at https://***@host:80/x, and"),
        ("https://joe:s3/cr:et@host/x", "https://***@host/x"),
        ("'https://host/x?sig=abc&t=1'.", "'https://host/x?***'."),
        ("s3://bucket/a@b.csv?", "s3://bucket/a@b.csv?***"),
        ("http://a:b@x and http://c:d@y", "http://***@x and http://***@y"),
        ("/data/a@b?c", "/data/a@b?c"),
        ("write to a@b.cn: what? 12:30", "write to a@b.cn: what? 12:30"),
    ],
)
def test_addresses_are_shown_without_user_password_and_query(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "place", ["https://joe:s3cret@host/", "sftp://${JOE}:s3cret${X}@host/", "https://host/?sig=s3cret"]
)
def test_a_password_in_the_sources_file_is_refused(tmp_path: Path, place: str) -> None:
    file = Shop(tmp_path, feed="static", dumps=place).settings.sources_file
    said = r"source shop: `dumps` holds a password or token. Write \$\{NAME\}"
    with pytest.raises(InputError, match=said) as told:
        load_sources(file, {"JOE": "joe", "X": ""})
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("https://${JOE}:${PASSWORD}@host/dumps", "https://***@host/dumps"),
        ("sftp://joe@host/", "sftp://***@host/"),
        ("https://host/?sig=${PASSWORD}", "https://host/?***"),
    ],
)
def test_a_password_from_the_environment_is_used_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, shown: str
) -> None:
    monkeypatch.setenv("JOE", "joe")
    monkeypatch.setenv("PASSWORD", "s3cret")
    shop = Shop(tmp_path, feed="static", dumps=place)
    assert "s3cret" in str(shop.source.dumps) or "PASSWORD" not in place
    text = sources_text(shop.settings)
    assert shown in text and "s3cret" not in text


def test_a_place_that_is_named_for_one_run_holds_no_password(tmp_path: Path) -> None:
    shop = Shop(tmp_path, feed="static")
    with pytest.raises(InputError, match="The location given for the dumps holds a password") as told:
        shop.pull(dumps="ftp://joe:s3cret@host/")
    assert "s3cret" not in str(told.value)
    with pytest.raises(ConfigurationError, match="cannot be opened") as told:
        open_dumps("gopher+x://joe:s3cret@host/")
    assert "s3cret" not in str(told.value)
