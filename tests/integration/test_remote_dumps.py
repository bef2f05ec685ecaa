"""Dumps in object stores: a server that speaks S3, and one that answers as OSS does, both on this machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from warehouse import TODAY

from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.pull import discover, pull
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
            return
        asked = parse_qs(address.query)
        prefix, delimiter = asked.get("prefix", [""])[0], asked.get("delimiter", [""])[0]
        below = [key for key in OBJECTS if key.startswith(prefix)]
        here = [key for key in below if not delimiter or delimiter not in key.removeprefix(prefix)]
        folders = {
            prefix + key.removeprefix(prefix).split(delimiter)[0] + delimiter
            for key in below
            if key not in here
        }
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2024-01-05T00:00:00.000Z</LastModified>"
            f'<ETag>"{len(OBJECTS[key])}"</ETag><Type>Normal</Type><Size>{len(OBJECTS[key])}</Size>'
            "<StorageClass>Standard</StorageClass></Contents>"
            for key in here
        )
        prefixes = "".join(
            f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
            for folder in sorted(folders)
        )
        listing = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>bucket</Name>'
            f"<IsTruncated>false</IsTruncated>{contents}{prefixes}</ListBucketResult>"
        )
        self._answer(listing.encode(), "application/xml")

    def do_HEAD(self) -> None:
        name = unquote(urlsplit(self.path).path).removeprefix("/bucket/")
        if name in OBJECTS:
            self._answer(OBJECTS[name], "text/csv")
        else:
            self.send_error(404)

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
    assert [version.file for version in report.arrived] == [
        "events-2024-01-02.csv",
        "more/events-2024-01-03.csv",
    ]
    read = [
        pq.read_table(path, columns=["event_id", "kind"]).to_pylist()
        for path in sorted(settings.arrivals.rglob("*.parquet"))
    ]
    assert read == [
        [{"event_id": "1", "kind": "view"}, {"event_id": "2", "kind": "cart"}],
        [{"event_id": "3", "kind": "view"}],
    ]
    landed = {path.name: path.read_bytes() for path in settings.landing.rglob("*.csv")}
    assert landed == {Path(name).name: content for name, content in list(OBJECTS.items())[:2]}
    with LoadManifest(settings.manifest) as manifest:
        deliveries = manifest.deliveries("shop")
    assert discover(settings, source, deliveries, None, TODAY) == [], "a second pull has nothing to do"
