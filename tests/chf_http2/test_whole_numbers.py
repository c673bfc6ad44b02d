"""Numbers and instants that may be written in another way are read as what they are, and no others."""

import json
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from charging.batch import new_usage_batch
from chf_http2.charging_data_ref import Refs
from chf_http2.requests import RequestReader
from chf_http2.tick_memory import new_packed_rows, new_tick_memory
from chf_http2.whole_numbers import in_usual_form
from tests.chf_http2.charging_bodies import request, usage

SECRET = np.array([3, 5], np.uint64)


@pytest.fixture(scope="module")
def reader() -> RequestReader:
    tick = new_tick_memory(new_usage_batch(), new_packed_rows(), SECRET, 1)
    return RequestReader(Refs(SECRET, 1), tick, wraps_volumes=False)


@pytest.mark.parametrize(
    ("written", "number"), [("1e3", 1000), ("1000.0", 1000), ("1.5E1", 15), ("-0.0", 0), ("9e15", 9 * 10**15)]
)
def test_integers_with_exponent_or_fraction_are_integers(reader: RequestReader, written: str, number: int) -> None:
    body = json.dumps(request(1, (usage(1, used=({"totalVolume": 777},)),))).replace("777", written)
    (said,) = reader.decode(body.encode()).multiple_unit_usage or ()
    assert said.used_unit_container is not None
    assert said.used_unit_container[0].total_volume == number


@pytest.mark.parametrize("written", ["1.5", "1e-1", "1e17", "1e999", '"1e3"', "true"])
def test_others_are_refused(reader: RequestReader, written: str) -> None:
    body = json.dumps(request(1, (usage(1, used=({"totalVolume": 777},)),))).replace("777", written)
    with pytest.raises(msgspec.ValidationError):
        reader.decode(body.encode())


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60.25Z", datetime(2017, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2016-12-31T15:59:60-08:00", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2015-07-01T01:59:60+02:00", datetime(2015, 7, 1, tzinfo=UTC)),
    ],
)
def test_a_leap_second_is_the_next_one(reader: RequestReader, written: str, moment: datetime) -> None:
    assert reader.decode(json.dumps(request(invocationTimeStamp=written)).encode()).invocation_time_stamp == moment


@pytest.mark.parametrize(
    "written",
    [
        "2016-12-31T22:59:60Z",
        "2016-12-30T23:59:60Z",
        "2016-12-31T23:59:61Z",
        "2016-13-31T23:59:60Z",
        "2016-12-31T23:59:60",
        "9999-12-31T23:59:60Z",
        "2016-12-31T23:59:60+99:00",
    ],
)
def test_no_other_second_is_one(reader: RequestReader, written: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"RFC3339.*invocationTimeStamp"):
        reader.decode(json.dumps(request(invocationTimeStamp=written)).encode())


def test_all_else_stays() -> None:
    said = {"a": [1, 1.5, None, True, "1e3", 2**70], "b": {"c": "23:59:60"}}
    assert json.loads(in_usual_form(json.dumps(said).encode())) == said
