"""Saved views: names and links in a file of the home, `views.yml`, which people may also write by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import yaml

from orchestration.core.atomic import replacing
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings

FILE = "views.yml"
HEAD = "# Saved views of the dashboard: a name, and a page with its choices as in its URL.\n"


@dataclass(frozen=True)
class SavedView:
    """A page with its choices."""

    page: str
    choices: Mapping[str, str]


def read_views(settings: Settings) -> dict[str, SavedView]:
    """Saved views by name, in the order of the file; none where there is no file.

    Raises InputError when the file is no list of names and links.
    """
    file = settings.home / FILE
    if not file.exists():
        return {}
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(told, dict) or not all(isinstance(link, str) for link in told.values()):
        raise InputError(f"{file} is no list of names and links, such as `Last month: trade?brand=lumen`.")
    return {str(name): _view_of(link) for name, link in told.items()}


def save_view(settings: Settings, name: str, view: SavedView) -> None:
    """Save a view under a name, replacing any view of that name.

    Raises InputError, as reading does.
    """
    _write(settings, read_views(settings) | {name: view})


def forget_view(settings: Settings, name: str) -> None:
    """Remove a view, if it is there. Raises InputError, as reading does."""
    _write(settings, {other: view for other, view in read_views(settings).items() if other != name})


def can_save(settings: Settings) -> bool:
    """Whether this process may write to the home."""
    return os.access(settings.home, os.W_OK)


def _view_of(link: str) -> SavedView:
    page, _, choices = link.partition("?")
    return SavedView(page, dict(parse_qsl(choices)))


def _write(settings: Settings, views: Mapping[str, SavedView]) -> None:
    links = {name: f"{view.page}?{urlencode(view.choices, safe=':')}" for name, view in views.items()}
    with replacing(settings.home / FILE) as part:
        part.write_text(
            HEAD + yaml.safe_dump(links, allow_unicode=True, sort_keys=False, width=1000), encoding="utf-8"
        )
