"""CCR-I, CCR-U and CCR-T as a PGW sends them, about 700 octets with PS-Information, as templates for the patching kernels.

Our own choice of AVPs in the order of TS 32.299 §6.4.2. What varies from message to message is written as zeros and
marked; the prefix up to CC-Request-Number is the same in all three, so a canned server finds it at fixed places.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.generators.gy_avps import (
    APPLICATION_CREDIT_CONTROL,
    COMMAND_CREDIT_CONTROL,
    FLAG_PROXIABLE,
    FLAG_REQUEST,
    VENDOR_3GPP,
    Avp,
    ipv4,
    text,
    unsigned32,
    unsigned64,
    write_message,
)
from bench.generators.sessions import INITIAL, TERMINATION, UPDATE
from bench.workload import RATING_GROUPS, GyPlan

SESSION_DIGITS: Final = 10
MSISDN_DIGITS: Final = 12
IMSI_DIGITS: Final = 15

# Columns of Templates.marks
MARK_SESSION: Final = 0
"""The last SESSION_DIGITS digits of the Session-Id."""
MARK_REQUEST_TYPE: Final = 1
MARK_REQUEST_NUMBER: Final = 2
MARK_EVENT_TIME: Final = 3
MARK_MSISDN: Final = 4
MARK_IMSI: Final = 5
MARK_CHARGING_ID: Final = 6
MARK_PDP_ADDRESS: Final = 7
"""The last three octets of the IPv4 address."""
MARK_CELL: Final = 8
"""The last two octets of User-Location-Info."""
MARK_COUNT: Final = 9

# Columns of Templates.mscc_marks; 0 where the message has none
MARK_CC_TIME: Final = 0
MARK_TOTAL: Final = 1
MARK_INPUT: Final = 2
MARK_OUTPUT: Final = 3
MARK_REASON: Final = 4
MSCC_MARK_COUNT: Final = 5


class Templates(NamedTuple):
    """Row 0 is CCR-I, 1 CCR-U, 2 CCR-T: row = CC-Request-Type - 1."""

    octets: NDArray[np.uint8]  # (3, longest)
    lengths: NDArray[np.int64]  # (3,)
    marks: NDArray[np.int64]  # (3, MARK_COUNT) offsets into the message
    mscc_marks: NDArray[np.int64]  # (3, MSCCs, MSCC_MARK_COUNT)
    session_id: NDArray[np.uint8]  # the Session-Id before its digits


def session_id_prefix(plan: GyPlan) -> str:
    """Session-Id up to the digits that count sessions; the run's number keeps two runs apart."""
    return f"{plan.origin_host};{plan.run_id};"


def _mscc(plan: GyPlan, request_type: int, index: int) -> Avp:
    inner: list[Avp] = []
    if request_type != TERMINATION:
        inner.append(Avp(437, [unsigned64(421, plan.asked_octets)]))
    if request_type != INITIAL:
        inner.append(
            Avp(
                446,
                [
                    unsigned32(420, 0, mark=f"cc_time {index}"),
                    unsigned64(421, 0, mark=f"total {index}"),
                    unsigned64(412, 0, mark=f"input {index}"),
                    unsigned64(414, 0, mark=f"output {index}"),
                ],
            )
        )
    inner.append(unsigned32(432, RATING_GROUPS[index]))
    if request_type != INITIAL:
        inner.append(unsigned32(872, 0, vendor=VENDOR_3GPP, mark=f"reason {index}"))
    return Avp(456, inner)


def _service_information() -> Avp:
    def raw(code: int, data: bytes, mark: str = "") -> Avp:
        return Avp(code, data, VENDOR_3GPP, is_mandatory=False, mark=mark)

    ps_information = [
        raw(2, bytes(4), "charging_id"),
        raw(3, bytes(4)),
        ipv4(1227, (10, 0, 0, 0), vendor=VENDOR_3GPP, mark="pdp_address"),
        ipv4(1228, (192, 0, 2, 17), vendor=VENDOR_3GPP),
        ipv4(847, (192, 0, 2, 33), vendor=VENDOR_3GPP),
        ipv4(846, (192, 0, 2, 49), vendor=VENDOR_3GPP),
        raw(8, b"00101"),
        raw(9, b"00101"),
        raw(10, b"5"),
        text(30, "internet"),
        raw(12, b"0"),
        raw(13, b"0800"),
        raw(18, b"00101"),
        raw(23, b"\x80\x00"),
        # TAI and ECGI of TS 29.274 §8.21: MCC 001, MNC 01, TAC 4660, and a cell of which the last two octets vary
        raw(22, bytes.fromhex("8200f110123400f11000a1") + b"\x00\x00", "location"),
        raw(21, b"\x06"),
    ]
    return Avp(873, [Avp(874, ps_information, VENDOR_3GPP)], VENDOR_3GPP)


def write_ccr(plan: GyPlan, request_type: int) -> tuple[bytes, dict[str, int]]:
    """One CCR with everything that varies left zero, and its marks."""
    avps = [
        text(263, session_id_prefix(plan) + "0" * SESSION_DIGITS, mark="session"),
        text(264, plan.origin_host),
        text(296, plan.origin_realm),
        text(283, plan.destination_realm),
        unsigned32(258, APPLICATION_CREDIT_CONTROL),
        text(461, "32251@3gpp.org"),
        unsigned32(416, request_type, mark="request_type"),
        unsigned32(415, 0, mark="request_number"),
        unsigned32(278, plan.origin_state_id),
        unsigned32(55, 0, mark="event_time"),
        Avp(443, [unsigned32(450, 0), text(444, "0" * MSISDN_DIGITS, mark="msisdn")]),
        Avp(443, [unsigned32(450, 1), text(444, "0" * IMSI_DIGITS, mark="imsi")]),
    ]
    if request_type == TERMINATION:
        avps.append(unsigned32(295, 1))
    avps.append(unsigned32(455, 1))
    avps += [_mscc(plan, request_type, index) for index in range(plan.mscc_count)]
    avps.append(
        Avp(
            458,
            [unsigned32(459, 0), text(460, "3534900698733190", is_mandatory=False)],
            is_mandatory=False,
        )
    )
    avps.append(_service_information())
    return write_message(
        COMMAND_CREDIT_CONTROL, FLAG_REQUEST | FLAG_PROXIABLE, avps, application=APPLICATION_CREDIT_CONTROL
    )


def build_templates(plan: GyPlan) -> Templates:
    """The three templates of a plan; done once, before anything is sent."""
    written = [write_ccr(plan, request_type) for request_type in (INITIAL, UPDATE, TERMINATION)]
    lengths = np.array([len(message) for message, _ in written], np.int64)
    octets = np.zeros((3, int(lengths.max())), np.uint8)
    marks = np.zeros((3, MARK_COUNT), np.int64)
    mscc_marks = np.zeros((3, plan.mscc_count, MSCC_MARK_COUNT), np.int64)
    prefix = session_id_prefix(plan)
    for row, (message, at) in enumerate(written):
        octets[row, : len(message)] = np.frombuffer(message, np.uint8)
        marks[row] = (
            at["session"] + len(prefix),
            at["request_type"],
            at["request_number"],
            at["event_time"],
            at["msisdn"],
            at["imsi"],
            at["charging_id"],
            at["pdp_address"] + 3,
            at["location"] + 11,
        )
        for index in range(plan.mscc_count):
            names = ("cc_time", "total", "input", "output", "reason")
            mscc_marks[row, index] = [at.get(f"{name} {index}", 0) for name in names]
    return Templates(octets, lengths, marks, mscc_marks, np.frombuffer(prefix.encode(), np.uint8).copy())
