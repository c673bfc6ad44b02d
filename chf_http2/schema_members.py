"""What the schema says of a member that a JSON pointer leads to: does its object need it? Refusals are named by that."""

from functools import cache
from typing import Any, Final, NamedTuple, get_args

import msgspec

from chf_http2.schema import ChargingDataRequest

_CONDITIONAL: Final = frozenset({(ChargingDataRequest, "/subscriberIdentifier")})
"""What the schema leaves out and charging needs: TS 29.500 §5.2.7.2 counts such members with the mandatory ones."""


class _Member(NamedTuple):
    """A member of an object: is it in the schema's list of required ones, and what object does it hold, if any?"""

    is_required: bool
    holds: type[msgspec.Struct] | None


def is_mandatory(body: type[msgspec.Struct], pointer: str) -> bool:
    """Does the object that has the member need it? Of what the schema doesn't know, the last that it knows decides."""
    if (body, pointer) in _CONDITIONAL:
        return True
    held: type[msgspec.Struct] | None = body
    is_required = False
    for name in pointer.split("/")[1:]:
        member = None if held is None else _members_of(held).get(name)
        if member is not None:
            is_required, held = member
        elif not name.isdigit():
            break
    return is_required


@cache
def _members_of(held: type[msgspec.Struct]) -> dict[str, _Member]:
    return {
        field.encode_name: _Member(field.required, _object_in(field.type)) for field in msgspec.structs.fields(held)
    }


def _object_in(annotation: Any) -> type[msgspec.Struct] | None:
    """The object of a type, in a list or a map as well."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next((found for part in get_args(annotation) if (found := _object_in(part)) is not None), None)
