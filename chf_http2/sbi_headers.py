"""The 3gpp-Sbi headers (TS 29.500 §5.2.3) that are read of requests, and those that messages of our own carry.

A header that isn't of its grammar is passed over, like one that isn't known: none of them is needed to charge.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from vocabulary.instants import NS_PER_S

MESSAGE_PRIORITY: Final = "3gpp-sbi-message-priority"
SENDER_TIMESTAMP: Final = "3gpp-sbi-sender-timestamp"
MAX_RSP_TIME: Final = "3gpp-sbi-max-rsp-time"
CORRELATION_INFO: Final = "3gpp-sbi-correlation-info"
RESPONSE_INFO: Final = "3gpp-sbi-response-info"
CALLBACK: Final = "3gpp-sbi-callback"
"""Names are in lower case in HTTP/2 (RFC 9113 §8.2.1)."""

PRIORITY_DEFAULT: Final = 24
"""Of a message that names none (TS 29.500 §6.8.4); 0 is the highest, 31 the lowest."""
PRIORITY_LOWEST: Final = 31
MAX_RSP_TIME_MS_MAX: Final = 99_999
CORRELATION_OCTETS_MAX: Final = 512
"""Longer ones aren't echoed."""
NOTIFY_CALLBACK: Final = "Nchf_ConvergedCharging_Notify"
"""Callback type of our notifications (TS 29.500 annex B)."""
NO_RETRY: Final = (RESPONSE_INFO, "no-retry=true")
"""Nobody on the way shall try another charging function."""

_NS_PER_MS: Final = 1_000_000
_PRIORITY: Final = re.compile(r"[ \t]*(3[01]|[12][0-9]|[0-9])[ \t]*", re.ASCII)
_MAX_RSP_TIME: Final = re.compile(r"[ \t]*([0-9]{1,5})[ \t]*", re.ASCII)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIMESTAMP: Final = re.compile(
    rf"[ \t]*(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3}) GMT[ \t]*",
    re.ASCII,
)
_TCHAR: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]"
_CORRELATION: Final = re.compile(
    rf"[ \t]*[A-Za-z0-9!#$%&'*+.^_`|~]+-(?:{_TCHAR}|@)+([ \t]*;[ \t]*[A-Za-z0-9!#$%&'*+.^_`|~]+-(?:{_TCHAR}|@)+)*[ \t]*",
    re.ASCII,
)
_RESPONSE_INFO: Final = re.compile(rf"[ \t]*({_TCHAR}+)=[ \t]*({_TCHAR}+)[ \t]*", re.ASCII)


def message_priority(value: str) -> int | None:
    """0..31; None where it is no priority."""
    found = _PRIORITY.fullmatch(value)
    return int(found[1]) if found else None


def max_rsp_time_ms(value: str) -> int | None:
    """How long the sender waits for an answer; None where it doesn't say."""
    found = _MAX_RSP_TIME.fullmatch(value)
    return int(found[1]) if found else None


def sender_timestamp_ns(value: str) -> int | None:
    """When the message was sent, ns since the Unix epoch; None where it is no such date."""
    found = _TIMESTAMP.fullmatch(value)
    if found is None:
        return None
    day, month, year, hour, minute, second, millis = found.groups()
    try:
        sent = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    return int(sent.timestamp()) * NS_PER_S + int(millis) * _NS_PER_MS


def correlation_info(value: str) -> str | None:
    """What is echoed; None where it is nothing that may be."""
    return value if len(value) <= CORRELATION_OCTETS_MAX and _CORRELATION.fullmatch(value) else None


def response_info(value: str) -> dict[str, str]:
    """What a response says of its own making, by name, such as {'no-retry': 'true'}; parts that can't be read are left out."""
    found = (_RESPONSE_INFO.fullmatch(part) for part in value.split(";"))
    return {one[1]: one[2] for one in found if one}


def due_ns(max_rsp_time: str, sender_timestamp: str | None, now_ns: int) -> int:
    """When the sender stops waiting; 0: it doesn't say.

    It counts from when the message was sent, by the sender's clock, else from now. A clock ahead of ours is not believed, nor
    one that is further behind than any wait: else a node with a wrong clock would have no answer at all.
    TS 29.500 §6.11.2.
    """
    wait_ms = max_rsp_time_ms(max_rsp_time)
    if wait_ms is None:
        return 0
    sent_ns = sender_timestamp_ns(sender_timestamp) if sender_timestamp is not None else None
    if sent_ns is None or not now_ns - MAX_RSP_TIME_MS_MAX * _NS_PER_MS <= sent_ns <= now_ns:
        sent_ns = now_ns
    return sent_ns + wait_ms * _NS_PER_MS


def timestamp_value(now_ns: int) -> str:
    """3gpp-Sbi-Sender-Timestamp of a message of ours."""
    seconds, rest_ns = divmod(now_ns, NS_PER_S)
    now = datetime.fromtimestamp(seconds, UTC)
    day, month = _DAYS[now.weekday()], _MONTHS[now.month - 1]
    return f"{day}, {now:%d} {month} {now.year:04d} {now:%H:%M:%S}.{rest_ns // _NS_PER_MS:03d} GMT"


def callback_value(version: int) -> str:
    """3gpp-Sbi-Callback of a notification; `version` of the API, 3 for v3."""
    return f"{NOTIFY_CALLBACK}; apiversion={version}"


def notification_headers(
    now_ns: int, wait_ms: int, *, version: int = 3, priority: int | None = None, correlation: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Headers of a notification beside content-type.

    wait_ms       how long an answer is waited for, 1..MAX_RSP_TIME_MS_MAX
    priority      0..31; None: the default, which isn't said
    correlation   such as imsi-262010000000001
    """
    headers = [
        (CALLBACK, callback_value(version)),
        (SENDER_TIMESTAMP, timestamp_value(now_ns)),
        (MAX_RSP_TIME, str(max(1, min(wait_ms, MAX_RSP_TIME_MS_MAX)))),
    ]
    if priority is not None:
        headers.append((MESSAGE_PRIORITY, str(max(0, min(priority, PRIORITY_LOWEST)))))
    said = "; ".join(correlation)
    if said and correlation_info(said):
        headers.append((CORRELATION_INFO, said))
    return headers
