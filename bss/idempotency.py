"""Requests that are safe to send again: the first answer under a key is kept, and given again."""

import json
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from bss.errors import IdempotencyKeyReused, Invalid
from bss.tables import instant, plain_table

KEY_CHARACTERS_MAX: Final = 200

IDEMPOTENCY: Final = plain_table(
    "idempotency",
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("operation", sa.String(200), nullable=False),
    sa.Column("key", sa.String(KEY_CHARACTERS_MAX), nullable=False),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    instant("at_ns", nullable=False),
    sa.PrimaryKeyConstraint("tenant", "subject", "operation", "key"),
)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A key that a caller chose for what it asks; the same key with another body is a mistake of the caller."""

    operation: str
    key: str
    body_hash: str

    def __post_init__(self) -> None:
        if not 0 < len(self.key) <= KEY_CHARACTERS_MAX or not self.key.isprintable():
            raise Invalid(
                "Idempotency-Key", f"of {len(self.key)} characters", f"Send 1..{KEY_CHARACTERS_MAX} printable ones"
            )


def find_answer(connection: sa.Connection, tenant: str, subject: str, asked: Idempotency) -> tuple[bool, Any]:
    """(True, the answer of then) where the key was used; IdempotencyKeyReused where it was for another body."""
    table = IDEMPOTENCY
    row = connection.execute(
        sa.select(table.c.body_hash, table.c.answer).where(
            table.c.tenant == tenant,
            table.c.subject == subject,
            table.c.operation == asked.operation,
            table.c.key == asked.key,
        )
    ).one_or_none()
    if row is None:
        return False, None
    if row.body_hash != asked.body_hash:
        raise IdempotencyKeyReused(
            "Idempotency-Key", f"{asked.key!r} came with another body before", "Choose a new key for a new request"
        )
    return True, json.loads(row.answer)


def keep_answer(
    connection: sa.Connection, tenant: str, subject: str, asked: Idempotency, answer: Any, *, now_ns: int
) -> None:
    """Keep what was answered: JSON of ids and states."""
    connection.execute(
        sa.insert(IDEMPOTENCY).values(
            tenant=tenant,
            subject=subject,
            operation=asked.operation,
            key=asked.key,
            body_hash=asked.body_hash,
            answer=json.dumps(answer),
            at_ns=now_ns,
        )
    )
