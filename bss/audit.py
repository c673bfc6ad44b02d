"""The audit trail: who changed which row, when, by which operation, and what was before and after. Personal values in it are
sealed with the key of the person whose they are, so that erasing the key erases them.
"""

import base64
import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bss.tables import identifier, instant, personal_columns, plain_table

AUDIT: Final = plain_table(
    "audit",
    identifier("id", nullable=False),
    instant("at_ns", nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("operation", sa.String(200), nullable=False),
    sa.Column("resource", sa.String(64), nullable=False),
    identifier("resource_id", nullable=False),
    identifier("person_id"),
    sa.Column("before", sa.JSON(none_as_null=True)),
    sa.Column("after", sa.JSON(none_as_null=True)),
    sa.PrimaryKeyConstraint("tenant", "id"),
    sa.Index(None, "tenant", "resource", "resource_id", "id"),
)
PERSON_KEY: Final = plain_table(
    "person_key",
    identifier("person_id", nullable=False),
    sa.Column("key", sa.LargeBinary(32)),
    instant("erased_ns"),
    sa.PrimaryKeyConstraint("tenant", "person_id"),
)
"""A key a person; null once the person is erased."""

NOT_AUDITED: Final = frozenset({"tenant", "id", "revision", "created_ns", "updated_ns"})
KEY_OCTETS: Final = 32
_NONCE_OCTETS: Final = 12
SEALED: Final = "sealed:"
ERASED: Final = "(erased)"
SECRET: Final = "(secret)"


class _Columns(NamedTuple):
    """Of a table, as the audit trail has them."""

    names: tuple[str, ...]
    personal: frozenset[str]
    secret: frozenset[str]


@functools.cache
def _columns(table: sa.Table) -> _Columns:
    def marked(word: str) -> frozenset[str]:
        return frozenset(column.name for column in table.columns if column.info.get(word))

    names = tuple(column.name for column in table.columns if column.name not in NOT_AUDITED)
    return _Columns(names, marked("personal"), marked("secret"))


def changed_columns(
    table: sa.Table, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What a change did, by column: values before and after; null where the row wasn't there, equal ones left out."""
    names = _columns(table).names
    if before is None or after is None:
        return tuple(  # type: ignore[return-value]
            None if row is None else {name: row[name] for name in names if row[name] is not None}
            for row in (before, after)
        )
    differing = [name for name in names if before[name] != after[name]]
    return {name: before[name] for name in differing}, {name: after[name] for name in differing}


def seal_personal(
    table: sa.Table, values: dict[str, Any] | None, *, key: bytes | None, entropy: Callable[[int], bytes]
) -> dict[str, Any] | None:
    """The values with personal ones sealed; without a key (an erased person) they are left out, and so are secrets."""
    _, personal, secret = _columns(table)
    if values is None or not (personal or secret):
        return values
    shown = {}
    for name, value in values.items():
        if name in secret:
            shown[name] = SECRET
        elif name not in personal or not value:
            shown[name] = value
        elif key is not None:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            shown[name] = _seal(text, key, entropy(_NONCE_OCTETS))
        else:
            shown[name] = ERASED
    return shown


def without_personal(table: sa.Table, values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Audited values, sealed or not, with ERASED for the personal ones."""
    if values is None:
        return None
    personal = personal_columns(table)
    return {name: ERASED if value and name in personal else value for name, value in values.items()}


def open_sealed(values: dict[str, Any] | None, *, key: bytes | None) -> dict[str, Any] | None:
    """The values as people read them: sealed ones opened, or ERASED where the key is gone."""
    if values is None:
        return None
    return {
        name: _open(value.removeprefix(SEALED), key) if isinstance(value, str) and value.startswith(SEALED) else value
        for name, value in values.items()
    }


def _seal(text: str, key: bytes, nonce: bytes) -> str:
    return SEALED + base64.b64encode(nonce + AESGCM(key).encrypt(nonce, text.encode(), None)).decode()


def _open(sealed: str, key: bytes | None) -> str:
    if key is None:
        return ERASED
    octets = base64.b64decode(sealed)
    try:
        return AESGCM(key).decrypt(octets[:_NONCE_OCTETS], octets[_NONCE_OCTETS:], None).decode()
    except InvalidTag:
        return ERASED
