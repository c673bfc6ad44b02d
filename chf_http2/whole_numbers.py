"""JSON in the form that the schema's decoder takes: integers without fraction and exponent, and no leap seconds.

1e3 and 1000.0 are integers to JSON (RFC 8259 §6), and so to OpenAPI; 23:59:60 is an instant (RFC 3339 §5.6), which our clock,
as that of Unix, has as the second behind it. Both are rare: who decodes a body asks for this when it was refused.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

_EXACT_MAX: Final = 2**53
"""Larger ones were rounded when they were read, so that nobody knows which was meant."""
_LEAP: Final = re.compile(r"(?P<minute>\d{4}-\d\d-\d\dT\d\d:\d\d):60(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)")
_SECOND: Final = timedelta(seconds=1)


def in_usual_form(body: bytes) -> bytes:
    """The same body, which is JSON. msgspec.DecodeError: it is none."""
    return msgspec.json.encode(_usual(msgspec.json.decode(body)))


def _usual(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _usual(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_usual(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_MAX:
        return int(value)
    if isinstance(value, str):
        return _without_leap(value)
    return value


def _without_leap(text: str) -> str:
    """An instant in a leap second as the same part of the next; leap seconds end a month of UTC."""
    found = _LEAP.fullmatch(text)
    if found is None:
        return text
    try:
        moment = datetime.fromisoformat(f"{found['minute']}:59{found['zone']}") + _SECOND
        first = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or the last of all
        return text
    if (first.day, first.hour, first.minute) != (1, 0, 0):
        return text
    return f"{moment:%Y-%m-%dT%H:%M:%S}{found['fraction'] or ''}{found['zone']}"
