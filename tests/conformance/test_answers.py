"""Witnesses: every kind of answer that we send fits its form and is read, typed and written again by another stack."""

from collections.abc import Callable
from typing import Any

import pytest
from diameter.message import Message
from diameter.message.commands import (
    CapabilitiesExchangeAnswer,
    CreditControlAnswer,
    DeviceWatchdogAnswer,
    DeviceWatchdogRequest,
    DisconnectPeerAnswer,
    DisconnectPeerRequest,
)

from charging.final_units import FinalUnit, RedirectAddressType, by_number, number_of_final_unit
from charging.tariff_tables import FinalAction
from gy_interface.config import PeerConfig
from gy_interface.final_units import new_final_avps
from gy_interface.opening_avps import new_opening_avps
from tests.conformance import grammar
from tests.conformance.another_stack import read
from tests.conformance.grammar import Form, misfits
from tests.gy_interface.codec import HOST, REALM, Codec, grant
from tests.gy_interface.diameter_octets import avp, avps_of, ccr, essentials, group, message, split, text, u32, u64
from tests.gy_interface.peer_messages import TW_S, WHO, at_s, base, cer, dpr, dwr, open_peer, result_of, waiting_peer
from vocabulary.outcomes import OUTCOMES, RESULT_CODES, Outcome
from vocabulary.units import Unit

INITIAL, UPDATE, TERMINATION, EVENT = 1, 2, 3, 4
Decide = Callable[[Any, Any], None]
RESULTS = [row.outcome for row in OUTCOMES]
UNDECIDABLE = (Outcome.AVP_UNSUPPORTED, Outcome.INVALID_AVP_LENGTH, Outcome.AVP_OCCURS_TOO_MANY_TIMES)
"""What only the codec finds; the engine never says it."""


def witness(octets: bytes, form: Form, command: type[Message]) -> Any:
    """The answer as python-diameter types it, after it was found to fit."""
    assert misfits(octets, form) == []
    typed = read(octets)
    assert isinstance(typed, command)
    return typed


def answer(request: bytes, decide: Decide | None = None, **settings: Any) -> bytes:
    codec = Codec(**settings)
    codec.decode(request)
    (octets,) = codec.encode(decide)
    assert octets[12:20] == request[12:20]
    return octets


def request_of(request_type: int, *units: bytes, number: int = 3) -> bytes:
    return ccr(
        u32(436, 0), group(456, *units, u32(432, 10), u32(439, 7)), request_type=request_type, number=number
    )  # fmt: skip


# --- credit control ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("request_type", [INITIAL, UPDATE, TERMINATION, EVENT], ids=["I", "U", "T", "E"])
@pytest.mark.parametrize("unit", [Unit.OCTETS, Unit.SECONDS, Unit.EVENTS], ids=lambda unit: unit.name)
@pytest.mark.parametrize("validity_s", [0, 600])
@pytest.mark.parametrize("final_action", [0, int(FinalAction.TERMINATE)])
def test_granted(request_type: int, unit: Unit, validity_s: int, final_action: int) -> None:
    octets = answer(
        request_of(request_type, group(437)),
        lambda _, msccs: grant(msccs[0], 4_000_000_000, unit, validity_s, final_action),
    )
    typed = witness(octets, grammar.CREDIT_CONTROL_ANSWER, CreditControlAnswer)
    assert (typed.result_code, typed.cc_request_type, typed.cc_request_number) == (2001, request_type, 3)
    assert (typed.origin_host, typed.origin_realm, typed.auth_application_id) == (HOST.encode(), REALM.encode(), 4)
    (mscc,) = typed.multiple_services_credit_control
    assert (mscc.rating_group, mscc.service_identifier, mscc.result_code) == (10, [7], 2001)
    if request_type == TERMINATION:
        assert (mscc.granted_service_unit, mscc.validity_time, mscc.final_unit_indication) == (None, None, None)
        return
    granted = mscc.granted_service_unit
    found = (granted.cc_total_octets, granted.cc_time, granted.cc_service_specific_units)
    assert found == tuple(4_000_000_000 if unit == of else None for of in (Unit.OCTETS, Unit.SECONDS, Unit.EVENTS))
    assert mscc.validity_time == (validity_s or None)
    assert (mscc.final_unit_indication and mscc.final_unit_indication.final_unit_action) == (
        0 if final_action else None
    )


@pytest.mark.parametrize("request_type", [INITIAL, UPDATE, TERMINATION], ids=["I", "U", "T"])
@pytest.mark.parametrize("unit", [Unit.OCTETS, Unit.SECONDS, Unit.EVENTS], ids=lambda unit: unit.name)
def test_terms_of_a_grant(request_type: int, unit: Unit) -> None:
    octets = answer(
        request_of(request_type, group(437)),
        lambda _, msccs: grant(
            msccs[0], 100, unit, 600, threshold_units=20, holding_s=30, tariff_change_s=1_790_000_000
        ),
    )
    typed = witness(octets, grammar.CREDIT_CONTROL_ANSWER, CreditControlAnswer)
    (mscc,) = typed.multiple_services_credit_control
    said = (mscc.volume_quota_threshold, mscc.time_quota_threshold, mscc.unit_quota_threshold)
    grants = request_type != TERMINATION
    assert said == tuple(20 if grants and unit == of else None for of in (Unit.OCTETS, Unit.SECONDS, Unit.EVENTS))
    assert mscc.quota_holding_time == (30 if grants else None)
    plain = Message.from_bytes(octets, plain_msg=True)
    inside = [avp.value.timestamp() for avp in plain.find_avps((456, 0), (431, 0), (451, 0))]
    assert inside == ([1_790_000_000] if grants else [])


@pytest.mark.parametrize("request_type", [INITIAL, UPDATE, TERMINATION, EVENT], ids=["I", "U", "T", "E"])
@pytest.mark.parametrize(
    ("peer", "said"),
    [
        (PeerConfig(), (None, None)),
        (PeerConfig(session_failover="supported", failure_handling="terminate"), (1, 0)),
        (PeerConfig(session_failover="not_supported"), (0, None)),
        (PeerConfig(failure_handling="continue"), (None, 1)),
        (PeerConfig(failure_handling="retry_and_terminate"), (None, 2)),
    ],
)
def test_what_holds_for_a_session(request_type: int, peer: PeerConfig, said: tuple[int | None, int | None]) -> None:
    other = PeerConfig(session_failover="supported", failure_handling="continue")
    openings = new_opening_avps([other, other, peer, other])  # the codec's connection is of peer 2
    octets = answer(request_of(request_type, group(437)), openings=openings)
    typed = witness(octets, grammar.CREDIT_CONTROL_ANSWER, CreditControlAnswer)
    found = (typed.cc_session_failover, typed.credit_control_failure_handling)
    assert found == (said if request_type == INITIAL else (None, None))
    refused = answer(
        request_of(request_type, group(437)),
        lambda answers, _: answers.__setitem__("outcome", Outcome.END_USER_SERVICE_DENIED),
        openings=openings,
    )
    assert not {418, 427} & {code for code, *_ in avps_of(refused[20:])}


ADDRESSES = [
    ("192.0.2.1", RedirectAddressType.IPV4),
    ("2001:db8::1", RedirectAddressType.IPV6),
    ("https://top-up.example.net/?a=b", RedirectAddressType.URL),
    ("sip:top-up@example.net", RedirectAddressType.SIP_URI),
]


@pytest.mark.parametrize(("address", "kind"), ADDRESSES)
@pytest.mark.parametrize("action", [FinalAction.REDIRECT, FinalAction.RESTRICT])
def test_what_follows_the_last_grant(address: str, kind: int, action: FinalAction) -> None:
    unit = FinalUnit(address, kind, "garden", "permit out ip from 192.0.2.10 to assigned")
    octets = answer(
        request_of(UPDATE, group(437)),
        lambda _, msccs: grant(msccs[0], 9, Unit.OCTETS, 60, action, final_unit=number_of_final_unit(unit)),
        finals=new_final_avps(by_number([unit])),
    )
    typed = witness(octets, grammar.CREDIT_CONTROL_ANSWER, CreditControlAnswer)
    final = typed.multiple_services_credit_control[0].final_unit_indication
    assert final.final_unit_action == action - 1
    assert (final.filter_id, final.restriction_filter_rule) == (["garden"], [unit.filter_rule.encode()])
    assert final.redirect_server.redirect_server_address == address
    assert final.redirect_server.redirect_address_type == kind


@pytest.mark.parametrize("outcome", RESULTS, ids=lambda outcome: outcome.name)
def test_every_result_of_an_mscc(outcome: Outcome) -> None:
    def decide(_: Any, msccs: Any) -> None:
        msccs[0]["outcome"] = outcome

    octets = answer(request_of(UPDATE), decide)
    typed = witness(octets, grammar.CREDIT_CONTROL_ANSWER, CreditControlAnswer)
    (mscc,) = typed.multiple_services_credit_control
    assert (typed.result_code, mscc.result_code) == (2001, RESULT_CODES[outcome])
    assert (mscc.rating_group, mscc.service_identifier) == (10, [7])
    assert (mscc.granted_service_unit, mscc.final_unit_indication) == (None, None)
    failed = [data for code, _, _, data in avps_of(octets[20:]) if code == 279]
    assert failed == ([u32(432, 10)] if outcome == Outcome.RATING_FAILED else []), (
        "5031 names what has no price (RFC 8506 §9.2)"
    )


@pytest.mark.parametrize("outcome", sorted(set(RESULTS) - set(UNDECIDABLE)), ids=lambda outcome: outcome.name)
def test_every_result_of_a_command(outcome: Outcome) -> None:
    def decide(answers: Any, _: Any) -> None:
        answers[0]["outcome"] = outcome
        answers[0]["failed_code"] = 432 if outcome == Outcome.RATING_FAILED else 0

    octets = answer(request_of(UPDATE), decide)
    code = RESULT_CODES[outcome]
    is_protocol_error = 3000 <= code < 4000
    form = grammar.ERROR_ANSWER if is_protocol_error else grammar.CREDIT_CONTROL_ANSWER
    typed = witness(octets, form, CreditControlAnswer)
    assert (typed.result_code, typed.header.is_error) == (code, is_protocol_error)
    assert (typed.cc_request_type, typed.cc_request_number) == (UPDATE, 3)
    assert typed.header.is_proxyable
    assert not typed.header.is_request
    assert not typed.header.is_retransmit


def test_every_outcome_that_only_the_codec_finds_has_a_fault_below() -> None:
    found = {code for _, code, _ in FAULTS.values()}
    assert {RESULT_CODES[outcome] for outcome in UNDECIDABLE} <= found


EURO = group(413, group(445, u64(447, 1)), u32(425, 978))
"""CC-Money"""

FAULTS: dict[str, tuple[bytes, int, bytes | None]] = {
    # name: (request, Result-Code, what Failed-AVP holds)
    "other host": (ccr(text(293, "else.example")), 3002, None),
    "other realm": (message(*essentials()[:3], text(283, "else.example"), *essentials()[4:]), 3002, None),
    "unknown AVP": (ccr(avp(9999, b"abc", 4711)), 5001, avp(9999, b"abc", 4711)),
    "unknown AVP in an MSCC": (ccr(group(456, u32(432, 1), avp(4444, b""))), 5001, avp(4444, b"")),
    "request type 9": (ccr(request_type=9), 5004, u32(416, 9)),
    "identity of kind 9": (ccr(group(443, u32(450, 9), text(444, "1"))), 5004, u32(450, 9)),
    "units below zero": (ccr(group(456, group(437, u64(421, -1)))), 5004, u64(421, -1)),
    "money to debit": (
        ccr(u32(436, 0), group(456, u32(432, 1), group(437, EURO)), request_type=4),
        5004,
        EURO,
    ),
    "nothing to debit": (ccr(u32(436, 0), group(437, u64(417, 0)), request_type=4), 5004, u64(417, 0)),
    "application 5": (message(*essentials()[:4], u32(258, 5), *essentials()[5:]), 5004, u32(258, 5)),
    "no number": (message(*essentials()[:7]), 5005, u32(415, 0)),
    "no type": (message(*essentials()[:6], essentials()[7]), 5005, u32(416, 0)),
    "no session": (message(*essentials()[1:]), 5005, avp(263, b"")),
    "no realm of a destination": (message(*essentials()[:3], *essentials()[4:]), 5005, avp(283, b"")),
    "no context": (message(*essentials()[:5], *essentials()[6:]), 5005, avp(461, b"")),
    "identity without data": (ccr(group(443, u32(450, 0))), 5005, avp(444, b"")),
    "two numbers": (ccr(u32(415, 1)), 5009, u32(415, 1)),
    "two rating groups": (ccr(group(456, u32(432, 1), u32(432, 2))), 5009, u32(432, 2)),
    "33 MSCCs": (ccr(*[group(456, u32(432, place)) for place in range(33)]), 5009, group(456, u32(432, 32))),
    "short number in an MSCC": (ccr(group(456, avp(432, b"\1\2"))), 5014, avp(432, b"\1\2")),
    "long octets": (ccr(group(456, group(437, avp(421, bytes(9))))), 5014, avp(421, bytes(9))),
    "cut AVP": (ccr(b"\x00\x00\x01\x37\x40\x00\x00\x99"), 5014, avp(311, b"")),
    "cut AVP of a vendor": (ccr(b"\x00\x00\x03\x69\xc0\x00\x00\x99\x00\x00\x28\xaf"), 5014, avp(873, b"", 10415)),
    "cut group": (ccr(group(456, b"\x00\x00\x01\xb0\x40\x00\x00\x20")), 5014, u32(432, 0)),
    "AVP shorter than its header": (ccr(b"\x00\x00\x00\x37\x40\x00\x00\x03"), 5014, u32(55, 0)),
}
LACKS_AN_ECHO = {"request type 9", "no number", "no type", "no session"}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_of_a_request(name: str) -> None:
    request, code, failed = FAULTS[name]
    octets = answer(request, host=HOST, realm=REALM)
    assert result_of(octets) == code
    is_general = code < 4000 or name in LACKS_AN_ECHO
    if name in LACKS_AN_ECHO:
        assert [fault for fault in misfits(octets, grammar.ERROR_ANSWER) if "AVP 258" not in fault] == []
    else:
        assert misfits(octets, grammar.ERROR_ANSWER if is_general else grammar.CREDIT_CONTROL_ANSWER) == []
    plain = Message.from_bytes(octets, plain_msg=True)
    assert plain.as_bytes() == octets
    assert plain.header.is_error == (code < 4000)
    found = [octets_of.payload for octets_of in plain.avps if octets_of.code == 279]
    assert found == ([failed] if failed is not None else [])


def test_units_at_command_level() -> None:
    octets = answer(
        ccr(group(437, u32(420, 60))), lambda _, msccs: grant(msccs[0], 60, Unit.SECONDS, 30, FinalAction.TERMINATE)
    )
    typed = witness(octets, grammar.CREDIT_CONTROL_ANSWER, CreditControlAnswer)
    assert (typed.granted_service_unit.cc_time, typed.validity_time) == (60, 30)
    assert typed.final_unit_indication.final_unit_action == 0


def test_proxies_of_the_way_come_back() -> None:
    proxies = [
        group(284, text(280, name), avp(33, state)) for name, state in (("dra1", b"\x01"), ("dra2", b"\x02\x03"))
    ]
    request = message(*essentials(), *proxies, group(456, u32(432, 1)))
    typed = witness(answer(request), grammar.CREDIT_CONTROL_ANSWER, CreditControlAnswer)
    assert [(proxy.proxy_host, proxy.proxy_state) for proxy in typed.proxy_info] == [
        (b"dra1", b"\x01"),
        (b"dra2", b"\x02\x03"),
    ]
    busy = answer(request, lambda answers, _: answers.__setitem__("outcome", Outcome.TOO_BUSY))
    witness(busy, grammar.ERROR_ANSWER, CreditControlAnswer)
    assert busy.endswith(proxies[0] + proxies[1])


# --- the base protocol ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("request_octets", "code"),
    [
        (cer(), 2001),
        (cer(u32(258, 16777238)), 5010),
        (cer(host=""), 5004),
        (base(257, text(296, "example.net"), u32(258, 4)), 5005),
        (cer(more=(u32(278, 1),)), 5009),
        (cer(avp(258, b"")), 5014),
        (cer(more=(u32(299, 1),)), 5017),
        (cer(flags=0xA0), 3008),
    ],
)
def test_capabilities_answers(request_octets: bytes, code: int) -> None:
    peer = waiting_peer()
    peer.receive_octets(request_octets, at_s(0))
    typed = witness(peer.take_octets(), grammar.CAPABILITIES_ANSWER, CapabilitiesExchangeAnswer)
    assert (typed.result_code, typed.header.is_error) == (code, code < 4000 and code != 2001)
    assert (typed.auth_application_id, typed.acct_application_id) == ([4], [])
    assert typed.supported_vendor_id == [10415]
    assert [address for _, address in typed.host_ip_address] == ["192.0.2.1", "2001:db8::1"]


def test_watchdogs_and_good_byes() -> None:
    peer = open_peer()
    peer.on_deadline(at_s(TW_S))
    assert witness(peer.take_octets(), grammar.WATCHDOG_REQUEST, DeviceWatchdogRequest).origin_host == HOST.encode()
    peer.receive_message(dwr(), at_s(TW_S))
    assert witness(peer.take_octets(), grammar.WATCHDOG_ANSWER, DeviceWatchdogAnswer).result_code == 2001
    peer.receive_message(dpr(), at_s(TW_S))
    assert witness(peer.take_octets(), grammar.DISCONNECT_ANSWER, DisconnectPeerAnswer).result_code == 2001
    leaving = open_peer()
    leaving.stop(at_s(1), 1)
    assert witness(leaving.take_octets(), grammar.DISCONNECT_REQUEST, DisconnectPeerRequest).disconnect_cause == 1


REFUSED: dict[str, tuple[bytes, int]] = {
    "unknown command": (message(text(263, "s;1;1"), *WHO, command=999, application=4), 3001),
    "RAR": (message(text(263, "s;1;1"), *WHO, command=258), 3001),
    "Gx": (ccr()[:8] + (16777238).to_bytes(4, "big") + ccr()[12:], 3007),
    "E bit": (ccr()[:4] + b"\xe0" + ccr()[5:], 3008),
    "CER again": (cer(), 3010),
    "unknown AVP": (base(280, *WHO, avp(4711, b"x")), 5001),
    "empty host": (base(280, text(264, ""), text(296, "x")), 5004),
    "no host": (base(280), 5005),
    "host twice": (base(280, *WHO, WHO[0]), 5009),
    "cut AVP": (base(280, *WHO, b"\x00\x00\x01\x16\x40\x00\x00\x99"), 5014),
}


@pytest.mark.parametrize("name", REFUSED)
def test_error_answers_of_the_peer_core(name: str) -> None:
    octets, code = REFUSED[name]
    peer = open_peer()
    peer.receive_message(octets, at_s(1))
    check_error(peer.take_octets(), octets, code)


@pytest.mark.parametrize(
    ("octets", "code"),
    [(b"\x02" + ccr()[1:], 5011), (b"\x01\xff\xff\xff" + ccr()[4:], 5015)],
    ids=["version 2", "length"],
)
def test_error_answers_of_a_lost_stream(octets: bytes, code: int) -> None:
    peer = open_peer()
    peer.on_fault(octets)
    check_error(peer.take_octets(), octets, code)


def check_error(octets: bytes, request: bytes, code: int) -> None:
    (octets,) = split(octets)
    assert misfits(octets, grammar.ERROR_ANSWER) == []
    plain = Message.from_bytes(octets, plain_msg=True)
    assert plain.as_bytes() == octets
    assert (plain.header.is_error, plain.header.is_request) == (code < 4000, False)
    assert (result_of(octets), octets[12:20]) == (code, request[12:20])
    if plain.header.command_code in (257, 272, 280):
        read(octets)
