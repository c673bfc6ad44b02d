"""Answered rows to bodies of 201 and 200; what a release or a failure is answered has no such body."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from charging.batch import EVENT, INITIAL, IS_OFFLINE
from charging.final_units import NO_FINAL_UNIT, FinalUnit
from chf_http2.charging_data_ref import NAME_DIGITS, SESSION_PREFIX, SessionName
from chf_http2.routes import Service
from chf_http2.schema import (
    FinalUnitIndication,
    GrantedUnit,
    InvocationResult,
    MultipleUnitInformation,
    RedirectServer,
    Trigger,
)
from chf_http2.tick_memory import ECHO_PACKER, NO_FEATURES
from chf_http2.triggers import NO_TRIGGERS, Triggers
from vocabulary.outcomes import OUTCOMES, Outcome
from vocabulary.units import Unit

RESULT_CODES: Final = {int(row.outcome): row.nchf for row in OUTCOMES}
"""resultCode of a rating group by outcome (TS 32.291 §6.1.6.3.14)."""
_QUOTA_EXHAUSTED: Final = Trigger(trigger_type="QUOTA_EXHAUSTED", trigger_category="IMMEDIATE_REPORT")
_VALIDITY_TIME: Final = Trigger(trigger_type="VALIDITY_TIME", trigger_category="IMMEDIATE_REPORT")
_QUOTA_THRESHOLD: Final = Trigger(trigger_type="QUOTA_THRESHOLD", trigger_category="IMMEDIATE_REPORT")
_QHT: Final = Trigger(trigger_type="QHT", trigger_category="IMMEDIATE_REPORT")
_TARIFF_TIME_CHANGE: Final = Trigger(trigger_type="TARIFF_TIME_CHANGE", trigger_category="DEFERRED_REPORT")
"""Its default category, too (TS 32.255 §5.2.1.6): the usage before the change comes with the next report."""
_OF_TERMS: Final = (_VALIDITY_TIME, _QUOTA_THRESHOLD, _QHT, _TARIFF_TIME_CHANGE)
_TRIGGERS: Final = tuple(
    (_QUOTA_EXHAUSTED, *compress(_OF_TERMS, [place >> bit & 1 for bit in range(len(_OF_TERMS))]))
    for place in range(1 << len(_OF_TERMS))
)
"""By what the quota has: a validity time (1), a threshold (2), a holding time (4), a tariff change (8). Named each time:
free5GC's SMF installs no quota without."""
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
WRITTEN_MAX: Final = 4096
"""So many different MultipleUnitInformation are kept as octets."""
_OPENING_TYPES: Final = (INITIAL, EVENT)


_ANSWER_COLUMNS: Final = (
    "outcome",
    "unit",
    "has_grant",
    "granted",
    "validity_s",
    "threshold_units",
    "holding_s",
    "final_action",
    "final_unit",
    "tariff_change_s",
)
UNIT_COLUMNS: Final = (*_ANSWER_COLUMNS, "is_offline")
"""What `unit_information` is told: of an ANSWER_MSCC row, and whether its MSCC IS_OFFLINE."""


def granted_unit(unit: int, amount: int, change_s: int) -> GrantedUnit:
    """Quota in its unit; `change_s` is the Unix time at which its price changes, 0 where it doesn't."""
    change = datetime.fromtimestamp(change_s, UTC) if change_s else None
    if unit == Unit.OCTETS:
        return GrantedUnit(total_volume=amount, tariff_time_change=change)
    if unit == Unit.SECONDS:
        return GrantedUnit(time=amount, tariff_time_change=change)
    return GrantedUnit(service_specific_units=amount, tariff_time_change=change)


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
    rating_group: int,
    upf_id: str | None,
    row: tuple[int, ...],
    indications: Indications,
    triggers: Triggers = NO_TRIGGERS,
) -> MultipleUnitInformation:
    """The answer for one rating group and UPF; `row` has UNIT_COLUMNS."""
    outcome, unit, has_grant, granted, validity_s, threshold_units, holding_s, final_action, final_unit, *rest = row
    change_s, is_offline = rest
    if not has_grant and not final_action:
        goes_on_offline = outcome == Outcome.CREDIT_CONTROL_NOT_APPLICABLE or (
            is_offline and outcome == Outcome.GRANTED
        )
        return MultipleUnitInformation(
            rating_group=rating_group,
            upf_id=upf_id,
            result_code=RESULT_CODES[outcome],
            triggers=(triggers.offline if goes_on_offline else ()) or None,
        )
    of_quota = _TRIGGERS[(validity_s > 0) + 2 * (threshold_units > 0) + 4 * (holding_s > 0) + 8 * (change_s > 0)]
    return MultipleUnitInformation(
        rating_group=rating_group,
        upf_id=upf_id,
        result_code=RESULT_CODES[outcome],
        granted_unit=granted_unit(unit, granted, change_s) if has_grant else None,
        triggers=of_quota + triggers.rating_group,
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


class Opening:
    """What the answer that opens a session says for its whole life (TS 32.290 §5.4); `octets` are its members behind others."""

    def __init__(
        self,
        session_failover: str | None = None,
        invocation_result: InvocationResult | None = None,
        triggers: Sequence[Trigger] = (),
    ) -> None:
        said = {"invocationResult": invocation_result, "sessionFailover": session_failover, "triggers": triggers}
        self.octets = b"".join(b',"%s":%s' % (name.encode(), _ENCODER.encode(one)) for name, one in said.items() if one)


class Granted(NamedTuple):
    """What the MSCC rows of a batch were answered."""

    groups: list[int]
    units: list[tuple[int, ...]]
    """UNIT_COLUMNS"""


def granted_rows(msccs: NDArray[np.void], answers: NDArray[np.void]) -> Granted:
    """Of MSCC_DTYPE rows and the ANSWER_MSCC_DTYPE rows beside them."""
    columns = (answers[name].tolist() for name in _ANSWER_COLUMNS)
    is_offline = (msccs["presence"] & IS_OFFLINE != 0).tolist()
    return Granted(msccs["rating_group"].tolist(), list(zip(*columns, is_offline, strict=True)))


NO_OPENING: Final = Opening()


def opening_of(session_failover: str, failure_handling: str, triggers: Sequence[Trigger] = ()) -> Opening:
    """The members of the words of two settings, and when a session is reported besides."""
    handling = FAILURE_HANDLINGS.get(failure_handling)
    return Opening(
        SESSION_FAILOVERS.get(session_failover),
        InvocationResult(failure_handling=handling) if handling else None,
        triggers,
    )


class AnsweredRow(NamedTuple):
    """What of a REQUEST_DTYPE row its response is made of; the names are those of columns."""

    hop_by_hop: int
    request_type: int
    account_id: int
    session_id_offset: int
    service_information_offset: int
    service_information_length: int
    mscc_first: int
    mscc_count: int


def answered_rows(requests: NDArray[np.void]) -> Iterator[AnsweredRow]:
    """Rows of a batch: a column at a time leaves numpy, which costs a tenth of a row at a time."""
    return map(AnsweredRow._make, zip(*(requests[name].tolist() for name in AnsweredRow._fields), strict=True))


def session_of(row: AnsweredRow, octets: memoryview) -> SessionName:
    """The session of a row whose account is known."""
    first = row.session_id_offset + len(SESSION_PREFIX)
    return SessionName(str(octets[first : first + NAME_DIGITS], "ascii"), row.account_id)


class ResponseWriter:
    """Writes the bodies of a front end's answers.

    opening    what answers that open a session say besides
    triggers   what entries of rating groups say besides
    """

    def __init__(self, opening: Opening, triggers: Triggers = NO_TRIGGERS) -> None:
        self._opening = opening
        self._triggers = triggers
        self._indications = Indications()
        self._written: dict[tuple[Any, ...], bytes] = {}
        """Octets of a MultipleUnitInformation by what it says: an offer grants the same quota again and again."""

    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers may name from now on, by their numbers."""
        self._indications.use(units)
        self._written.clear()

    def write(self, stamp: bytes, row: AnsweredRow, octets: memoryview, granted: Granted, service: Service) -> bytes:
        """The ChargingDataResponse of a row of a batch, whose texts and echo (tick_memory.py) are in `octets`.

        stamp   `json_stamp` of now
        """
        echo = row.service_information_offset + row.service_information_length
        number, features = ECHO_PACKER.unpack_from(octets, echo)
        information: Sequence[bytes] = ()
        if not service.is_offline_only:
            information = self._information(row, octets, echo + ECHO_PACKER.size, granted)
        if row.request_type in _OPENING_TYPES:
            return response_body(stamp, number, information, self._opening, features)
        return response_body(stamp, number, information)

    def _information(self, row: AnsweredRow, octets: memoryview, at: int, granted: Granted) -> list[bytes]:
        written = []
        for index in range(row.mscc_first, row.mscc_first + row.mscc_count):
            behind = at + 1 + octets[at]
            said = granted.groups[index], octets[at + 1 : behind].tobytes(), granted.units[index]
            part = self._written.get(said)
            if part is None:
                part = self.write_information(*said)
                if len(self._written) == WRITTEN_MAX:
                    self._written.clear()
                self._written[said] = part
            written.append(part)
            at = behind
        return written

    def write_information(self, rating_group: int, upf_id: bytes, row: tuple[int, ...]) -> bytes:
        """A MultipleUnitInformation; `row` has UNIT_COLUMNS."""
        said = unit_information(rating_group, upf_id.decode() or None, row, self._indications, self._triggers)
        return _ENCODER.encode(said)


def response_body(
    stamp: bytes,
    sequence_number: int,
    information: Sequence[bytes],
    opening: Opening = NO_OPENING,
    features: int = NO_FEATURES,
) -> bytes:
    """A ChargingDataResponse with an encoded MultipleUnitInformation for each rating group."""
    supported = b"" if features == NO_FEATURES else b',"supportedFeatures":"%X"' % features
    listed = b',"multipleUnitInformation":[%s]' % b",".join(information) if information else b""
    return b'{"invocationTimeStamp":%s,"invocationSequenceNumber":%d%s%s%s}' % (
        stamp,
        sequence_number,
        opening.octets,
        supported,
        listed,
    )


def json_stamp(now: datetime) -> bytes:
    """An instant as a member's value."""
    return _ENCODER.encode(now)
