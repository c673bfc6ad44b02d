"""Answered rows to bodies of 201 and 200; what a release or a failure is answered has no such body."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from chf_http2.schema import (
    ChargingDataResponse,
    FinalUnitIndication,
    GrantedUnit,
    MultipleUnitInformation,
    Trigger,
)
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


def response_body(
    now: datetime,
    sequence_number: int,
    information: Iterable[MultipleUnitInformation],
    supported_features: str | None = None,
) -> bytes:
    """A ChargingDataResponse."""
    return _ENCODER.encode(
        ChargingDataResponse(
            invocation_time_stamp=now,
            invocation_sequence_number=sequence_number,
            supported_features=supported_features,
            multiple_unit_information=tuple(information) or None,
        )
    )
