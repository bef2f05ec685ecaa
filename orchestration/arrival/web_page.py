"""A web page that is to list dumps: its links, and what the page is when it lists none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import parse_qs, quote, unquote, urldefrag, urljoin, urlsplit

PAGE_TYPES = ("text/html", "application/xhtml+xml")
DEFAULT_PORTS = {"http": 80, "https": 443}
# Programs and documents of a web site, never dumps.
PAGE_SUFFIXES = ("", ".html", ".htm", ".php", ".asp", ".aspx", ".jsp", ".do")
# What servers call a list of files, an empty one too.
_LISTING = re.compile(r"\bindex of\b|\bdirectory\s*(listing|of|for|:)|\bparent directory\b", re.IGNORECASE)
# Queries by which lists of files are sorted: the same links in another order.
_ORDERS = {"C", "O", "N", "M", "S", "D", "F", "P", "V", "sort", "order", "layout"}
# All that an address may hold as it is, an escape too.
_AS_IS = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class Page:
    """A page as found at `address`, after redirects, when `asked` was asked for; `links` are absolute."""

    asked: str
    address: str
    links: tuple[str, ...]
    has_form: bool
    has_password: bool
    has_script: bool
    is_listing: bool

    @property
    def folder(self) -> str:
        """Address of the folder whose files it lists.

        A page that does not end in a slash stands for the folder of that name if it links into it, else for
        the folder that it is in, as in a browser; not if it is a page that the server sent us to.
        """
        if urlsplit(self.address).path.endswith("/"):
            return urljoin(self.address, ".")
        below = urlsplit(self.address)._replace(query="", fragment="")
        named = f"{below.geturl()}/"
        is_elsewhere = path_below(self.address, self.asked) is None and not _same_path(self)
        if is_elsewhere or any(path_below(link, named) for link in self.links):
            return named
        return urljoin(self.address, ".")

    def goes_on_at(self, link: str) -> bool:
        """Whether a link leads to more of this list: itself with another query, not in another order."""
        asked = parse_qs(urlsplit(link).query.replace(";", "&"), keep_blank_values=True)
        is_same = host(link) == host(self.address) and path_of(link) == path_of(self.address)
        return is_same and bool(asked.keys() - _ORDERS)

    def why_no_list(self) -> str:
        """What the page is instead of a list of files; empty for an honest list without any."""
        own = host(self.address)
        others = [link for link in self.links if host(link) != own]
        outside = [link for link in self.links if host(link) == own and not _is_above(link, self.folder)]
        if self.has_password or (self.has_form and not _same_path(self)):
            return f"it answers with a login page ({path_of(self.address)})"
        if dumps := [link for link in others if has_file_name(link)]:
            return (
                f"its links lead to another host, {host(dumps[0])} and not {own}."
                f" If the dumps are there, give {urljoin(dumps[0], '.')} instead"
            )
        if self.has_form:
            return "it answers with a form, such as a login page"
        if dumps := [link for link in outside if has_file_name(link)]:
            return f"its links lead out of it. If the dumps are there, give {urljoin(dumps[0], '.')} instead"
        if self.is_listing and not self.has_script:
            return ""
        why = ", and JavaScript, which is not run, may make its list" if self.has_script else ""
        return f"it is a page without links to files below it{why}"


def read_page(html: str, address: str, asked: str) -> Page:
    """Read a page that was found at `address` when `asked` was asked for."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    links = (_absolute(link, urljoin(address, parser.base)) for link in parser.links)
    return Page(
        asked,
        address,
        tuple(dict.fromkeys(link for link in links if link)),
        parser.has_form,
        parser.has_password,
        parser.has_script,
        bool(_LISTING.search(html)),
    )


def encoded(address: str) -> str:
    """An address with what it cannot hold as escapes; what is escaped already stays as it is."""
    return quote(address, safe=_AS_IS)


def host(address: str) -> str:
    """The host of an address, with its port unless that is the usual one."""
    parts = urlsplit(address)
    port = None if parts.port == DEFAULT_PORTS.get(parts.scheme) else parts.port
    return (parts.hostname or "") + (f":{port}" if port else "")


def path_below(address: str, folder: str) -> str | None:
    """The path of an address below a folder, as people read it; `None` for one that is not below it."""
    top = path_of(folder).rstrip("/") + "/"
    path = path_of(address)
    is_below = host(address) == host(folder) and path.startswith(top) and path != top
    return path.removeprefix(top) if is_below else None


def has_file_name(address: str) -> bool:
    """Whether an address ends in a name with a suffix that is not one of pages."""
    path = path_of(address)
    return not path.endswith("/") and PurePosixPath(path).suffix.lower() not in PAGE_SUFFIXES


@dataclass
class _Parser(HTMLParser):
    links: list[str] = field(default_factory=list)
    base: str = ""
    has_form: bool = False
    has_password: bool = False
    has_script: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag says of the page."""
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]).strip())
        elif tag == "base" and not self.base:
            self.base = given.get("href") or ""
        elif tag == "input" and (given.get("type") or "").lower() == "password":
            self.has_password = True
        self.has_form |= tag == "form"
        self.has_script |= tag == "script"


def _absolute(link: str, base: str) -> str | None:
    """A link as an address to ask for; `None` for what is no web address."""
    try:
        address = urldefrag(encoded(urljoin(base, link))).url
        is_web = urlsplit(address).scheme in DEFAULT_PORTS and bool(host(address))
    except ValueError:
        return None
    return address if is_web else None


def path_of(address: str) -> str:
    """The path of an address as people read it."""
    return unquote(urlsplit(address).path) or "/"


def _same_path(page: Page) -> bool:
    return path_of(page.address).rstrip("/") == path_of(page.asked).rstrip("/")


def _is_above(link: str, folder: str) -> bool:
    """Whether a link leads to the folder itself or to one that it is in."""
    return path_of(folder).startswith(path_of(link).rstrip("/") + "/")
