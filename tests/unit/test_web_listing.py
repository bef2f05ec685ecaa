"""Dumps behind a web page: what is listed, and what a page that lists nothing is called."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from unit.shop_home import ShopHome

from orchestration.arrival.dumps import DumpsUnreachable, open_dumps
from orchestration.arrival.receive import receive

CSV, CUT = "text/csv", "text/plain"
INDEX = "<title>Index of /</title>"
LOGIN = '<form action="/in"><input name="user"></form><a href="/help">Help</a><a href="/">Home</a>'


TABLES = {"a": {"files": "a_{load_date}.csv", "format": "csv", "columns": {"required": ["id"]}}}


class Shop(ShopHome):
    tables = TABLES


@dataclass
class Site:
    """Pages and files by address; an answer is its type and content, or where it sends the reader."""

    answers: dict[str, tuple[str, str] | str | int] = field(default_factory=dict)
    host: str = ""
    asked: list[str] = field(default_factory=list)
    logins: dict[str, set[str | None]] = field(default_factory=dict)

    def page(self, address: str, *links: str, words: str = "") -> None:
        listed = "".join(f'<li><A class="x" HREF="{link}">{link}</A></li>' for link in links)
        self.answers[address] = ("text/html", f"<html>{words}<ul>{listed}</ul></html>")

    def files(self, *addresses: str) -> None:
        self.answers |= dict.fromkeys(addresses, (CSV, "id\n1\n"))

    def listed(self, address: str) -> dict[str, str]:
        dumps, _ = open_dumps(f"http://{self.host}{address}").files()
        return {dump.name: dump.address.removeprefix(f"http://{self.host}") for dump in dumps}

    def refused(self, address: str) -> str:
        with pytest.raises(DumpsUnreachable) as caught:
            open_dumps(f"http://{self.host}{address}").files()
        return str(caught.value)


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            found.logins.setdefault(self.headers["Host"], set()).add(self.headers.get("Authorization"))
            known = found.answers.get(self.path, 404)
            if isinstance(known, str):
                self.send_response(302)
                self.send_header("Location", known)
            else:
                self.send_response(known if isinstance(known, int) else 200)
            kind, content = known if isinstance(known, tuple) else ("text/html", "")
            missing = 5 if kind == CUT and self.command == "GET" else 0
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content.encode()) + missing))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content.encode())

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.host = f"127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()


def test_links_are_read_as_a_browser_reads_them(site: Site) -> None:
    signed = "/d/b.csv?sig=a%2Bb%2F%3D&amp;exp=1"
    site.page(
        "/d/", "a.csv", signed, "/d/c.csv#top", f"http://{site.host}/d/e%20f.csv", "g h.csv", "%E4%B8%AD.csv"
    )
    site.files("/d/a.csv", signed.replace("&amp;", "&"), "/d/c.csv", "/d/e%20f.csv", "/d/g%20h.csv")
    site.files("/d/%E4%B8%AD.csv")
    assert site.listed("/d/") == {
        "a.csv": "/d/a.csv",
        "b.csv": signed.replace("&amp;", "&"),
        "c.csv": "/d/c.csv",
        "e f.csv": "/d/e%20f.csv",
        "g h.csv": "/d/g%20h.csv",
        "中.csv": "/d/%E4%B8%AD.csv",
    }
    dumps = open_dumps(f"http://{site.host}/d/")
    with dumps.open(next(dump for dump in dumps.files()[0] if dump.name == "b.csv")) as stream:
        assert stream.read() == b"id\n1\n"
    assert signed.replace("&amp;", "&") in site.asked, "a signature is sent to the letter"


def test_folders_pages_and_bases(site: Site) -> None:
    site.answers["/d"] = "/d/"
    site.page("/d/", "?C=N;O=D", "../", "2024", "old/", "index.html", "gone.csv", "/other/x.csv", "?page=2")
    site.page("/d/?page=2", "?page=1", "?page=2", "late.csv")
    site.answers["/d/2024"] = "/d/2024/"
    site.page("/d/2024/", "/d/", "a.csv")
    site.page("/d/old/", "../", "a.csv", words='<base href="/d/old/deep/">')
    site.page("/d/index.html")
    site.files("/d/late.csv", "/d/2024/a.csv", "/d/old/deep/a.csv", "/other/x.csv")
    names = {"late.csv", "2024/a.csv", "old/deep/a.csv"}
    assert set(site.listed("/d")) == set(site.listed("/d/")) == names
    assert not [path for path in site.asked if "C=N" in path or "other" in path]
    _, warnings = open_dumps(f"http://{site.host}/d/").files()
    assert [warning for warning in warnings if "gone.csv" in warning]


def test_a_page_by_another_name_or_place(site: Site) -> None:
    site.page("/list.php", "files/a.csv")
    site.files("/files/a.csv")
    assert set(site.listed("/list.php")) == {"files/a.csv"}
    site.page("/plain", "/plain/a.csv")
    site.answers |= {"/moved/": "/plain", "/plain/a.csv": (CSV, "1")}
    assert set(site.listed("/plain")) == set(site.listed("/moved/")) == {"a.csv"}


def test_an_empty_list_of_files_is_believed_where_it_calls_itself_one(site: Site) -> None:
    site.page("/empty/", "../", words=INDEX)
    site.page("/bare/", words="<title>Directory listing for /bare/</title>")
    assert site.listed("/empty/") == site.listed("/bare/") == {}
    site.page("/home/", "/", words="Nothing to see here")
    assert "a page without links" in site.refused("/home/")


def test_what_is_no_list_is_called_what_it_is(site: Site) -> None:
    other = f"localhost:{site.host.partition(':')[2]}"
    site.answers["/sso/"] = "/signin"
    site.answers["/signin"] = ("text/html", LOGIN)
    assert "login page (/signin)" in site.refused("/sso/")
    site.answers["/pass/"] = ("text/html", INDEX + '<form><input type="PASSWORD"></form>')
    assert "login page" in site.refused("/pass/")
    site.answers["/js/"] = (
        "text/html",
        '<div id="app"></div><script src="app.js"></script><a href="/">x</a>',
    )
    told = site.refused("/js/")
    assert "a page without links" in told
    assert "JavaScript" in told
    site.page("/cdn/", f"http://{other}/plain/a.csv?sig=x", f"//{other}/plain/b.csv")
    told = site.refused("/cdn/")
    assert f"another host, {other} and not {site.host}" in told
    assert f"http://{other}/plain/ instead" in told
    site.answers["/away/"] = f"http://{other}/d/"
    site.answers["/d/"] = ("text/html", "")
    assert f"another host, {other} and not {site.host}" in site.refused("/away/")
    site.page("/out/", "/files/a.csv")
    assert "links lead out of it" in site.refused("/out/")
    site.answers["/api/"] = ("application/json", "[]")
    assert "application/json" in site.refused("/api/")
    site.answers["/shut/"] = 403
    assert "answers 403" in site.refused("/shut/")


def test_a_list_that_stops_half_way_is_refused_whole(site: Site) -> None:
    site.page("/d/", "a.csv", "more/")
    site.files("/d/a.csv")
    site.answers |= {"/d/more/": "/signin", "/signin": ("text/html", LOGIN)}
    assert "/signin, which may be a login page" in site.refused("/d/")
    site.page("/e/", "a.csv")
    site.answers["/e/a.csv"] = 403
    assert "answers 403" in site.refused("/e/")


def test_a_file_may_be_kept_elsewhere_and_a_login_is_not_told_there(site: Site) -> None:
    store = f"localhost:{site.host.partition(':')[2]}"
    site.page("/d/", "a.csv")
    site.answers["/d/a.csv"] = f"http://{store}/kept/1?sig=x"
    site.files("/kept/1?sig=x")
    dumps = open_dumps(f"http://user:password@{site.host}/d/")
    ((dump,), warnings) = dumps.files()
    with dumps.open(dump) as stream:
        assert (dump.name, stream.read(), warnings) == ("a.csv", b"id\n1\n", [])
    assert None not in site.logins[site.host]
    assert site.logins[store] == {None}


def test_a_few_files_of_another_host_are_named(site: Site) -> None:
    site.page("/d/", "a.csv", "https://other.example/b.csv?token=x", "https://other.example/manual.pdf")
    site.files("/d/a.csv")
    _, warnings = open_dumps(f"http://{site.host}/d/").files()
    assert warnings == ["https://other.example/b.csv?*** is on another host and is not read."]


def test_a_file_that_breaks_off_costs_that_file(site: Site, tmp_path: Path) -> None:
    site.page("/d/", "a_2024-09-01.csv", "a_2024-09-02.csv")
    site.answers |= {"/d/a_2024-09-01.csv": (CUT, "id\n1\n"), "/d/a_2024-09-02.csv": (CSV, "id\n1\n")}
    dumps = open_dumps(f"http://{site.host}/d/")
    with dumps.open(dumps.files()[0][0]) as stream, pytest.raises(DumpsUnreachable, match="cannot be read"):
        stream.read()

    shop = Shop(tmp_path, dumps=f"http://{site.host}/d/")
    report = shop.pull()
    assert [version.file for version in report.arrived] == ["a_2024-09-02.csv"]
    assert [warning for warning in report.warnings if "a_2024-09-01.csv" in warning]
    site.page("/d/", words="Come back later")
    received = receive(shop.settings, shop.source, [date(2024, 9, 1)], None, shop.today)
    assert "a page without links" in received.report.warnings[0]
    assert (received.gate, received.accepted, received.refused) == (None, [], [])
