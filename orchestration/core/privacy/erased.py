"""The erased people: hashes of their keys, against which every landing dump is checked.

The list knows nobody: it holds hashes under a random secret of this home. Whoever has both can only try keys
out, and needs them to.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.files import write_json
from orchestration.core.privacy.ids import clean_id
from orchestration.core.settings import Settings
from orchestration.core.versions import FORMAT, require_known

LIST_FORMAT = 1
PERSONS = {"m": "member", "v": "visitor"}


@dataclass(frozen=True, order=True)
class Key:
    """What names a person or a document of theirs.

    `kind` is `member`, `visitor`, or, for a document, what its source calls it. `scope` is where it
    is unique: the identity space of a person, the source of a document.
    """

    scope: str
    kind: str
    value: str

    @property
    def text(self) -> str:
        """As it stands in the marts, and as `aipl erase` takes it: `<identity space>:m:<member id>`."""
        return f"{self.scope}:{self.kind[0]}:{self.value}"


def parse_key(text: str) -> Key:
    """A key of a person, from the text that marts have of it. Raises InputError for another text."""
    scope, _, rest = text.partition(":")
    letter, _, value = rest.partition(":")
    if not scope or letter not in PERSONS or not value:
        raise InputError(
            f"'{text}' is not a person's key. Write <identity space>:m:<member id> or <identity space>:v:"
            "<visitor id>; `aipl person-key ID` finds it."
        )
    return Key(scope, PERSONS[letter], value)


@dataclass(frozen=True)
class Erasure:
    """One erasure: when it began and, once it is done, ended (ISO 8601, UTC), and the hashes of its keys.

    `is_swept` is whether nothing that was delivered names the person any more.
    """

    erasure_id: str
    begun_at: str
    finished_at: str | None
    keys: tuple[str, ...]
    is_swept: bool = False


@dataclass(frozen=True)
class Erased:
    """The list of all erasures of a home, and its secret."""

    secret: str
    erasures: tuple[Erasure, ...]

    def digest(self, key: Key) -> str:
        """Keyed hash of a key, 32 hexadecimal digits."""
        told = json.dumps([key.scope, key.kind, clean_id(key.value)]).encode()
        return hashlib.blake2b(told, key=bytes.fromhex(self.secret), digest_size=16).hexdigest()

    def digests(self) -> frozenset[str]:
        """Hashes of all erased keys."""
        return frozenset(digest for erasure in self.erasures for digest in erasure.keys)

    @property
    def unfinished(self) -> Erasure | None:
        """The erasure that began and did not end."""
        return next((erasure for erasure in self.erasures if erasure.finished_at is None), None)

    @property
    def generation(self) -> str:
        """Name of what is gone from raw: builds and releases of before another erasure have another."""
        ids = [erasure.erasure_id for erasure in self.erasures if erasure.is_swept]
        return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:16] if ids else ""

    def having(self, erasure: Erasure) -> Erased:
        """The list with an erasure put in, or in the place of the one of its id."""
        others = tuple(known for known in self.erasures if known.erasure_id != erasure.erasure_id)
        return replace(self, erasures=(*others, erasure))

    def having_keys(self, keys: Iterable[Key]) -> Erased:
        """The list with more keys in its latest erasure: documents that turned out to be theirs."""
        last = self.erasures[-1]
        more = sorted({self.digest(key) for key in keys} - self.digests())
        return self.having(replace(last, keys=(*last.keys, *more)))


def erasures_folder(settings: Settings) -> Path:
    """Where the list, the receipts, and the order of an unfinished erasure are."""
    return settings.home / "erasures"


def read_erased(settings: Settings) -> Erased:
    """The list of a home, empty before the first erasure.

    Raises EnvironmentStop when it is damaged or a newer program wrote it: without it, erased persons would
    come back.
    """
    path = _list(settings)
    if not path.exists():
        return Erased(secrets.token_hex(32), ())
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        require_known(path, content, LIST_FORMAT)
        erasures = tuple(Erasure(**{**told, "keys": tuple(told["keys"])}) for told in content["erasures"])
        return Erased(content["secret"], erasures)
    except (ValueError, KeyError, TypeError) as error:
        raise EnvironmentStop(
            f"The list of erased persons {path} is damaged: {error}. Restore it from the backup;"
            " without it, erased people would come back with the next dump."
        ) from error


def write_erased(settings: Settings, erased: Erased) -> None:
    """Remember the list, on disk and for the eyes of its owner alone before this returns."""
    erasures_folder(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    told = [asdict(erasure) for erasure in erased.erasures]
    write_json(_list(settings), {FORMAT: LIST_FORMAT, "secret": erased.secret, "erasures": told})
    _list(settings).chmod(0o600)


def _list(settings: Settings) -> Path:
    return erasures_folder(settings) / "list.json"
