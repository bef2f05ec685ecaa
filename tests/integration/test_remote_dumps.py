"""Dumps in object stores: a server that speaks S3, and one that answers as OSS does, both on this machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from warehouse import TODAY

from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.pull import pull, survey
from orchestration.core.settings import Settings
from orchestration.sources.source import load_sources

OBJECTS = {
    "dumps/events-2024-01-02.csv": b"event_id,kind\n1,view\n2,cart\n",
    "dumps/more/events-2024-01-03.csv": b"event_id,kind\n3,view\n",
    "elsewhere/events-2024-01-04.csv": b"event_id,kind\n4,view\n",
}
DECLARED = """
sources:
  shop:
    dumps: {place}
    feed: daily
    currency: CNY
    tables:
      events:
        files: "**/events-{{load_date}}.csv"
        format: csv
        columns: {{required: [event_id, kind]}}
"""


class Oss(http.server.BaseHTTPRequestHandler):
    """Lists and reads `OBJECTS` of a bucket named `bucket` in the words of OSS."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        name = unquote(address.path).removeprefix("/bucket/")
        if name in OBJECTS:
            self._answer(OBJECTS[name], "text/csv")
        elif self.command == "HEAD":
            self.send_error(404)
        else:
            asked = {key: values[0] for key, values in parse_qs(address.query).items()}
            listing = listed(asked.get("prefix", ""), asked.get("delimiter"))
            self._answer(listing.encode(), "application/xml")

    do_HEAD = do_GET

    def _answer(self, content: bytes, kind: str) -> None:
        wanted = self.headers.get("Range")
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            content = content[int(first) : int(last or len(content)) + 1]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{len(content)}"')
        self.send_header("Last-Modified", "Fri, 05 Jan 2024 00:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def listed(prefix: str, delimiter: str | None) -> str:
    """What OSS answers of the objects whose names begin so; those beyond a delimiter as a folder."""
    parts = {}
    for name, content in OBJECTS.items():
        below, is_folder, _ = name.removeprefix(prefix).partition(delimiter or "\n")
        if name.startswith(prefix) and is_folder:
            folder = f"{prefix}{below}{delimiter}"
            parts[folder] = f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        elif name.startswith(prefix):
            parts[name] = (
                f"<Contents><Key>{name}</Key><LastModified>2024-01-05T00:00:00.000Z</LastModified>"
                f'<ETag>"{len(content)}"</ETag><Type>Normal</Type><Size>{len(content)}</Size>'
                "<StorageClass>Standard</StorageClass></Contents>"
            )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>bucket</Name>'
        f"<IsTruncated>false</IsTruncated>{''.join(parts.values())}</ListBucketResult>"
    )


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import s3fs

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    bucket = s3fs.S3FileSystem()
    bucket.mkdir("bucket")
    for name, content in OBJECTS.items():
        bucket.pipe(f"bucket/{name}", content)
    yield "s3://bucket/dumps"
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def oss(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import fsspec.config

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Oss) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {
            "FSSPEC_OSS_KEY": "key",
            "FSSPEC_OSS_SECRET": "secret",
            "FSSPEC_OSS_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        }
        settings: dict[str, dict[str, str]] = {}
        fsspec.config.set_conf_env(settings, environment)
        monkeypatch.setitem(fsspec.config.conf, "oss", settings["oss"])
        yield "oss://bucket/dumps"
        server.shutdown()


@pytest.mark.parametrize("store", ["s3", "oss"])
def test_dumps_of_an_object_store_are_pulled_once(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = request.getfixturevalue(store)
    sources_file = tmp_path / "sources.yml"
    sources_file.write_text(DECLARED.format(place=place))
    settings = Settings(tmp_path / "home", sources_file)
    source = load_sources(sources_file, {})["shop"]

    report = pull(settings, source, None, None, TODAY)
    assert report.warnings == []
    files = ["events-2024-01-02.csv", "more/events-2024-01-03.csv"]
    assert [version.file for version in report.arrived] == files
    read = [pq.read_table(path)["kind"].to_pylist() for path in sorted(settings.arrivals.rglob("*.parquet"))]
    assert read == [["view", "cart"], ["view"]]
    landed = {path.name: path.read_bytes() for path in settings.landing.rglob("*.csv")}
    assert landed == {Path(name).name: content for name, content in list(OBJECTS.items())[:2]}
    with LoadManifest(settings.manifest) as manifest:
        deliveries = manifest.deliveries("shop")
    assert survey(settings, source, deliveries, None, TODAY)[0] == [], "a second pull has nothing to do"
