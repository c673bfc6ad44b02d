"""Answered rows to bodies of 201 and 200; what a release or a failure is answered has no such body."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import compress
from typing import Any, Final, NamedTuple

import msgspec

from charging.final_units import NO_FINAL_UNIT, FinalUnit
from chf_http2.charging_data_ref import NAME_DIGITS, SESSION_PREFIX, SessionName
from chf_http2.routes import Operation, Route
from chf_http2.schema import (
    ChargingDataResponse,
    FinalUnitIndication,
    GrantedUnit,
    InvocationResult,
    MultipleUnitInformation,
    RedirectServer,
    Trigger,
)
from chf_http2.tick_memory import ECHO_NUMBER_OCTETS
from vocabulary.outcomes import OUTCOMES
from vocabulary.units import Unit

RESULT_CODES: Final = {int(row.outcome): row.nchf for row in OUTCOMES}
"""resultCode of a rating group by outcome (TS 32.291 §6.1.6.3.14)."""
_QUOTA_EXHAUSTED: Final = Trigger(trigger_type="QUOTA_EXHAUSTED", trigger_category="IMMEDIATE_REPORT")
_VALIDITY_TIME: Final = Trigger(trigger_type="VALIDITY_TIME", trigger_category="IMMEDIATE_REPORT")
_QUOTA_THRESHOLD: Final = Trigger(trigger_type="QUOTA_THRESHOLD", trigger_category="IMMEDIATE_REPORT")
_QHT: Final = Trigger(trigger_type="QHT", trigger_category="IMMEDIATE_REPORT")
_TRIGGERS: Final = tuple(
    (_QUOTA_EXHAUSTED, *compress((_VALIDITY_TIME, _QUOTA_THRESHOLD, _QHT), (place & 1, place & 2, place & 4)))
    for place in range(8)
)
"""By what the quota has: a validity time (1), a threshold (2), a holding time (4). Named each time: free5GC's SMF installs
no quota without."""
_THRESHOLDS: Final = {
    int(Unit.OCTETS): "volume_quota_threshold",
    int(Unit.SECONDS): "time_quota_threshold",
    int(Unit.EVENTS): "unit_quota_threshold",
}
"""The member of a threshold by the unit of its grant."""
_NO_THRESHOLD: Final[dict[str, Any]] = {}
FINAL_UNIT_ACTIONS: Final = ("", "TERMINATE", "REDIRECT", "RESTRICT_ACCESS")
"""finalUnitAction by final_action of an answer."""
_TERMINATE: Final = FinalUnitIndication(final_unit_action=FINAL_UNIT_ACTIONS[1])
_ADDRESS_TYPES: Final = ("IPV4", "IPV6", "URL", "URI")
"""redirectAddressType by RedirectAddressType."""
_ENCODER: Final = msgspec.json.Encoder()


UNIT_COLUMNS: Final = (
    "outcome",
    "unit",
    "has_grant",
    "granted",
    "validity_s",
    "threshold_units",
    "holding_s",
    "final_action",
    "final_unit",
)
"""What of an ANSWER_MSCC row `unit_information` is told."""


def granted_unit(unit: int, amount: int) -> GrantedUnit:
    """Quota in its unit."""
    if unit == Unit.OCTETS:
        return GrantedUnit(total_volume=amount)
    if unit == Unit.SECONDS:
        return GrantedUnit(time=amount)
    return GrantedUnit(service_specific_units=amount)


def indication(final_action: int, unit: FinalUnit) -> FinalUnitIndication:
    """What happens behind the last quota, with the texts of it."""
    server = None
    if unit.redirect_to:
        server = RedirectServer(
            redirect_address_type=_ADDRESS_TYPES[unit.redirect_type], redirect_server_address=unit.redirect_to
        )
    return FinalUnitIndication(
        final_unit_action=FINAL_UNIT_ACTIONS[final_action],
        restriction_filter_rule=unit.filter_rule or None,
        filter_id=unit.filter_id or None,
        redirect_server=server,
    )


class Indications:
    """finalUnitIndication by (final_action, final_unit) of an answer: made once, when its texts are told."""

    def __init__(self) -> None:
        self._by_answer: dict[tuple[int, int], FinalUnitIndication] = {}
        self.use({NO_FINAL_UNIT: FinalUnit()})

    def use(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers may name from now on."""
        for number, unit in units.items():
            for action in range(1, len(FINAL_UNIT_ACTIONS)):
                self._by_answer[action, number] = indication(action, unit)

    def find(self, final_action: int, final_unit: int) -> FinalUnitIndication:
        """Of an action above 0; where nobody told us its texts the service ends with its quota."""
        return self._by_answer.get((final_action, final_unit), _TERMINATE)


def unit_information(
    rating_group: int, upf_id: str | None, row: tuple[int, ...], indications: Indications
) -> MultipleUnitInformation:
    """The answer for one rating group; `row` has UNIT_COLUMNS."""
    outcome, unit, has_grant, granted, validity_s, threshold_units, holding_s, final_action, final_unit = row
    if not has_grant and not final_action:
        return MultipleUnitInformation(rating_group=rating_group, upf_id=upf_id, result_code=RESULT_CODES[outcome])
    return MultipleUnitInformation(
        rating_group=rating_group,
        upf_id=upf_id,
        result_code=RESULT_CODES[outcome],
        granted_unit=granted_unit(unit, granted) if has_grant else None,
        triggers=_TRIGGERS[(validity_s > 0) + 2 * (threshold_units > 0) + 4 * (holding_s > 0)],
        validity_time=validity_s or None,
        quota_holding_time=holding_s or None,
        final_unit_indication=indications.find(final_action, final_unit) if final_action else None,
        **({_THRESHOLDS[unit]: threshold_units} if threshold_units else _NO_THRESHOLD),
    )


SESSION_FAILOVERS: Final = {"supported": "FAILOVER_SUPPORTED", "not_supported": "FAILOVER_NOT_SUPPORTED"}
"""sessionFailover by the word of `chf.session_failover`; another word isn't said."""
FAILURE_HANDLINGS: Final = {
    "terminate": "TERMINATE",
    "continue": "CONTINUE",
    "retry_and_terminate": "RETRY_AND_TERMINATE",
}
"""failureHandling by the word of `chf.failure_handling`, the same."""


class Opening(NamedTuple):
    """What the answer that opens a session says for its whole life (TS 32.290 §5.4)."""

    session_failover: str | None = None
    invocation_result: InvocationResult | None = None


NO_OPENING: Final = Opening()


def opening_of(session_failover: str, failure_handling: str) -> Opening:
    """The members of the words of two settings."""
    handling = FAILURE_HANDLINGS.get(failure_handling)
    return Opening(
        SESSION_FAILOVERS.get(session_failover), InvocationResult(failure_handling=handling) if handling else None
    )


class Wording:
    """What a front end's answers say beside the columns of their rows: texts of final units, and of the answer to a create.

    session_failover, failure_handling   words of the settings
    """

    def __init__(self, session_failover: str = "unsaid", failure_handling: str = "unsaid") -> None:
        self.indications = Indications()
        self.openings = dict.fromkeys(Operation, NO_OPENING) | {
            Operation.CREATE: opening_of(session_failover, failure_handling)
        }


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
    *,
    route: Route,
    wording: Wording,
) -> bytes:
    """The ChargingDataResponse of a row of a batch; `groups` and `units` have rating groups and UNIT_COLUMNS of all rows."""
    echo = int(request["service_information_offset"]) + int(request["service_information_length"])
    at = echo + ECHO_NUMBER_OCTETS
    information = []
    if not route.service.is_offline_only:
        first = int(request["mscc_first"])
        for index in range(first, first + int(request["mscc_count"])):
            behind = at + 1 + octets[at]
            upf_id = str(octets[at + 1 : behind], "utf-8") or None
            information.append(unit_information(groups[index], upf_id, units[index], wording.indications))
            at = behind
    number = int.from_bytes(octets[echo : echo + ECHO_NUMBER_OCTETS], "little")
    return encoded(now, number, information, wording.openings[route.operation])


def encoded(
    now: datetime, sequence_number: int, information: Iterable[MultipleUnitInformation], opening: Opening = NO_OPENING
) -> bytes:
    """A ChargingDataResponse as it is sent."""
    return _ENCODER.encode(
        ChargingDataResponse(
            invocation_time_stamp=now,
            invocation_sequence_number=sequence_number,
            invocation_result=opening.invocation_result,
            session_failover=opening.session_failover,
            multiple_unit_information=tuple(information) or None,
        )
    )
