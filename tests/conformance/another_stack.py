"""What python-diameter, which shares nothing with our codec, makes of a message."""

from diameter.message import Message
from diameter.message.avp import Avp
from diameter.message.avp.avp import (
    AvpAddress,
    AvpGrouped,
    AvpInteger32,
    AvpOctetString,
    AvpTime,
    AvpUnsigned32,
    AvpUnsigned64,
    AvpUtf8String,
)

TYPES = (AvpAddress, AvpGrouped, AvpInteger32, AvpOctetString, AvpTime, AvpUnsigned32, AvpUnsigned64, AvpUtf8String)
_FAILED_AVP = 279


def read(octets: bytes) -> Message:
    """The message as the class of its command; every AVP of it has a type and a value, and it writes the same octets.

    What a Failed-AVP holds is the peer's and needs no sense.
    """
    plain = Message.from_bytes(octets, plain_msg=True)
    _look(plain.avps)
    assert plain.as_bytes() == octets, "it writes other octets than we do"
    typed = Message.from_bytes(octets)
    assert type(typed) is not Message, "it doesn't know the command"
    return typed


def _look(avps: list[Avp]) -> None:
    for found in avps:
        assert type(found) is not Avp, f"{found} is unknown to it"
        assert isinstance(found, TYPES)
        if found.code == _FAILED_AVP:
            continue
        if isinstance(found, AvpGrouped):
            _look(found.value)
        else:
            assert found.value is not None
