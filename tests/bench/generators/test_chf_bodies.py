"""Bodies read by the kernel beside json, in any order of members."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.generators.answered import LIMIT_REACHED, SUCCESS
from bench.generators.chf_bodies import read_response
from bench.generators.fleet import (
    RIGHT,
    SEEN_FINAL,
    SEEN_GRANTED,
    SEEN_HAS_GRANT,
    SEEN_NUMBER,
    SEEN_PRESENT,
    SEEN_RESULT,
    WRONG_FRAME,
    WRONG_MSCC,
)
from bench.workload import RATING_GROUPS
from chf_http2.responses import UNIT_COLUMNS, Indications, json_stamp, response_body, unit_information
from tests.bench.generators.chf_server import ChfServerTwin, chf_plan
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

FLEET = ChfServerTwin(chf_plan(mscc_count=3)).fleet
RESULTS = {"SUCCESS": SUCCESS, "QUOTA_LIMIT_REACHED": LIMIT_REACHED, "RATING_FAILED": 1}


def read(body: bytes) -> int:
    """What is wrong with a body; FLEET's `seen` has what it says."""
    FLEET.seen[:] = 0
    FLEET.seen_mscc[:] = 0
    octets = np.frombuffer(b'"' + body + b'"', np.uint8)
    return int(read_response(FLEET, octets, 1, 1 + len(body)))


def twin(said: dict[str, Any]) -> tuple[int, list[tuple[int, ...]]]:
    """(number, a row of `seen_mscc` a rating group) by json."""
    rows = []
    units = {unit["ratingGroup"]: unit for unit in said.get("multipleUnitInformation", ())}
    for group in RATING_GROUPS:
        unit = units.get(group)
        row = [0] * 5
        if unit is not None:
            row[SEEN_PRESENT] = 1
            row[SEEN_RESULT] = RESULTS[unit["resultCode"]] if "resultCode" in unit else 0
            row[SEEN_HAS_GRANT] = int("grantedUnit" in unit)
            row[SEEN_GRANTED] = unit.get("grantedUnit", {}).get("totalVolume", -1)
            row[SEEN_FINAL] = int("finalUnitIndication" in unit)
        rows.append(tuple(row))
    return said["invocationSequenceNumber"], rows


OPTIONAL = {
    "resultCode": st.sampled_from(sorted(RESULTS)),
    "grantedUnit": st.fixed_dictionaries(
        {}, optional={"totalVolume": st.integers(0, 2**62), "time": st.integers(0, 99)}
    ),
    "validityTime": st.integers(0, 86_400),
    "triggers": st.just([{"triggerType": "QUOTA_EXHAUSTED", "totalVolume": 7}]),
    "finalUnitIndication": st.just({"finalUnitAction": "TERMINATE", "redirectServer": {"resultCode": "SUCCESS"}}),
    "uPFID": st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=20),
}
UNITS = st.lists(st.sampled_from(RATING_GROUPS), unique=True, max_size=3).flatmap(
    lambda groups: st.tuples(
        *(st.fixed_dictionaries({"ratingGroup": st.just(group)}, optional=OPTIONAL) for group in groups)
    )
)


@given(
    number=st.integers(0, 2**32 - 1),
    units=UNITS,
    others=st.dictionaries(st.sampled_from(["triggers", "text", "x"]), st.just([{"ratingGroup": 10, "a": '\\"'}])),
    order=st.randoms(use_true_random=False),
)
def test_what_json_reads_is_read(number: int, units: tuple[Any, ...], others: dict[str, Any], order: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            names = list(value)
            order.shuffle(names)
            return {name: shuffled(value[name]) for name in names}
        return [shuffled(inner) for inner in value] if isinstance(value, list | tuple) else value

    said = {"invocationSequenceNumber": number, "multipleUnitInformation": list(units), **others}
    body = json.dumps(shuffled(said), separators=(",", ":")).encode()
    assert read(body) == RIGHT
    assert (FLEET.seen[SEEN_NUMBER] - 1, [tuple(row) for row in FLEET.seen_mscc.tolist()]) == twin(said)


def test_what_the_product_writes_is_read() -> None:
    answers = [
        {"outcome": Outcome.GRANTED, "has_grant": 1, "granted": 1_000_000, "validity_s": 3_600},
        {"outcome": Outcome.GRANTED, "has_grant": 1, "granted": 17, "final_action": 1},
        {"outcome": Outcome.CREDIT_LIMIT_REACHED},
    ]
    rows = [tuple(int(one.get(name, Unit.OCTETS if name == "unit" else 0)) for name in UNIT_COLUMNS) for one in answers]
    information = [
        msgspec.json.encode(unit_information(group, None, row, Indications()))
        for group, row in zip(RATING_GROUPS, rows, strict=True)
    ]
    assert read(response_body(json_stamp(datetime.now(UTC)), 3, information)) == RIGHT
    assert FLEET.seen[SEEN_NUMBER] == 4
    assert FLEET.seen_mscc.tolist() == [
        [1, SUCCESS, 1_000_000, 1, 0],
        [1, SUCCESS, 17, 1, 1],
        [1, LIMIT_REACHED, -1, 0, 0],
    ]


def test_broken_bodies_are_wrong() -> None:
    for body in (b"{", b'{"a":"', b'{"a":"\\', b"{}]", b'{"multipleUnitInformation":[{"ratingGroup":10}'):
        assert read(body) == WRONG_FRAME
    assert read(b'{"multipleUnitInformation":[{"ratingGroup":11}]}') == WRONG_MSCC
    assert read(b'{"multipleUnitInformation":[{"ratingGroup":10},{"ratingGroup":10}]}') == WRONG_MSCC
