"""Programs that may call the APIs: a name, the hash of a secret, and what they may. Client ids are `name@tenant`, so that
whoever asks for a token is looked up in one tenant. A secret is long and drawn at random: a plain hash of it is enough.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.errors import Conflict, Invalid
from bss.tables import secret as secret_column
from bss.tables import tenant_table
from bss.work import Row, Work

SECRET_CHARACTERS_MIN: Final = 32
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_PERMISSION: Final = re.compile(r"[a-z_]+:[a-z_]+|\*", re.ASCII)

API_CLIENT: Final = tenant_table(
    "api_client",
    secret_column("secret_hash", sa.String(64), nullable=False),
    sa.Column("permissions", sa.JSON, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
)


def hash_of_secret(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@requires("client:write")
def add_client(work: Work, *, name: str, secret: str, permissions: Collection[str]) -> Row:
    """A new client. Invalid: a name, secret or permission that can't be; Conflict: the name is taken."""
    if not _NAME.fullmatch(name):
        raise Invalid("name", f"{name!r} can't be a client's name", "Write a-z, 0-9, dots and dashes, at most 63")
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise Invalid("secret", f"it has {len(secret)} characters", f"Draw at least {SECRET_CHARACTERS_MIN} at random")
    for permission in permissions:
        if not _PERMISSION.fullmatch(permission):
            raise Invalid("permissions", f"{permission!r} is no permission", "Write one such as customer:read")
    if work.find(API_CLIENT, name) is not None:
        raise Conflict("name", f"there is a client {name!r} already", "Choose another name, or renew its secret")
    return work.insert(
        API_CLIENT,
        id=name,
        secret_hash=hash_of_secret(secret),
        permissions=sorted(set(permissions)),
        is_active=True,
    )


@requires("client:write")
def renew_secret(work: Work, *, name: str, secret: str) -> Row:
    """Another secret for a client; the former one is void at once. NotFound, Invalid."""
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise Invalid("secret", f"it has {len(secret)} characters", f"Draw at least {SECRET_CHARACTERS_MIN} at random")
    return work.change(API_CLIENT, name, secret_hash=hash_of_secret(secret))


@requires("client:write")
def lock_client(work: Work, *, name: str) -> Row:
    """The client gets no more tokens; those it has end by themselves. NotFound."""
    return work.change(API_CLIENT, name, is_active=False)


@requires("client:read")
def clients(work: Work) -> Sequence[Row]:
    """All clients by name, without what is kept of their secrets."""
    shown = [column for column in API_CLIENT.c if column.name != "secret_hash"]
    return work.rows(sa.select(*shown).order_by(API_CLIENT.c.id))


@requires("client:authenticate")
def permissions_of_client(work: Work, *, name: str, secret: str) -> frozenset[str] | None:
    """What a client may that shows this secret; None where there is none, or not with this secret, or it is locked."""
    row = work.find(API_CLIENT, name) if _NAME.fullmatch(name) else None
    kept = row["secret_hash"] if row is not None else ""
    is_right = hmac.compare_digest(hash_of_secret(secret), kept)
    if row is None or not is_right or not row["is_active"]:
        return None
    return frozenset(row["permissions"])
