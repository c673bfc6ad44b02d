"""Instants are int64 nanoseconds since the Unix epoch; periods are half-open [from_ns, to_ns).

Diameter Time counts seconds since 1900 in 32 bits and wraps in 2036: values with the top bit clear are after the wrap
(RFC 6733 §4.3.1, RFC 5905).
"""

from datetime import UTC, datetime
from typing import Final

NS_PER_S: Final = 1_000_000_000
NTP_UNIX_OFFSET_S: Final = 2_208_988_800
FOREVER_NS: Final = 2**63 - 1
"""The end of a period that has none."""
INSTANT_NS_MAX: Final = 2**62
"""Instants that requests say are within ± this, the years 1823 to 2116: the difference of two is an int64, too."""


def from_diameter_time(ntp_seconds: int) -> int:
    """Instant in ns of a Diameter Time (unsigned 32 bit); values below 2**31 lie after the wrap of 2036."""
    wrapped = 2**32 if ntp_seconds < 2**31 else 0
    return (ntp_seconds + wrapped - NTP_UNIX_OFFSET_S) * NS_PER_S


def to_diameter_time(instant_ns: int) -> int:
    """Unsigned 32 bit Diameter Time of an instant, its fraction of a second dropped."""
    return (instant_ns // NS_PER_S + NTP_UNIX_OFFSET_S) % 2**32


def from_rfc3339(text: str) -> int:
    """Instant in ns of an RFC 3339 date-time or a date (its midnight UTC). ValueError names what is missing."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        if "T" in text or " " in text:
            raise ValueError(f"{text!r} has no time zone: add Z or an offset such as +01:00")
        moment = moment.replace(tzinfo=UTC)
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * NS_PER_S + moment.microsecond * 1000


def to_rfc3339(instant_ns: int) -> str:
    """UTC text of an instant, to the millisecond; '-' for an end that never comes."""
    if instant_ns == FOREVER_NS:
        return "-"
    seconds, fraction_ns = divmod(instant_ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction_ns // 1_000_000:03d}Z"
