"""From the key of a member or visitor to the hashed keys in the current release."""

from __future__ import annotations

from orchestration.arrival.configured import configured_sources
from orchestration.core.database import sql_text
from orchestration.core.errors import InputError
from orchestration.core.privacy.ids import clean_id
from orchestration.core.privacy.person_key import fingerprint_in, read_person_key
from orchestration.core.settings import Settings
from orchestration.publish.query import Result, run_query
from orchestration.publish.releases import require_current


def find_person(settings: Settings, text: str) -> Result:
    """Columns `key`, `source_key`, `person_id`, `first_seen_on` and `last_seen_on`: a row a key and owner.

    `text` is a member's or visitor's id in any source, or a full key such as `shop:m:17`; `key` is that full
    key, and the rest is as in `dim_person_key` of the current release.

    Raises InputError when there is no release, when it was made with another person key, or when nobody in
    it has that id.
    """
    release, key = require_current(settings), read_person_key(settings)
    if key is None or fingerprint_in(release.manifest) != key.fingerprint:
        made = "a different person key from the one that is set" if key else "a person key that is gone"
        raise InputError(
            f"Release {release.release_id} was made with {made}. `aipl run` publishes one with this key;"
            " if `aipl status` shows a rollback, only when new data arrive."
        )
    spaces = {source.identity_space: source.id_case for source in configured_sources(settings).values()}
    ids = [(space, clean_id(text, id_case)) for space, id_case in spaces.items()]
    keys = [text, *(f"{space}:{kind}:{id}" for space, id in ids for kind in ("m", "v"))]
    candidates = ", ".join(f"({sql_text(key.person_hash(full))}, {sql_text(full)})" for full in keys)
    found = run_query(
        settings,
        f"with candidates (source_key, key) as (values {candidates})"
        " select key, source_key, person_id, first_seen_on, last_seen_on from candidates"
        " inner join dim_person_key using (source_key) order by key, first_seen_on, person_id",
    )
    if not found.rows:
        raise InputError(
            f"Release {release.release_id} has no member or visitor with this ID in"
            f" {', '.join(spaces)}. IDs are case-sensitive."
        )
    return found
