"""Reading of declarations in YAML with messages for people: duplicate keys, `${VAR}`, validation errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from orchestration.core.errors import ConfigurationError


class Strict(BaseModel):
    """A part of a declaration: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key given twice is an error: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, refusing a repeated key."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(problem=f"`{key}` is given twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, named_by: str = "AIPL_SOURCES") -> Any:
    """Read a YAML file; `named_by` is the variable that can name another one.

    Raises:
        ConfigurationError: the file is missing or is not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path} does not exist. Write it, or name another with {named_by}."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not readable as YAML: {error}") from error


def expand(value: Any, variables: Mapping[str, str], where: str) -> Any:
    """Replace `${NAME}` in every text of a nested value.

    Raises:
        ConfigurationError: a variable is not known.
    """

    def known(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise ConfigurationError(f"{where}: ${{{match[1]}}} is not set. Set it in the environment.")
        return variables[match[1]]

    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", known, value)
    if isinstance(value, dict):
        return {key: expand(item, variables, where) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, variables, where) for item in value]
    return value


@contextmanager
def friendly(where: str) -> Iterator[None]:
    """Turn the validation errors of the block into one `ConfigurationError` with a line for each key."""
    try:
        yield
    except ValidationError as error:
        lines = [f"  {_key(item['loc'])}: {_said(item)}" for item in error.errors(include_url=False)]
        raise ConfigurationError("\n".join([f"{where}:", *lines])) from error


def _key(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the entry as a whole"


def _said(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "is not a known key; check the spelling, or remove it"
    if item["type"] == "missing":
        return "is missing; add it"
    if item["type"] == "string_pattern_mismatch":
        return f"{item['input']!r} does not have the form {item['ctx']['pattern']}"
    return str(item["msg"]).removeprefix("Value error, ")
