"""CCAs: their shape for every kind of answer, who gets them, and that another implementation reads all of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diameter.message.commands import CreditControlAnswer

from charging.batch import KIND_COMMAND, new_answer_batch, new_usage_batch
from charging.final_units import FinalUnit, RedirectAddressType, by_number, number_of_final_unit
from charging.tariff_tables import FinalAction
from gy_interface.cca import ANSWER_SPAN_DTYPE, answer_octets_max, encode_answers, order_answers
from gy_interface.ccr import decode_requests
from gy_interface.codec_rules import new_answer_order, new_answer_rules, new_sender
from gy_interface.dictionary import failed_avp_examples
from gy_interface.final_units import new_final_avps
from tests.conformance.another_stack import read
from tests.gy_interface.codec import HOST, REALM, RECEIVED_NS, Codec, grant
from tests.gy_interface.diameter_octets import (
    SESSION_ID,
    avp,
    avps_of,
    ccr,
    essentials,
    group,
    message,
    split,
    subscription,
    text,
    u32,
    u64,
    update_of_700_octets,
)
from vocabulary.instants import NS_PER_S, from_rfc3339, to_diameter_time
from vocabulary.limits import BATCH_REQUESTS_MAX, FINAL_AVPS_OCTETS_MAX, FINAL_TEXT_OCTETS_MAX
from vocabulary.outcomes import RESULT_CODES, Outcome
from vocabulary.units import Unit

IDENTITY = text(264, HOST) + text(296, REALM)
Decide = Callable[[Any, Any], None]


def answer_to(octets: bytes, decide: Decide | None = None, codec: Codec | None = None) -> bytes:
    codec = codec or Codec()
    codec.decode(octets)
    (answer,) = codec.encode(decide)
    read_by_another(answer)
    return answer


def read_by_another(answer: bytes) -> None:
    """python-diameter knows every AVP, can read its value, and writes the same octets."""
    assert isinstance(read(answer), CreditControlAnswer)


def codes(octets: bytes) -> list[int]:
    return [code for code, _, _, _ in avps_of(octets)]


def only(octets: bytes, code: int) -> bytes:
    (data,) = (data for found, _, _, data in avps_of(octets) if found == code)
    return data


def test_granted_update_octet_for_octet() -> None:
    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 5_000_000, validity_s=600)

    answer = answer_to(update_of_700_octets(4), decide)
    assert answer == message(
        text(263, SESSION_ID),
        u32(268, 2001),
        IDENTITY,
        u32(258, 4),
        u32(416, 2),
        u32(415, 4),
        group(456, group(431, u64(421, 5_000_000)), u32(432, 10), u32(268, 2001), u32(448, 600)),
        flags=0x40,
    )


@pytest.mark.parametrize(
    ("unit", "units"),
    [
        (Unit.OCTETS, u64(421, 77)),
        (Unit.SECONDS, u32(420, 77)),
        (Unit.EVENTS, u64(417, 77)),
    ],
)
def test_grant_is_in_the_unit_that_is_rated(unit: Unit, units: bytes) -> None:
    answer = answer_to(ccr(group(456, u32(439, 3))), lambda _, msccs: grant(msccs[0], 77, unit))
    assert only(answer[20:], 456) == group(431, units) + u32(439, 3) + u32(268, 2001)


@pytest.mark.parametrize(("unit", "code"), [(Unit.OCTETS, 869), (Unit.SECONDS, 868), (Unit.EVENTS, 1226)])
def test_threshold_and_holding_time_follow_in_an_mscc_alone(unit: Unit, code: int) -> None:
    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 77, unit, 60, threshold_units=2**32 - 1, holding_s=45)

    answer = answer_to(ccr(group(456, u32(432, 1))), decide)
    said = only(answer[20:], 456)
    assert said.endswith(u32(448, 60) + u32(code, 2**32 - 1, 10415) + u32(871, 45, 10415))
    flat = answer_to(ccr(group(437, u32(420, 60))), decide)
    assert codes(flat[20:]) == [263, 268, 264, 296, 258, 416, 415, 431, 448]


@pytest.mark.parametrize(
    ("unit", "units"), [(Unit.OCTETS, u64(421, 77)), (Unit.SECONDS, u32(420, 77)), (Unit.EVENTS, u64(417, 77))]
)
@pytest.mark.parametrize("instant", ["2026-09-21T18:00:00Z", "2036-02-07T06:28:15Z", "2036-02-07T06:28:17Z"])
def test_a_tariff_change_is_said_in_the_grant(unit: Unit, units: bytes, instant: str) -> None:
    """RFC 8506 §8.20, with RFC 6733's Time, which begins anew in 2036."""
    change_ns = from_rfc3339(instant)

    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 77, unit, 60, tariff_change_s=change_ns // NS_PER_S)

    said = group(431, u32(451, to_diameter_time(change_ns)), units)
    answer = answer_to(ccr(group(456, u32(432, 1))), decide)
    assert only(answer[20:], 456) == said + u32(432, 1) + u32(268, 2001) + u32(448, 60)
    flat = answer_to(ccr(group(437, u32(420, 60))), decide)
    assert said in flat


def test_last_grant_says_what_follows() -> None:
    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 77, Unit.OCTETS, 60, FinalAction.TERMINATE)

    answer = answer_to(ccr(group(456, u32(432, 1))), decide)
    expected = group(431, u64(421, 77)) + u32(432, 1) + u32(268, 2001) + u32(448, 60) + group(430, u32(449, 0))
    assert only(answer[20:], 456) == expected


REDIRECT = FinalUnit("https://top-up.example.net", RedirectAddressType.URL, "garden", "permit out ip from any to any")
RESTRICT = FinalUnit(filter_id="garden")


@pytest.mark.parametrize(
    ("action", "unit", "inside"),
    [
        (
            FinalAction.REDIRECT,
            REDIRECT,
            u32(449, 1)
            + text(438, "permit out ip from any to any")
            + text(11, "garden")
            + group(434, u32(433, 2), text(435, "https://top-up.example.net")),
        ),
        (FinalAction.RESTRICT, RESTRICT, u32(449, 2) + text(11, "garden")),
        (FinalAction.RESTRICT, None, u32(449, 2)),
    ],
)
def test_last_grant_says_where_the_user_goes(action: FinalAction, unit: FinalUnit | None, inside: bytes) -> None:
    number = number_of_final_unit(unit) if unit else 0

    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 77, Unit.OCTETS, 60, action, final_unit=number)
        msccs[1]["validity_s"], msccs[1]["final_action"], msccs[1]["final_unit"] = 60, action, number

    codec = Codec(finals=new_final_avps(by_number([REDIRECT, RESTRICT, FinalUnit(filter_id="other")])))
    answer = answer_to(ccr(group(456, u32(432, 1)), group(456, u32(432, 2))), decide, codec)
    with_grant, at_once = [data for code, _, _, data in avps_of(answer[20:]) if code == 456]
    assert with_grant == group(431, u64(421, 77)) + u32(432, 1) + u32(268, 2001) + u32(448, 60) + group(430, inside)
    assert at_once == u32(432, 2) + u32(268, 2001) + u32(448, 60) + group(430, inside)
    flat = answer_to(ccr(group(437, u32(420, 60))), decide, codec)
    assert only(flat[20:], 430) == inside


def test_texts_that_nobody_told_end_the_service() -> None:
    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 77, Unit.OCTETS, 60, FinalAction.REDIRECT, final_unit=number_of_final_unit(REDIRECT))

    for finals in (new_final_avps({}), new_final_avps(by_number([RESTRICT]))):
        answer = answer_to(ccr(group(456, u32(432, 1))), decide, Codec(finals=finals))
        assert only(only(answer[20:], 456), 430) == u32(449, 0)


def test_the_longest_texts_have_room() -> None:
    longest = FinalUnit("x" * FINAL_TEXT_OCTETS_MAX, 2, "y" * FINAL_TEXT_OCTETS_MAX, "z" * FINAL_TEXT_OCTETS_MAX)
    assert new_final_avps(by_number([longest])).longest[0] <= FINAL_AVPS_OCTETS_MAX


def test_msccs_are_answered_in_order_with_results_of_their_own() -> None:
    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 5)
        msccs[1]["outcome"] = Outcome.CREDIT_LIMIT_REACHED
        msccs[2]["outcome"] = Outcome.CREDIT_CONTROL_NOT_APPLICABLE
        msccs[3]["outcome"] = Outcome.UNDECIDED

    request = ccr(*[group(456, u32(432, number)) for number in (7, 8, 9, 10)])
    answer = answer_to(request, decide)
    groups = [data for code, _, _, data in avps_of(answer[20:]) if code == 456]
    assert groups == [
        group(431, u64(421, 5)) + u32(432, 7) + u32(268, 2001),
        u32(432, 8) + u32(268, 4012),
        u32(432, 9) + u32(268, 4011),
        u32(432, 10) + u32(268, 5012),
    ]
    assert only(answer[20:], 268) == (2001).to_bytes(4, "big")


def test_termination_gets_no_units() -> None:
    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 5, Unit.OCTETS, 60, FinalAction.TERMINATE)

    answer = answer_to(ccr(group(456, u32(432, 7), u32(439, 1)), request_type=3, number=2), decide)
    assert only(answer[20:], 456) == u32(439, 1) + u32(432, 7) + u32(268, 2001)


def test_units_outside_of_msccs_are_answered_there() -> None:
    def decide(answers: Any, msccs: Any) -> None:
        grant(msccs[0], 60, Unit.SECONDS, 30, FinalAction.TERMINATE)

    answer = answer_to(ccr(group(437, u32(420, 60)), u32(439, 5)), decide)
    assert codes(answer[20:]) == [263, 268, 264, 296, 258, 416, 415, 431, 448, 430]
    assert only(answer[20:], 431) == u32(420, 60)

    def refuse(answers: Any, msccs: Any) -> None:
        msccs[0]["outcome"] = Outcome.CREDIT_LIMIT_REACHED

    answer = answer_to(ccr(group(437, u32(420, 60))), refuse)
    assert codes(answer[20:]) == [263, 268, 264, 296, 258, 416, 415]
    assert only(answer[20:], 268) == (4012).to_bytes(4, "big")


def test_limit_at_command_level_keeps_the_results_of_services() -> None:
    def decide(answers: Any, msccs: Any) -> None:
        answers[0]["outcome"] = msccs[0]["outcome"] = Outcome.CREDIT_LIMIT_REACHED

    answer = answer_to(ccr(group(456, u32(432, 7))), decide)
    assert only(answer[20:], 268) == (4012).to_bytes(4, "big")
    assert only(answer[20:], 456) == u32(432, 7) + u32(268, 4012)


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.UNDECIDED}))
def test_every_outcome_at_command_level(outcome: Outcome) -> None:
    def decide(answers: Any, msccs: Any) -> None:
        answers[0]["outcome"] = outcome

    answer = answer_to(ccr(group(456, u32(432, 7)), number=3), decide)
    code = RESULT_CODES[outcome]
    is_protocol_error = 3000 <= code < 4000
    assert answer[4] == (0x60 if is_protocol_error else 0x40)
    assert only(answer[20:], 268) == code.to_bytes(4, "big")
    head = [263, 268, 264, 296] if is_protocol_error else [263, 268, 264, 296, 258]
    has_services = outcome in (Outcome.GRANTED, Outcome.CREDIT_LIMIT_REACHED)
    assert codes(answer[20:]) == [*head, 416, 415] + [456] * has_services
    assert answer[12:20] == b"\x11" * 4 + b"\x22" * 4


def test_service_without_a_price_is_named_in_a_failed_avp() -> None:
    def decide(answers: Any, msccs: Any) -> None:
        msccs["outcome"] = Outcome.RATING_FAILED
        grant(msccs[1], 5)

    request = ccr(group(456, u32(432, 7), u32(439, 1)), group(456), group(456, u32(439, 9)), group(456))
    answer = answer_to(request, decide)
    failed = [data for code, _, _, data in avps_of(answer[20:]) if code == 279]
    assert failed == [u32(432, 7), u32(439, 9), u32(432, 0)]
    assert only(answer[20:], 268) == (2001).to_bytes(4, "big")


def test_engine_names_an_avp_of_the_request_or_one_that_it_lacks() -> None:
    def refuse(outcome: Outcome, code: int) -> Decide:
        def decide(answers: Any, msccs: Any) -> None:
            answers[0]["outcome"], answers[0]["failed_code"] = outcome, code

        return decide

    repeated = answer_to(ccr(number=9), refuse(Outcome.INVALID_AVP_VALUE, 415))
    assert only(repeated[20:], 279) == u32(415, 9)
    lacking = answer_to(ccr(), refuse(Outcome.MISSING_AVP, 436))
    assert only(lacking[20:], 279) == u32(436, 0)


@pytest.mark.parametrize(
    ("request_octets", "result", "failed"),
    [
        (ccr(request_type=5), 5004, u32(416, 5)),
        (ccr(avp(9999, b"odd", 4711)), 5001, avp(9999, b"odd", 4711)),
        (ccr(group(456, avp(432, b"12345"))), 5014, avp(432, b"12345")),
        (ccr(u32(415, 1)), 5009, u32(415, 1)),
        (message(*essentials()[:7]), 5005, u32(415, 0)),
        (message(*essentials()[1:]), 5005, avp(263, b"")),
        (ccr(b"\x00\x00\x01\xa0\x40\x00\x00\x99"), 5014, u32(416, 0)),
        (ccr(b"\x00\x00\x03\x69\xc0\x00\x00\x99\x00\x00\x28\xaf"), 5014, avp(873, b"", 10415)),
        (ccr(b"\x00\x00\x01\xa5\x40\x00\x00\x99"), 5014, u64(421, 0)),
        (ccr(b"\x00\x00\x00\x37"), 5014, u32(55, 0)),
    ],
)
def test_fault_is_answered_with_the_avp(request_octets: bytes, result: int, failed: bytes) -> None:
    codec = Codec()
    codec.decode(request_octets)
    (answer,) = codec.encode()
    assert only(answer[20:], 268) == result.to_bytes(4, "big")
    assert only(answer[20:], 279) == failed
    if b"odd" not in failed and b"12345" not in failed:  # these come back as they were, and nobody can read them
        read_by_another(answer)
    assert (416 in codes(answer[20:])) == (failed[:4] != u32(416, 5)[:4] or result == 5014)
    assert (415 in codes(answer[20:])) == (result != 5005 or failed[:4] != u32(415, 0)[:4])
    assert (263 in codes(answer[20:])) == (failed != avp(263, b""))


def test_wrong_destination_is_an_error_of_the_general_grammar() -> None:
    codec = Codec(host=HOST)
    codec.decode(ccr(text(293, "other.example"), group(456)))
    (answer,) = codec.encode()
    read_by_another(answer)
    assert answer[4] == 0x60
    assert codes(answer[20:]) == [263, 268, 264, 296, 416, 415]
    assert only(answer[20:], 268) == (3002).to_bytes(4, "big")


def test_proxy_infos_come_back_in_order_and_the_p_bit_as_it_was() -> None:
    infos = [group(284, text(280, name), avp(33, state)) for name, state in (("dra1", b"\x01"), ("dra2", b"state"))]
    octets = message(*essentials(), infos[0], subscription(1, "001"), infos[1], flags=0x80)
    answer = answer_to(octets)
    assert answer[4] == 0
    assert answer.endswith(infos[0] + infos[1])
    busy = answer_to(octets, lambda answers, _: answers.__setitem__("outcome", Outcome.TOO_BUSY))
    assert busy.endswith(infos[0] + infos[1])


# --- order, room and spans --------------------------------------------------------------------------------------------
def mixed_batch(connections: list[tuple[int, int]]) -> tuple[Any, Any]:
    """A batch with a request of each (connection, epoch); its number is its place."""
    codec = Codec()
    batch, answers = new_usage_batch(64, 2048, 1 << 20), new_answer_batch(64, 2048)
    for number, (connection, epoch) in enumerate(connections):
        octets = np.frombuffer(ccr(number=number), np.uint8).copy()
        sender = new_sender(connection, epoch, 0, 0)
        decode_requests(octets, len(octets), batch, sender, codec.rules, RECEIVED_NS, codec.others)
    answers.answers["outcome"] = Outcome.GRANTED
    return batch, answers


def encode_all(
    batch: Any, answers: Any, out_octets: int, spans_max: int
) -> tuple[list[tuple[int, int, list[int]]], int]:
    """([(connection, epoch, numbers)], calls): what was written, however many calls that takes."""
    rules = new_answer_rules(HOST, REALM, failed_avp_examples())
    order = new_answer_order(16, BATCH_REQUESTS_MAX)
    out, spans = np.zeros(out_octets, np.uint8), np.zeros(spans_max, ANSWER_SPAN_DTYPE)
    place, calls, written = 0, 0, []
    count = order_answers(batch, answers, order)
    while place < count:
        place, span_count, length = encode_answers(batch, answers, order, place, count, rules, out, spans)
        calls += 1
        assert span_count > 0
        assert int(spans["length"][:span_count].sum()) == length
        for span in spans[:span_count]:
            messages = split(out[span["offset"] : span["offset"] + span["length"]].tobytes())
            assert len(messages) == span["answers"]
            numbers = [int.from_bytes(only(octets[20:], 415), "big") for octets in messages]
            written.append((int(span["connection"]), int(span["connection_epoch"]), numbers))
    return written, calls


def test_answers_of_a_connection_stand_together_in_order() -> None:
    batch, answers = mixed_batch([(5, 1), (2, 1), (5, 1), (15, 1), (2, 1), (5, 2), (0, 9)])
    written, calls = encode_all(batch, answers, 1 << 20, 16)
    assert written == [(0, 9, [6]), (2, 1, [1, 4]), (5, 1, [0, 2]), (5, 2, [5]), (15, 1, [3])]
    assert calls == 1


def test_silent_rows_commands_and_unknown_connections_are_left_out() -> None:
    batch, answers = mixed_batch([(1, 1), (1, 1), (-1, 1), (16, 1), (3, 1)])
    answers.answers[0]["is_silent"] = 1
    batch.requests[4]["kind"] = KIND_COMMAND
    assert encode_all(batch, answers, 1 << 20, 16) == ([(1, 1, [1])], 1)


def test_goes_on_where_the_buffer_or_the_spans_were_full() -> None:
    connections = [(number % 3, 1) for number in range(60)]
    batch, answers = mixed_batch(connections)
    rules = new_answer_rules(HOST, REALM, failed_avp_examples())
    for out_octets, spans_max in ((answer_octets_max(rules), 1), (2000, 16)):
        written, calls = encode_all(batch, answers, out_octets, spans_max)
        assert calls > 1
        numbers = {
            connection: [number for found, _, part in written if found == connection for number in part]
            for connection in range(3)
        }
        assert numbers == {connection: list(range(connection, 60, 3)) for connection in range(3)}
