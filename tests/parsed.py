"""One parse of the dbt project for all homes of a test run.

What dbt keeps of a parse names the folders of home and project, and has a checksum of the connection, which
names the warehouse. With these replaced, dbt takes it for its own: it still compares all files of the project
by their content, and parses again what differs.
"""

from __future__ import annotations

import pprint
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import msgpack

SHARED = "AIPL_TEST_SHARED"


def lend_parse(environment: Mapping[str, str], variables: str = "") -> None:
    """Give the home of a dbt command, which has no parse yet, that of another home, if there is one.

    `environment` is that of the command, `variables` are those of its command line.
    """
    own, shared = _places(environment, variables)
    if own.exists() or not shared.exists():
        return
    folders = {name: folder for folder, name in _folders(environment).items()}
    parse = _moved(msgpack.unpackb(shared.read_bytes()), folders)
    parse["state_check"]["profile_hash"]["checksum"] = _profile_checksum(environment)
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_bytes(msgpack.packb(parse))


def keep_parse(environment: Mapping[str, str], variables: str = "") -> None:
    """Keep the parse of a dbt command for other homes, if it is the first of its kind."""
    own, shared = _places(environment, variables)
    if own.exists() and not shared.exists():
        with NamedTemporaryFile(dir=shared.parent, delete=False) as stream:
            stream.write(msgpack.packb(_moved(msgpack.unpackb(own.read_bytes()), _folders(environment))))
        Path(stream.name).replace(shared)


def _places(environment: Mapping[str, str], variables: str) -> tuple[Path, Path]:
    """Where the home keeps its parse, and where the shared one of the same declarations is."""
    project = Path(environment["DBT_PROJECT_DIR"]) / "dbt_project.yml"
    kind = sha256(repr((environment["AIPL_DBT_SOURCES"], variables, project.read_text())).encode())
    own = Path(environment["DBT_TARGET_PATH"]) / "partial_parse.msgpack"
    return own, Path(environment[SHARED]) / f"parse-{kind.hexdigest()}.msgpack"


def _folders(environment: Mapping[str, str]) -> dict[str, str]:
    """What stands for the folders of a home; its project comes first, since it lies in the home at times."""
    return {environment["DBT_PROJECT_DIR"]: "<project>", environment["AIPL_HOME"]: "<home>"}


def _moved(value: Any, places: Mapping[str, str]) -> Any:
    """The same with other places in every text."""
    if isinstance(value, str):
        for old, new in places.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, dict):
        return {key: _moved(one, places) for key, one in value.items()}
    return [_moved(one, places) for one in value] if isinstance(value, list) else value


def _profile_checksum(environment: Mapping[str, str]) -> str:
    """What dbt works out of the connection."""
    from dbt.config.profile import Profile, read_profile
    from dbt.config.renderer import ProfileRenderer
    from dbt_common.context import set_invocation_context

    set_invocation_context(environment)
    declared = read_profile(environment["DBT_PROFILES_DIR"])["aipl"]["outputs"]["duckdb"]
    credentials = Profile._credentials_from_profile(ProfileRenderer().render_data(declared), "aipl", "duckdb")
    return sha256(pprint.pformat(sorted(credentials.connection_info())).encode()).hexdigest()
