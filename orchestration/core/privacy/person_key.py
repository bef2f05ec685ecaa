"""The secret that stands between a person and what a release calls them, and what is derived from it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.core.atomic import flush_to_disk, naming
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.settings import Settings

VARIABLE = "AIPL_PERSON_KEY"
# Anything shorter can be guessed by someone who knows one person and the hash.
MIN_LENGTH = 32
# 128 bits: two persons of a billion share a hash once in 10^20 tries.
HASH_DIGITS = 32


@dataclass(frozen=True)
class PersonKey:
    """The secret, never shown; `origin` says where it came from: the variable, or the home."""

    secret: bytes = field(repr=False)
    origin: str

    @property
    def fingerprint(self) -> str:
        """Identifies the secret without revealing it: 16 hexadecimal digits."""
        return self.derive("fingerprint").hex()[:16]

    def derive(self, purpose: str) -> bytes:
        """A secret of its own for each purpose, 32 bytes: none tells another."""
        return hmac.digest(self.secret, f"aipl {purpose}".encode(), hashlib.sha256)

    def person_hash(self, value: str) -> str:
        """What releases have in place of a key of a person, an order or a membership."""
        digest = hmac.new(self.derive("release"), value.encode(), hashlib.sha256)
        return digest.hexdigest()[:HASH_DIGITS]


def read_person_key(settings: Settings) -> PersonKey | None:
    """The key in force: that of the variable, else that of the home; None before the first of a home.

    Raises InputError for a key that is too short, and where the variable that the current release was made
    with is not set: everybody would be called otherwise, and nobody asked for it.
    """
    if settings.person_key:
        return PersonKey(_long_enough(settings.person_key, VARIABLE), VARIABLE)
    file = settings.person_key_file
    key = PersonKey(_long_enough(file.read_text().strip(), str(file)), "home") if file.exists() else None
    published = _published(settings)
    if published.get("origin") == VARIABLE and (not key or key.fingerprint != published["fingerprint"]):
        raise InputError(
            f"The current release was made with {VARIABLE}, which is not set. Set it for every"
            " process that runs aipl. To change it, see docs/runbooks/rotate-secrets.md."
        )
    return key


def require_person_key(settings: Settings) -> PersonKey:
    """The key in force; a home without one gets a random one on the first call."""
    if settings.person_key is None and not settings.person_key_file.exists():
        read_person_key(settings)
        _make(settings.person_key_file)
    key = read_person_key(settings)
    if key is None:
        raise EnvironmentStop(f"{settings.person_key_file} is gone. Put it back, then run `aipl run` again.")
    return key


def _make(file: Path) -> None:
    """Write a random key, readable for its owner alone; a key that is there already stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        part.touch(mode=0o600)
        with naming(file), part.open("w") as stream:
            stream.write(f"{secrets.token_hex(32)}\n")
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(part, file)
    finally:
        part.unlink(missing_ok=True)
    flush_to_disk(file.parent)


def fingerprint_in(manifest: dict[str, Any]) -> str | None:
    """Of the key that a release was made with, by its manifest; None for one from before there were keys."""
    told = manifest.get("person_key")
    return told["fingerprint"] if told else None


def is_made_with(manifest: dict[str, Any], settings: Settings) -> bool:
    """Whether a release calls persons as a new one would. Raises what `read_person_key` does."""
    key = read_person_key(settings)
    return key is not None and fingerprint_in(manifest) == key.fingerprint


def _long_enough(secret: str, where: str) -> bytes:
    if len(secret) < MIN_LENGTH:
        raise InputError(
            f"{where} holds {len(secret)} characters; a key needs at least {MIN_LENGTH}."
            " `openssl rand -hex 32` generates one."
        )
    return secret.encode()


def _published(settings: Settings) -> dict[str, str]:
    """What the current release says of its key; nothing where there is none."""
    try:
        manifest = json.loads((settings.published / "current" / "manifest.json").read_text())
    except FileNotFoundError:
        return {}
    told: dict[str, str] = manifest.get("person_key") or {}
    return told
