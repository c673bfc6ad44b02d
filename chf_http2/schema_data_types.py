"""Simple types of TS 29.571 that bodies of Nchf are made of, and the base of every object in them.

A type is what a body may hold without being refused, which is wider than the specification in places, each for a reason
given beside it. `extra_json_schema` says what the specification says; documents are made of that.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

UINT32_MAX: Final = 2**32 - 1
UINT64_MAX: Final = 2**64 - 1
INT32_MIN: Final = -(2**31)
_OCTET: Final = "([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
_IPV4: Final = rf"^({_OCTET}\.){{3}}{_OCTET}$"


class JsonObject(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, rename="camel"):
    """An object of a body. Members are named in camelCase unless a field says otherwise; unknown ones are passed over.

    An optional member is `| None = None`, which encodes to nothing. UnsetType decodes no faster and is one more word for
    what isn't there; None also takes an explicit null, which serialisers write for members that their caller left out.
    gc=False: trees of decoded values have no circles, so the collector need not walk them.
    """


def known_values(words: str) -> Meta:
    """The values that an enumeration has today, parted by blanks. Any other string is as good: TS 29.501 lets
    later releases add some, so each type is `anyOf: [enum, string]` and no decoder may refuse."""
    return Meta(extra_json_schema={"anyOf": [{"type": "string", "enum": words.split()}, {"type": "string"}]})


Uint32 = Annotated[int, Meta(ge=0, le=UINT32_MAX)]
Uint64 = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": UINT64_MAX})]
"""msgspec takes bounds of int64 alone: what is above UINT64_MAX passes here, and is refused by who makes a column of it."""
ReportedVolume = Annotated[int, Meta(ge=INT32_MIN, extra_json_schema={"maximum": UINT64_MAX})]
"""Octets (Uint64) as clients report them: those that count in int32 (free5GC's SMF) wrap to negative values past 2 GiB."""
DurationSec = int
RatingGroup = Uint32
ServiceId = Uint32
ChargingId = Uint32
DateTime = Annotated[datetime, Meta(tz=True)]
Uri = str
Supi = Annotated[str, Meta(min_length=1)]
"""Its pattern ends in `|.+`, so that any text matches."""
Gpsi = Annotated[str, Meta(min_length=1)]
NfInstanceId = str
"""A UUID by the specification; free5GC sends a name, others an address."""
SupportedFeatures = Annotated[str, Meta(pattern="^[A-Fa-f0-9]*$")]
AmfId = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{6}$")]
Ipv4Addr = Annotated[str, Meta(pattern=_IPV4)]
Ipv6Addr = str
Ipv6Prefix = str
"""Their patterns know lower case alone; clients write both."""
Uninterpreted = dict[str, Any]
"""An object whose members aren't typed here: a row of UNTYPED (chf_http2/schema.py)."""
Mcc = Annotated[str, Meta(pattern="^[0-9]{3}$")]
Mnc = Annotated[str, Meta(pattern="^[0-9]{2,3}$")]
AccessType = Literal["3GPP_ACCESS", "NON_3GPP_ACCESS"]
AdministrativeState = Literal["LOCKED", "UNLOCKED"]
AgeOfLocation = Annotated[int, Meta(ge=0, le=32767)]
ArpPriorityLevel = Annotated[int, Meta(ge=1, le=15)]
AverWindow = Annotated[int, Meta(ge=1, le=4095)]
BitRate = Annotated[str, Meta(pattern="^[0-9]+(\\.[0-9]+)? (bps|Kbps|Mbps|Gbps|Tbps)$")]
CagId = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{8}$")]
ChargingCharacteristics = Annotated[str, Meta(pattern="^[0-9a-fA-F]{1,4}$")]
ENbId = Annotated[
    str,
    Meta(pattern="^((Macro|SMacro)eNB-[A-Fa-f0-9]{5}|LMacroeNB-[A-Fa-f0-9]{6}|HomeeNB-[A-Fa-f0-9]{7})$"),
]
EutraCellId = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{7}$")]
ExtMaxDataBurstVol = Annotated[int, Meta(ge=4096, le=2000000)]
ExternalGroupId = Annotated[str, Meta(pattern="^extgroupid-[^@]+@[^@]+$")]
FiveQiPriorityLevel = Annotated[int, Meta(ge=1, le=127)]
GNbBitLength = Annotated[int, Meta(ge=22, le=32)]
GeodeticInformation = Annotated[str, Meta(pattern="^[0-9A-F]{20}$")]
GeographicalInformation = Annotated[str, Meta(pattern="^[0-9A-F]{16}$")]
GroupId = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{8}-[0-9]{3}-[0-9]{2,3}-([A-Fa-f0-9][A-Fa-f0-9]){1,10}$")]
Hex2 = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{2}$")]
Hex4 = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{4}$")]
Hex6 = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{6}$")]
Hex6To8 = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{6,8}$")]
HexText = Annotated[str, Meta(pattern="^[0-9a-fA-F]+$")]
HfcNId = Annotated[str, Meta(max_length=6)]
MaxDataBurstVol = Annotated[int, Meta(ge=1, le=4095)]
MobilityLevel = Literal["STATIONARY", "NOMADIC", "RESTRICTED_MOBILITY", "FULL_MOBILITY"]
NgeNbId = Annotated[
    str, Meta(pattern="^(MacroNGeNB-[A-Fa-f0-9]{5}|LMacroNGeNB-[A-Fa-f0-9]{6}|SMacroNGeNB-[A-Fa-f0-9]{5})$")
]
Nid = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{11}$")]
NrCellId = Annotated[str, Meta(pattern="^[A-Fa-f0-9]{9}$")]
OctalHex = Annotated[str, Meta(pattern="^[0-7]?[0-9a-fA-F]$")]
OperationalState = Literal["ENABLED", "DISABLED"]
PacketDelBudget = Annotated[int, Meta(ge=1)]
PacketErrRate = Annotated[str, Meta(pattern="^([0-9]E-[0-9])$")]
PacketLossRate = Annotated[int, Meta(ge=0, le=1000)]
Pei = Annotated[str, Meta(min_length=1)]
Qfi = Annotated[int, Meta(ge=0, le=63)]
SharingLevel = Literal["SHARED", "NON_SHARED"]
Support = Literal["NOT_SUPPORTED", "SUPPORTED"]
Tac = Annotated[str, Meta(pattern="(^[A-Fa-f0-9]{4}$)|(^[A-Fa-f0-9]{6}$)")]
Uint8 = Annotated[int, Meta(ge=0, le=255)]
Uinteger = Annotated[int, Meta(ge=0)]


class PlmnId(JsonObject, frozen=True, kw_only=True):
    """A network by its codes."""

    mcc: Mcc
    mnc: Mnc


class PlmnIdNid(JsonObject, frozen=True, kw_only=True):
    """A network by its codes, and a private one in it by its identifier."""

    mcc: Mcc
    mnc: Mnc
    nid: Nid | None = None


class Snssai(JsonObject, frozen=True, kw_only=True):
    """A slice by its type and what parts it from others of that type."""

    sst: Uint8
    sd: Hex6 | None = None


class IpAddr(JsonObject, frozen=True, kw_only=True):
    """One address or prefix."""

    ipv4_addr: Ipv4Addr | None = None
    ipv6_addr: Ipv6Addr | None = None
    ipv6_prefix: Ipv6Prefix | None = None
