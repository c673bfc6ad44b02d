"""What values of customers may be: lengths, forms, instants. Each refusal names its field."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from bss.errors import Conflict, Invalid

CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
MICROS_MAX: Final = 10**18
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()/.-]{2,30}", re.ASCII)


def check_columns(table: sa.Table, values: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Invalid where a value isn't one of `allowed`, isn't of its column's type, or is too long for it."""
    for name, value in values.items():
        if name not in allowed:
            raise Invalid(name, "it can't be written here", f"What can be: {', '.join(sorted(allowed))}")
        column = table.c[name]
        if value is None:
            if not column.nullable:
                raise Invalid(name, "it is missing", "Write a value")
            continue
        _check_value(name, column, value)


def _check_value(name: str, column: sa.Column[Any], value: Any) -> None:
    kind = column.type
    if isinstance(kind, sa.Boolean):
        if not isinstance(value, bool):
            raise Invalid(name, f"a {type(value).__name__} is no yes or no", "Write true or false")
    elif isinstance(kind, sa.Integer):
        if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
            raise Invalid(name, "it is no whole number of 64 bits", "Write one")
    elif isinstance(kind, sa.String):
        if not isinstance(value, str):
            raise Invalid(name, f"a {type(value).__name__} is no text", "Write text")
        if kind.length is not None and len(value) > kind.length:
            raise Invalid(name, f"it has {len(value)} characters", f"Write at most {kind.length}")
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            raise Invalid(name, "it has characters that no text has", "Leave them out")


def check_given(name: str, value: str | None) -> None:
    """Invalid where a text is empty that has to be there."""
    if not value or not value.strip():
        raise Invalid(name, "it is empty", "Write at least a character")


def check_one_of(name: str, value: str, known: Collection[str]) -> None:
    """Invalid where the value isn't one of those known."""
    if value not in known:
        raise Invalid(name, f"{value[:40]!r} isn't known", f"Write one of {', '.join(known)}")


def check_birth_date(text: str | None) -> None:
    """Invalid where it is no date (ISO 8601)."""
    if text is None:
        return
    try:
        date.fromisoformat(text)
    except ValueError:
        raise Invalid("birth_date", f"{text[:40]!r} is no date", "Write YYYY-MM-DD") from None


def check_period(from_ns: int, to_ns: int | None) -> None:
    """Conflict where a period ends before it begins."""
    if to_ns is not None and to_ns <= from_ns:
        raise Conflict("to_ns", "the end isn't behind the beginning", "Write a later end, or none")


def check_address(medium_type: str, values: Mapping[str, Any]) -> None:
    """Invalid where a way to reach somebody lacks what its type needs, or has it in a form that nobody is reached by."""
    needed = MEDIUM_FIELDS.get(medium_type)
    if needed is None:
        raise Invalid("medium_type", f"{medium_type[:40]!r} isn't known", f"Write one of {', '.join(MEDIUM_FIELDS)}")
    check_given(needed, values.get(needed))
    email, phone = values.get("email_address"), values.get("phone_number")
    if email is not None and not _EMAIL.fullmatch(email):
        raise Invalid("email_address", f"{email[:80]!r} is no address", "Write name@domain")
    if phone is not None and not _PHONE.fullmatch(phone):
        raise Invalid(
            "phone_number", f"{phone[:40]!r} is no phone number", "Write digits, with + before a country code"
        )


MEDIUM_FIELDS: Final[dict[str, str]] = {
    "email": "email_address",
    "phone": "phone_number",
    "mobile": "phone_number",
    "fax": "fax_number",
    "postal": "city",
    "social": "social_network_id",
}
"""What a way to reach somebody needs, by its type."""
