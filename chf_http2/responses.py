"""Answered rows to bodies of 201 and 200; what a release or a failure is answered has no such body."""

from datetime import datetime
from typing import Any, Final

import msgspec

from chf_http2.charging_data_ref import NAME_DIGITS, SESSION_PREFIX, SessionName
from chf_http2.routes import Service
from chf_http2.schema import (
    ChargingDataResponse,
    FinalUnitIndication,
    GrantedUnit,
    MultipleUnitInformation,
    Trigger,
)
from chf_http2.tick_memory import ECHO_NUMBER_OCTETS
from vocabulary.outcomes import OUTCOMES
from vocabulary.units import Unit

RESULT_CODES: Final = {int(row.outcome): row.nchf for row in OUTCOMES}
"""resultCode of a rating group by outcome (TS 32.291 §6.1.6.3.14)."""
_QUOTA_EXHAUSTED: Final = Trigger(trigger_type="QUOTA_EXHAUSTED", trigger_category="IMMEDIATE_REPORT")
_VALIDITY_TIME: Final = Trigger(trigger_type="VALIDITY_TIME", trigger_category="IMMEDIATE_REPORT")
_TRIGGERS: Final = ((_QUOTA_EXHAUSTED,), (_QUOTA_EXHAUSTED, _VALIDITY_TIME))
"""By whether the quota has a validity time. Named each time: free5GC's SMF installs no quota without."""
FINAL_UNIT_ACTIONS: Final = ("", "TERMINATE")
"""finalUnitAction by final_action of an answer."""
_ENCODER: Final = msgspec.json.Encoder()


UNIT_COLUMNS: Final = ("outcome", "unit", "has_grant", "granted", "validity_s", "final_action")
"""What of an ANSWER_MSCC row `unit_information` is told."""


def granted_unit(unit: int, amount: int) -> GrantedUnit:
    """Quota in its unit."""
    if unit == Unit.OCTETS:
        return GrantedUnit(total_volume=amount)
    if unit == Unit.SECONDS:
        return GrantedUnit(time=amount)
    return GrantedUnit(service_specific_units=amount)


def unit_information(rating_group: int, upf_id: str | None, row: tuple[int, ...]) -> MultipleUnitInformation:
    """The answer for one rating group; `row` has UNIT_COLUMNS."""
    outcome, unit, has_grant, granted, validity_s, final_action = row
    if not has_grant:
        return MultipleUnitInformation(rating_group=rating_group, upf_id=upf_id, result_code=RESULT_CODES[outcome])
    final = FINAL_UNIT_ACTIONS[final_action]
    return MultipleUnitInformation(
        rating_group=rating_group,
        upf_id=upf_id,
        result_code=RESULT_CODES[outcome],
        granted_unit=granted_unit(unit, granted),
        triggers=_TRIGGERS[validity_s > 0],
        validity_time=validity_s or None,
        final_unit_indication=FinalUnitIndication(final_unit_action=final) if final else None,
    )


def session_of(request: Any, octets: memoryview) -> SessionName:
    """The session of a row whose account is known."""
    first = int(request["session_id_offset"]) + len(SESSION_PREFIX)
    return SessionName(str(octets[first : first + NAME_DIGITS], "ascii"), int(request["account_id"]))


def response_body(
    now: datetime,
    request: Any,
    octets: memoryview,
    groups: list[int],
    units: list[tuple[int, ...]],
    service: Service,
) -> bytes:
    """The ChargingDataResponse of a row of a batch; `groups` and `units` have rating groups and UNIT_COLUMNS of all rows."""
    echo = int(request["service_information_offset"]) + int(request["service_information_length"])
    at = echo + ECHO_NUMBER_OCTETS
    information = []
    if not service.is_offline_only:
        first = int(request["mscc_first"])
        for index in range(first, first + int(request["mscc_count"])):
            behind = at + 1 + octets[at]
            upf_id = str(octets[at + 1 : behind], "utf-8") or None
            information.append(unit_information(groups[index], upf_id, units[index]))
            at = behind
    return _ENCODER.encode(
        ChargingDataResponse(
            invocation_time_stamp=now,
            invocation_sequence_number=int.from_bytes(octets[echo : echo + ECHO_NUMBER_OCTETS], "little"),
            multiple_unit_information=tuple(information) or None,
        )
    )
