"""Objects that several TM Forum resources have in them: periods, references, characteristics."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from bss.api.kinds import AnyValue, Instant, OneOf, Text
from bss.api.limits import ID_LENGTH_MAX
from bss.api.resource import OF_SUBTYPES_WITHIN, Document, Field, NotServed, Structure, Values, Writable
from bss.errors import Invalid

HREF: Final = Field("href", Text(1024), writable=Writable.NEVER, meaning="where it is")
PERIOD: Final = Structure("TimePeriod", (Field("startDateTime", Instant()), Field("endDateTime", Instant())))
CHARACTERISTIC: Final = Structure(
    "Characteristic",
    (Field("name", Text(64, length_min=1), required=True), Field("value", AnyValue(1000), required=True)),
    (NotServed("valueType", "the value's JSON type says it"), *OF_SUBTYPES_WITHIN),
)


def reference_to(name: str, *, more: Sequence[Field] = (), not_served: Sequence[NotServed] = ()) -> Structure:
    """A reference of TM Forum's, which is an id and what the server says of it."""
    fields = (
        Field("id", Text(ID_LENGTH_MAX, length_min=1), required=True),
        HREF,
        Field("name", Text(), writable=Writable.NEVER),
        *more,
    )
    return Structure(name, fields, (*not_served, *OF_SUBTYPES_WITHIN))


def related_party(*referred: str, roles: Sequence[str] = ()) -> Structure:
    """TM Forum's RelatedParty; `referred` are the types that it may be, `roles` the roles where not every text is one."""
    role = OneOf(tuple(roles)) if roles else Text(64, length_min=1)
    more = (Field("role", role), Field("@referredType", OneOf(referred), required=True))
    return reference_to("RelatedParty", more=more)


def href_of(path: str, resource_id: str) -> str:
    """Where a resource of ours is, below the address of this installation."""
    return f"{path}/{quote(resource_id, safe='')}"


def period_document(from_ns: int | None, to_ns: int | None) -> Document:
    """A TimePeriod in an answer; empty where neither end is known."""
    return PERIOD.write({"startDateTime": from_ns, "endDateTime": to_ns})


def period_columns(period: Values | None) -> dict[str, int | None]:
    """`from_ns` and `to_ns` of a TimePeriod that a client said."""
    said = period or {}
    return {"from_ns": said.get("startDateTime"), "to_ns": said.get("endDateTime")}


def characteristics_of(said: Sequence[Values] | None) -> dict[str, Any]:
    """Values by name. Invalid: a name is there twice."""
    found: dict[str, Any] = {}
    for one in said or ():
        if one["name"] in found:
            raise Invalid("characteristic", f"{one['name']!r} is there twice", "Give each name once")
        found[one["name"]] = one["value"]
    return found


def characteristic_documents(values: Mapping[str, Any]) -> list[Document]:
    """Characteristics in an answer."""
    return [CHARACTERISTIC.write({"name": name, "value": value}) for name, value in values.items()]
