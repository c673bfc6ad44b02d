"""Simple types of TS 29.571 that bodies of Nchf are made of, and the base of every object in them.

A type is what a body may hold without being refused, which is wider than the specification in places, each for a reason
given beside it. `extra_json_schema` says what the specification says; documents are made of that.
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

UINT32_MAX: Final = 2**32 - 1
UINT64_MAX: Final = 2**64 - 1
INT32_MIN: Final = -(2**31)


class JsonObject(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, rename="camel"):
    """An object of a body. Members are named in camelCase unless a field says otherwise; unknown ones are passed over.

    An optional member is `| None = None`, which encodes to nothing. UnsetType decodes no faster and is one more word for
    what isn't there; None also takes an explicit null, which serialisers write for members that their caller left out.
    gc=False: trees of decoded values have no circles, so the collector need not walk them.
    """


def known_values(words: str) -> Meta:
    """The values that an enumeration has today, parted by blanks. Any other string is as good: TS 29.501 §5.2.4.2 lets
    later releases add some, so each type is `anyOf: [enum, string]` and no decoder may refuse."""
    return Meta(extra_json_schema={"anyOf": [{"type": "string", "enum": words.split()}, {"type": "string"}]})


Uint32 = Annotated[int, Meta(ge=0, le=UINT32_MAX)]
Uint64 = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": UINT64_MAX})]
"""msgspec takes bounds of int64 alone: what is above UINT64_MAX passes here, and is refused by who makes a column of it."""
ReportedVolume = Annotated[int, Meta(ge=INT32_MIN, extra_json_schema={"minimum": 0, "maximum": UINT64_MAX})]
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
Ipv4Addr = str
Ipv6Addr = str
Mcc = Annotated[str, Meta(pattern="^[0-9]{3}$")]
Mnc = Annotated[str, Meta(pattern="^[0-9]{2,3}$")]


class PlmnId(JsonObject, frozen=True, kw_only=True):
    """A network by its codes."""

    mcc: Mcc
    mnc: Mnc
