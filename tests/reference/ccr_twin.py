"""What a CCR means, in plain Python: from RFC 6733 §4, RFC 8506 §3.1 and §8 and clients.md, apart from the kernels.

Collects every fault of a message, and takes the first of those that go before all others.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from vocabulary.ids import IdentityKind
from vocabulary.instants import from_diameter_time
from vocabulary.limits import (
    DIAMETER_MESSAGE_OCTETS_MAX,
    IDENTITIES_PER_REQUEST_MAX,
    IDENTITY_OCTETS_MAX,
    MSCCS_PER_REQUEST_MAX,
    SESSION_ID_OCTETS_MAX,
    UNITS_MAX,
)
from vocabulary.outcomes import OUTCOMES, Outcome

V3GPP = 10415 << 32
NEEDED = (263, 264, 296, 283, 461, 416, 415)
ONCE = (263, 416, 415)
INT32_MAX = 2**31 - 1
_MASK = 2**64 - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9


@dataclass(frozen=True)
class Found:
    """An AVP in a message: `key` is vendor << 32 | code."""

    key: int
    at: int
    data_at: int
    end: int
    is_mandatory: bool


@dataclass
class Fault:
    """Something wrong; `span` is empty where the answer has to make up an example of `key`."""

    outcome: Outcome
    span: tuple[int, int]
    key: int


@dataclass
class Mscc:
    """One MSCC; None is absent."""

    rating_group: int | None = None
    service_identifier: int | None = None
    is_requested: bool = False
    requested: dict[str, int] = field(default_factory=dict)
    is_used: bool = False
    used: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    """of it: before a tariff change"""
    has_change: bool = False
    reporting_reason: int | None = None
    is_beside: bool = False
    """of units that stand beside MSCCs: recorded alone"""


@dataclass
class Request:
    """One CCR as far as it can be read."""

    octets: bytes
    texts: dict[int, bytes] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    service_context: int = -1
    service_information: bytes = b""
    service_information_at: int = 0
    service_information_hash: int = 0
    supports_multiple_services: bool = False
    identities: list[tuple[int, bytes]] = field(default_factory=list)
    msccs: list[Mscc] = field(default_factory=list)
    has_proxy_info: bool = False
    is_flat: bool = False
    body_hash: int = 0
    seen: set[int] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    is_for_another_realm: bool = False

    @property
    def fault(self) -> Fault | None:
        """The fault that is answered."""
        order = [row.outcome for row in OUTCOMES]
        return min(self.faults, key=lambda fault: order.index(fault.outcome), default=None)

    @property
    def reports(self) -> list[Mscc]:
        """What a request at fault tells of use, of a session of ours that is named: MSCCs that ask for nothing."""
        is_named = 0 < len(self.texts.get(263, b"")) <= SESSION_ID_OCTETS_MAX and self.numbers.get(416, 0) != 0
        if not is_named or self.fault is None or self.fault.outcome == Outcome.UNABLE_TO_DELIVER:
            return []
        used = [mscc for mscc in self.msccs if any(mscc.used.values())]
        return [replace(mscc, is_requested=False, requested={}) for mscc in used]


@dataclass
class Reader:
    """Decodes messages of one sender."""

    recognised: set[int]
    host: str = ""
    realm: str = ""
    is_lenient: bool = False
    never_counts: bool = False

    def stream(self, octets: bytes) -> tuple[list[Request], int, list[tuple[int, int]], str]:
        """(requests, octets consumed, spans of other messages, why it stopped)."""
        requests: list[Request] = []
        others = []
        at = 0
        while len(octets) - at >= 20:
            version, size = octets[at], int.from_bytes(octets[at + 1 : at + 4], "big")
            if version != 1 or size < 20 or size % 4 or size > DIAMETER_MESSAGE_OCTETS_MAX:
                return requests, at, others, "not framed"
            if at + size > len(octets):
                break
            flags_command, application = struct.unpack_from(">II", octets, at + 4)
            flags, command = flags_command >> 24, flags_command & 0xFFFFFF
            if command == 272 and application == 4 and flags & 0x80 and not flags & 0x20:
                requests.append(self.request(octets[at : at + size]))
            else:
                others.append((at, size))
            at += size
        return requests, at, others, "needs octets"

    def request(self, octets: bytes) -> Request:
        """One CCR."""
        request = Request(octets)
        state = 0x27D4EB2F165667C5
        for found in self._walk(request, 20, len(octets)):
            padded = octets[found.at : found.at + (found.end - found.at + 3) // 4 * 4]
            if found.key not in (282, 284, 293) and (found.key != 55 or self.never_counts):
                state = _mix(state, avp_hash(padded))
            self._command_avp(request, found)
        request.body_hash = fold(state)
        if request.is_for_another_realm and 283 not in request.seen:
            request.faults.append(Fault(Outcome.UNABLE_TO_DELIVER, (0, 0), 283))
            request.seen.add(283)
        for key in NEEDED:
            if key not in request.seen:
                request.faults.append(Fault(Outcome.MISSING_AVP, (0, 0), key))
        if not request.msccs and (request.seen & {437, 446} or request.numbers.get(416) == 4):
            request.is_flat = True
            self._mscc(request, 20, len(octets), is_strict=False)
        elif 446 in request.seen:
            self._beside(request)
        if not request.identities and request.service_information:
            first = request.service_information_at
            for found in self._walk(request, first + 12, first + len(request.service_information)):
                if found.key == 443:
                    self._identity(request, found)
        if not request.faults and (request.numbers.get(416), request.numbers.get(436)) == (4, 0):
            self._debiting(request)
        return request

    def _beside(self, request: Request) -> None:
        """Units that were used, beside the MSCCs: one more, with the Service-Identifier that stands there."""
        if len(request.msccs) == MSCCS_PER_REQUEST_MAX:
            request.faults.append(Fault(Outcome.AVP_OCCURS_TOO_MANY_TIMES, (0, 0), 446))
            return
        mscc = Mscc(is_beside=True)
        for found in self._walk(request, 20, len(request.octets)):
            if found.key == 446:
                self._used(request, mscc, found)
            elif found.key == 439 and mscc.service_identifier is None:
                mscc.service_identifier = self._number(request, found)
        if any(mscc.used.values()):
            request.msccs.append(mscc)

    def _debiting(self, request: Request) -> None:
        """A direct debiting can't be of money, nor of 0 units that are named: the first such AVP is at fault."""
        msccs = [found for found in self._walk(request, 20, len(request.octets)) if found.key == 456]
        spans = [(found.data_at, found.end) for found in msccs] or [(20, len(request.octets))]
        for mscc, (at, end) in zip([mscc for mscc in request.msccs if not mscc.is_beside], spans, strict=True):
            for asked in [found for found in self._walk(request, at, end) if found.key == 437]:
                parts = list(self._walk(request, asked.data_at, asked.end))
                money = [found for found in parts if found.key == 413]
                named = [found for found in parts if found.key in (412, 414, 417, 420, 421)]
                is_nothing = not any(mscc.requested.values()) and not any(mscc.used.values())
                for found in (money or (named if is_nothing else []))[:1]:
                    self._fault(request, Outcome.INVALID_AVP_VALUE, found)

    def _walk(self, request: Request, at: int, end: int) -> Iterator[Found]:
        octets = request.octets
        while at < end:
            code = int.from_bytes(octets[at : at + 4], "big")
            key, has_vendor = code, False
            if end - at >= 8:
                has_vendor = bool(octets[at + 4] & 0x80)
                if has_vendor and end - at >= 12:
                    key |= int.from_bytes(octets[at + 8 : at + 12], "big") << 32
            size = int.from_bytes(octets[at + 5 : at + 8], "big")
            header = 12 if has_vendor else 8
            if end - at < header or size < header or at + size > end:
                request.faults.append(Fault(Outcome.INVALID_AVP_LENGTH, (0, 0), key))
                return
            yield Found(key, at, at + header, at + size, bool(octets[at + 4] & 0x40))
            at += (size + 3) // 4 * 4

    def _number(self, request: Request, found: Found, octets: int = 4) -> int | None:
        if found.end - found.data_at != octets:
            request.faults.append(Fault(Outcome.INVALID_AVP_LENGTH, (found.at, found.end), found.key))
            return None
        return int.from_bytes(request.octets[found.data_at : found.end], "big")

    def _fault(self, request: Request, outcome: Outcome, found: Found) -> None:
        request.faults.append(Fault(outcome, (found.at, found.end), found.key))

    def _command_avp(self, request: Request, found: Found) -> None:
        data = request.octets[found.data_at : found.end]
        if found.key == 456:
            if len(request.msccs) == MSCCS_PER_REQUEST_MAX:
                self._fault(request, Outcome.AVP_OCCURS_TOO_MANY_TIMES, found)
            else:
                self._mscc(request, found.data_at, found.end, is_strict=not self.is_lenient)
        elif found.key == 443:
            self._identity(request, found)
        elif found.key == V3GPP | 873:
            if not request.service_information:
                request.service_information = request.octets[found.at : found.end]
                request.service_information_at = found.at
                padded = request.octets[found.at : found.at + (found.end - found.at + 3) // 4 * 4]
                request.service_information_hash = fold(avp_hash(padded))
        elif found.key == 284:
            request.has_proxy_info = True
        elif found.key in (437, 446):
            request.seen.add(found.key)
        elif found.key in (263, 264, 296, 283, 293, 461):
            self._text(request, found, data)
        elif found.key in (416, 415, 55, 258, 295, 436, 455):
            self._command_number(request, found)
        elif found.is_mandatory and not self.is_lenient and found.key not in self.recognised:
            self._fault(request, Outcome.AVP_UNSUPPORTED, found)

    def _see(self, request: Request, found: Found) -> None:
        if found.key in ONCE and found.key in request.seen:
            self._fault(request, Outcome.AVP_OCCURS_TOO_MANY_TIMES, found)
        request.seen.add(found.key)

    def _text(self, request: Request, found: Found, data: bytes) -> None:
        if found.key == 263 and not 0 < len(data) <= SESSION_ID_OCTETS_MAX:
            self._fault(request, Outcome.INVALID_AVP_LENGTH, found)
        if found.key == 283 and self.realm and data.lower() != self.realm.lower().encode():
            request.is_for_another_realm = True
            return
        if found.key == 293 and self.host and data.lower() != self.host.lower().encode():
            self._fault(request, Outcome.UNABLE_TO_DELIVER, found)
        if found.key == 461:
            request.service_context = service_context(data)
        elif not request.texts.get(found.key):
            request.texts[found.key] = data
        self._see(request, found)

    def _command_number(self, request: Request, found: Found) -> None:
        value = self._number(request, found)
        if value is None:
            return
        if (found.key == 416 and not 1 <= value <= 4) or (found.key == 258 and value != 4):
            self._fault(request, Outcome.INVALID_AVP_VALUE, found)
            value = 0
        request.numbers[found.key] = value
        request.supports_multiple_services |= found.key == 455 and value == 1
        self._see(request, found)

    def _identity(self, request: Request, found: Found) -> None:
        kind, data = None, None
        fault_count = len(request.faults)
        for part in self._walk(request, found.data_at, found.end):
            if part.key == 450:
                kind = self._number(request, part)
                if kind is None:
                    return
                if kind not in list(IdentityKind):
                    self._fault(request, Outcome.INVALID_AVP_VALUE, part)
                    return
            elif part.key == 444:
                data = request.octets[part.data_at : part.end]
                if len(data) > IDENTITY_OCTETS_MAX:
                    self._fault(request, Outcome.INVALID_AVP_LENGTH, part)
                    return
        if len(request.faults) > fault_count:
            return
        if kind is None or data is None:
            request.faults.append(Fault(Outcome.MISSING_AVP, (0, 0), 450 if kind is None else 444))
            return
        if kind == IdentityKind.E164:
            data = data.removeprefix(b"+")
        if data and len(request.identities) < IDENTITIES_PER_REQUEST_MAX:
            request.identities.append((kind, data))

    def _mscc(self, request: Request, at: int, end: int, *, is_strict: bool) -> None:
        mscc = Mscc()
        request.msccs.append(mscc)
        reason = None
        for found in self._walk(request, at, end):
            if found.key == 432:
                if mscc.rating_group is not None and found.end - found.data_at == 4:
                    self._fault(request, Outcome.AVP_OCCURS_TOO_MANY_TIMES, found)
                value = self._number(request, found)
                mscc.rating_group = mscc.rating_group if value is None else value
            elif found.key == 439:
                value = self._number(request, found)
                if mscc.service_identifier is None:
                    mscc.service_identifier = value
            elif found.key == V3GPP | 872:
                value = self._number(request, found)
                reason = reason if value is None else value
            elif found.key == 437:
                if mscc.is_requested:
                    self._fault(request, Outcome.AVP_OCCURS_TOO_MANY_TIMES, found)
                    continue
                mscc.is_requested = True
                mscc.requested, _, _ = self._units(request, found)
                if mscc.requested.get("octets", 0) > UNITS_MAX:
                    self._fault(request, Outcome.INVALID_AVP_VALUE, found)
            elif found.key == 446:
                self._used(request, mscc, found)
            elif is_strict and found.is_mandatory and found.key not in self.recognised:
                self._fault(request, Outcome.AVP_UNSUPPORTED, found)
        if reason is not None:
            mscc.reporting_reason = min(reason, INT32_MAX)

    def _used(self, request: Request, mscc: Mscc, found: Found) -> None:
        units, reason, change = self._units(request, found)
        if any(mscc.used.get(unit, 0) + units.get(unit, 0) > UNITS_MAX for unit in ("octets", "events")):
            self._fault(request, Outcome.INVALID_AVP_VALUE, found)
            return
        mscc.is_used = True
        for unit, count in units.items():
            mscc.used[unit] = mscc.used.get(unit, 0) + count
            if change == 0:
                mscc.before[unit] = mscc.before.get(unit, 0) + count
        mscc.has_change |= change is not None
        if mscc.reporting_reason is None and reason is not None:
            mscc.reporting_reason = min(reason, INT32_MAX)

    def _units(self, request: Request, group: Found) -> tuple[dict[str, int], int | None, int | None]:
        units: dict[str, int] = {}
        parts: list[int] = []
        total = reason = change = None
        for found in self._walk(request, group.data_at, group.end):
            if found.key in (421, 412, 414, 417):
                value = self._number(request, found, 8)
                if value is None:
                    continue
                if value > UNITS_MAX:
                    self._fault(request, Outcome.INVALID_AVP_VALUE, found)
                elif found.key == 421:
                    total = value
                elif found.key == 417:
                    units["events"] = value
                else:
                    parts.append(value)
            elif found.key == 420:
                value = self._number(request, found)
                if value is not None:
                    units["seconds"] = value
            elif found.key == V3GPP | 872:
                value = self._number(request, found)
                reason = reason if value is None else value
            elif found.key == 452:
                value = self._number(request, found)
                change = change if value is None else value
                if value is not None and value > 2:
                    self._fault(request, Outcome.INVALID_AVP_VALUE, found)
        if total is not None or parts:
            units["octets"] = total or sum(parts)
        return units, reason, change


def service_context(data: bytes) -> int:
    """32251 of b"8.32251@3gpp.org"; -1 where it is none of 3GPP's."""
    if not data.endswith(b"@3gpp.org"):
        return -1
    name = data.removesuffix(b"@3gpp.org")[-8:]
    digits = b""
    while name and name[-1:].isdigit():
        digits, name = name[-1:] + digits, name[:-1]
    return int(digits) if digits else -1


def instant_of(request: Request, received_ns: int) -> int:
    """Event-Timestamp, else receipt."""
    return from_diameter_time(request.numbers[55]) if 55 in request.numbers else received_ns


# --- hashes -----------------------------------------------------------------------------------------------------------
def _mix(state: int, word: int) -> int:
    state ^= word * _P2 & _MASK
    return (state << 31 | state >> 33) * _P1 & _MASK


def avp_hash(octets: bytes) -> int:
    """Of an AVP with its padding."""
    lanes = [_P3 + len(octets) & _MASK, _P1, _P2, _P3]
    words = [int.from_bytes(octets[at : at + 8], "big") for at in range(0, len(octets), 8)]
    striped = len(octets) // 32 * 4
    for place in range(striped):
        lanes[place % 4] = _mix(lanes[place % 4], words[place])
    if striped:
        for lane in lanes[1:]:
            lanes[0] = _mix(lanes[0], lane)
    for word in words[striped:]:
        lanes[0] = _mix(lanes[0], word)
    return lanes[0] ^ lanes[0] >> 29


def fold(state: int) -> int:
    """To 32 bits."""
    return ((state ^ state >> 32) * _P3 & _MASK) >> 32
