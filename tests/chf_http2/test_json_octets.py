"""How deep lists and objects stand within one another, and that a body which is too deep is refused by the limit."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging.batch import new_usage_batch
from chf_http2.charging_data_ref import Refs
from chf_http2.errors import RequestRefused
from chf_http2.json_octets import nesting_of
from chf_http2.requests import RequestReader
from chf_http2.tick_memory import new_packed_rows, new_tick_memory
from tests.chf_http2.charging_bodies import octets, request
from vocabulary.limits import JSON_NESTING_MAX

SECRET = np.array([3, 5], np.uint64)
TEXT = st.text('[]{}"\\\\ab', max_size=6)
VALUE = st.recursive(
    st.none() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def nesting(body: bytes) -> int:
    return int(nesting_of(np.frombuffer(bytearray(body), np.uint8)))


@given(VALUE)
def test_depth_is_that_of_the_value(value: Any) -> None:
    assert nesting(json.dumps(value).encode()) == depth_of(value)


@given(st.binary(max_size=40) | st.text('[]{}"\\\\', max_size=12).map(str.encode))
def test_any_octets_have_some_depth(body: bytes) -> None:
    assert 0 <= nesting(body) <= len(body)


def test_a_body_that_is_too_deep_is_refused_by_the_limit() -> None:
    tick = new_tick_memory(new_usage_batch(), new_packed_rows(), SECRET, 1)
    reader = RequestReader(Refs(SECRET, 1), tick, wraps_volumes=False)
    deepest = JSON_NESTING_MAX - 1
    reader.decode(octets(request())[:-1] + b',"new":' + b"[" * deepest + b"]" * deepest + b"}")
    said = (
        f"{JSON_NESTING_MAX + 1} lists and objects within one another, at most {JSON_NESTING_MAX}; nothing was charged"
    )
    with pytest.raises(RequestRefused, match=said):
        reader.decode(octets(request())[:-1] + b',"new":' + b"[" * JSON_NESTING_MAX)
