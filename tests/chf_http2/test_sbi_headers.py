"""3gpp-Sbi headers: what is read, what is passed over, and that ours are of the grammar that 3GPP publishes."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chf_http2.congestion import CONGESTED_FROM, LEVELS_PERCENT, priority_taken
from chf_http2.sbi_headers import (
    CALLBACK,
    CORRELATION_INFO,
    CORRELATION_OCTETS_MAX,
    MAX_RSP_TIME,
    MAX_RSP_TIME_MS_MAX,
    MESSAGE_PRIORITY,
    NO_RETRY,
    PRIORITY_DEFAULT,
    PRIORITY_LOWEST,
    SENDER_TIMESTAMP,
    correlation_info,
    due_ns,
    max_rsp_time_ms,
    message_priority,
    notification_headers,
    response_info,
    sender_timestamp_ns,
    timestamp_value,
)
from tests.reference.specifications import specifications
from vocabulary.limits import REQUESTS_QUEUED_NEW_SESSIONS_MAX

NOW_NS = 1_795_914_184_123_000_000
NOW = "Sun, 29 Nov 2026 01:03:04.123 GMT"
MS = 1_000_000

GRAMMAR = {
    MESSAGE_PRIORITY: "Sbi-Message-Priority-Header",
    SENDER_TIMESTAMP: "Sbi-Sender-Timestamp-Header",
    MAX_RSP_TIME: "Sbi-Max-Rsp-Time-Header",
    CORRELATION_INFO: "Sbi-Correlation-Info-Header",
    NO_RETRY[0]: "Sbi-Response-Info-Header",
    CALLBACK: "Sbi-Callback-Header",
}


@pytest.fixture(scope="module")
def grammar() -> Any:
    """A rule of 3GPP's own ABNF by the header's name."""
    from abnf import Rule

    text = (specifications() / "3gpp" / "openapi" / "rel18" / "TS29500_CustomHeaders.abnf").read_text()

    class Headers(Rule):
        pass

    behind_core_rules = text[re.search("^;   RFC 3986$", text, re.MULTILINE).start() :]  # which the library has
    Headers.load_grammar("\r\n".join(behind_core_rules.splitlines()) + "\r\n")
    return {name: Headers(rule) for name, rule in GRAMMAR.items()}


def is_of_grammar(rules: Any, name: str, value: str) -> bool:
    from abnf import ParseError

    try:
        rules[name].parse_all(f"{name}:{value}")
    except ParseError:
        return False
    return True


PRIORITIES = {"0": 0, "9": 9, "10": 10, "31": 31, " 24 ": 24, "\t3": 3}
NO_PRIORITIES = ("", "32", "-1", "007", "24;", "２４", "1e1", "24, 25", "0x1", "99")
WAITS = {"0": 0, "99999": 99_999, " 1500 ": 1500, "00007": 7}
NO_WAITS = ("", "100000", "-5", "1.5", "5000 ms", "٣")
STAMPS = {NOW: NOW_NS, f" {NOW}\t": NOW_NS, "Thu, 01 Jan 1970 00:00:00.001 GMT": MS}
NO_STAMPS = (
    "",
    "Sun, 29 Nov 2026 01:03:04 GMT",
    "Sun, 29 Nov 2026 01:03:04.123 UTC",
    "Sun, 9 Nov 2026 01:03:04.123 GMT",
    "sun, 29 nov 2026 01:03:04.123 gmt",
    "2026-11-29T01:03:04.123Z",
)
CORRELATIONS = ("imsi-262010000000001", "imsi-1; msisdn-49170", "nai-a@b.example", "foo.bar-x-y")
NO_CORRELATIONS = ("", "imsi", "imsi-", "-1", "imsi-1;", "imsi-1, imsi-2", "imsi-ü", "imsi-1\x01")


def test_priorities() -> None:
    assert {value: message_priority(value) for value in PRIORITIES} == PRIORITIES
    assert not [value for value in NO_PRIORITIES if message_priority(value) is not None]


def test_waits() -> None:
    assert {value: max_rsp_time_ms(value) for value in WAITS} == WAITS
    assert not [value for value in NO_WAITS if max_rsp_time_ms(value) is not None]


def test_timestamps() -> None:
    assert {value: sender_timestamp_ns(value) for value in STAMPS} == STAMPS
    wrong = (*NO_STAMPS, "Sun, 31 Feb 2026 01:03:04.123 GMT", "Sun, 29 Nov 0000 01:03:04.123 GMT")
    assert not [value for value in wrong if sender_timestamp_ns(value) is not None]
    assert timestamp_value(NOW_NS) == NOW


def test_correlation() -> None:
    assert [correlation_info(value) for value in CORRELATIONS] == list(CORRELATIONS)
    assert not [value for value in NO_CORRELATIONS if correlation_info(value)]
    assert correlation_info("imsi-" + "1" * CORRELATION_OCTETS_MAX) is None


def test_response_info() -> None:
    assert response_info("nfinst=abc; no-retry= true;request-retransmitted=false") == {
        "nfinst": "abc",
        "no-retry": "true",
        "request-retransmitted": "false",
    }
    assert response_info("; =x; a=; no-retry=true") == {"no-retry": "true"}
    assert response_info(NO_RETRY[1]) == {"no-retry": "true"}


@given(st.integers(0, 4_000_000_000_000))
def test_a_timestamp_comes_back(millis: int) -> None:
    assert sender_timestamp_ns(timestamp_value(millis * MS)) == millis * MS


@pytest.mark.parametrize(
    ("wait", "sent", "due"),
    [
        ("100", None, NOW_NS + 100 * MS),
        ("100", NOW, NOW_NS + 100 * MS),
        ("100", timestamp_value(NOW_NS - 40 * MS), NOW_NS + 60 * MS),
        ("100", timestamp_value(NOW_NS - 400 * MS), NOW_NS - 300 * MS),
        ("100", timestamp_value(NOW_NS + 5000 * MS), NOW_NS + 100 * MS),
        ("100", timestamp_value(NOW_NS - 99_999 * MS), NOW_NS - 99_899 * MS),
        ("100", timestamp_value(NOW_NS - 100_000 * MS), NOW_NS + 100 * MS),
        ("100", "yesterday", NOW_NS + 100 * MS),
        ("soon", NOW, 0),
    ],
)
def test_when_an_answer_is_due(wait: str, sent: str | None, due: int) -> None:
    assert due_ns(wait, sent, NOW_NS) == due


def test_what_is_read_and_what_is_not_is_the_grammars(grammar: Any) -> None:
    good = {
        MESSAGE_PRIORITY: tuple(PRIORITIES),
        MAX_RSP_TIME: tuple(WAITS),
        SENDER_TIMESTAMP: tuple(STAMPS),
        CORRELATION_INFO: CORRELATIONS,
        NO_RETRY[0]: (NO_RETRY[1],),
    }
    bad = {
        MESSAGE_PRIORITY: NO_PRIORITIES,
        MAX_RSP_TIME: NO_WAITS,
        SENDER_TIMESTAMP: NO_STAMPS,
        CORRELATION_INFO: NO_CORRELATIONS,
    }
    assert not [(name, value) for name in good for value in good[name] if not is_of_grammar(grammar, name, value)]
    assert not [(name, value) for name in bad for value in bad[name] if is_of_grammar(grammar, name, value)]


@pytest.mark.parametrize("wait_ms", [-1, 5000, 10**9])
def test_headers_of_notifications_are_of_the_grammar(grammar: Any, wait_ms: int) -> None:
    headers = notification_headers(NOW_NS, wait_ms, version=2, priority=40, correlation=["imsi-1", "msisdn-2"])
    assert [name for name, _ in headers] == [
        CALLBACK,
        SENDER_TIMESTAMP,
        MAX_RSP_TIME,
        MESSAGE_PRIORITY,
        CORRELATION_INFO,
    ]
    assert not [header for header in headers if not is_of_grammar(grammar, *header)]
    assert dict(headers)[CALLBACK] == "Nchf_ConvergedCharging_Notify; apiversion=2"
    assert 0 < int(dict(headers)[MAX_RSP_TIME]) <= MAX_RSP_TIME_MS_MAX
    plain = notification_headers(NOW_NS, wait_ms, correlation=["no such thing"])
    assert [name for name, _ in plain] == [CALLBACK, SENDER_TIMESTAMP, MAX_RSP_TIME]


def test_the_more_wait_the_more_a_new_session_must_matter() -> None:
    assert priority_taken(0) == priority_taken(CONGESTED_FROM - 1) == PRIORITY_LOWEST
    assert priority_taken(CONGESTED_FROM) == PRIORITY_DEFAULT
    for percent, taken in LEVELS_PERCENT:
        assert priority_taken(-(-percent * REQUESTS_QUEUED_NEW_SESSIONS_MAX // 100)) == taken
