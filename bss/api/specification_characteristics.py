"""Characteristics of product specifications and what offerings fix of them, between TMF620 and bss/catalog.

Within, values are texts with a type; outside they are JSON of that type. `extensible` says that the values listed aren't all
that may be chosen: where it is true only the default is listed.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from bss.api.kinds import AnyValue, Flag, OneOf, Text, Whole
from bss.api.resource import OF_SUBTYPES_WITHIN, Document, Field, Many, NotServed, Structure, Values
from bss.catalog.records import Characteristic, CharacteristicValue
from bss.catalog.rules import VALUE_TYPES
from bss.errors import Invalid

_VALUES_MAX: Final = 50
_VALUE: Final = Field("value", AnyValue(255), required=True)
_VALUE_REST: Final = (
    NotServed("rangeInterval", "values are listed"),
    NotServed("regex", "values are listed"),
    NotServed("unitOfMeasure", "the description says it"),
    NotServed("valueFrom", "values are listed"),
    NotServed("valueTo", "values are listed"),
    NotServed("valueType", "the characteristic has it"),
    NotServed("validFor", "it holds as long as the resource does"),
    *OF_SUBTYPES_WITHIN,
)
VALUE: Final = Structure("CharacteristicValueSpecification", (_VALUE, Field("isDefault", Flag())), _VALUE_REST)
_NAME: Final = Field("name", Text(80, length_min=1), required=True)
CHARACTERISTIC: Final = Structure(
    "ProductSpecificationCharacteristic",
    (
        _NAME,
        Field("description", Text(255)),
        Field("valueType", OneOf(VALUE_TYPES), meaning="string unless said"),
        Field("configurable", Flag(), meaning="is it chosen in an order? Yes unless said"),
        Field("minCardinality", Whole(0, 1), meaning="1: an order must choose it, where there is no default"),
        Field("extensible", Flag(), meaning="may other values than those listed be chosen? Yes where none are listed"),
        Field("productSpecCharacteristicValue", Many(VALUE, _VALUES_MAX)),
    ),
    (
        NotServed("id", "the name tells characteristics apart"),
        NotServed("isUnique", "values are never unique over products"),
        NotServed("maxCardinality", "a characteristic has one value"),
        NotServed("regex", "values are listed"),
        NotServed("productSpecCharRelationship", "characteristics have no relationships"),
        NotServed("validFor", "it holds as long as the specification does"),
        NotServed("@valueSchemaLocation", "values are texts, numbers and flags"),
        *OF_SUBTYPES_WITHIN,
    ),
)
VALUE_USE: Final = Structure(
    "ProductSpecificationCharacteristicValueUse",
    (_NAME, Field("productSpecCharacteristicValue", Many(VALUE, 1), required=True, meaning="the one value")),
    (
        NotServed("id", "the name tells characteristics apart"),
        NotServed("description", "the specification has it"),
        NotServed("maxCardinality", "a characteristic has one value"),
        NotServed("minCardinality", "a characteristic has one value"),
        NotServed("valueType", "the specification has it"),
        NotServed("productSpecification", "it is the offering's"),
        NotServed("validFor", "it holds as long as the offering does"),
        *OF_SUBTYPES_WITHIN,
    ),
)


def characteristics_of(said: Sequence[Values] | None) -> tuple[Characteristic, ...]:
    """Records of what a client said. Invalid: several defaults, or values beside the default where any may be chosen."""
    return tuple(_characteristic_of(one) for one in said or ())


def _characteristic_of(one: Values) -> Characteristic:
    listed = one.get("productSpecCharacteristicValue") or ()
    texts = tuple(_text_of(each["value"]) for each in listed)
    defaults = [_text_of(each["value"]) for each in listed if each.get("isDefault")]
    is_extensible = one.get("extensible", not listed)
    if len(defaults) > 1:
        raise Invalid("productSpecCharacteristicValue", f"{one['name']} has several defaults", "Mark one at most")
    if is_extensible and len(texts) > len(defaults):
        problem = f"{one['name']} is extensible and lists values that aren't the default"
        raise Invalid("productSpecCharacteristicValue", problem, "List the default alone, or write extensible: false")
    if not is_extensible and not texts:
        problem = f"{one['name']} is not extensible and lists no value"
        raise Invalid("productSpecCharacteristicValue", problem, "List values, or leave extensible out")
    return Characteristic(
        name=one["name"],
        description=one.get("description", ""),
        value_type=one.get("valueType", "string"),
        configurable=one.get("configurable", True),
        required=bool(one.get("minCardinality", 0)),
        values=() if is_extensible else texts,
        default=defaults[0] if defaults else "",
    )


def characteristic_documents(records: Sequence[Characteristic]) -> list[Document]:
    """Characteristics in an answer."""
    return [_characteristic_document(one) for one in records]


def _characteristic_document(one: Characteristic) -> Document:
    listed = one.values or ((one.default,) if one.default else ())
    values = [{"value": _value_of(one.value_type, text), "isDefault": text == one.default} for text in listed]
    return CHARACTERISTIC.write(
        {
            "name": one.name,
            "description": one.description or None,
            "valueType": one.value_type,
            "configurable": one.configurable,
            "minCardinality": int(one.required),
            "extensible": not one.values,
            "productSpecCharacteristicValue": values or None,
        }
    )


def value_uses_of(said: Sequence[Values] | None) -> tuple[CharacteristicValue, ...]:
    """Records of what a client said. Invalid: no value."""
    found = []
    for one in said or ():
        if not one["productSpecCharacteristicValue"]:
            raise Invalid("productSpecCharacteristicValue", f"{one['name']} has no value", "Write one")
        (value,) = one["productSpecCharacteristicValue"]
        found.append(CharacteristicValue(name=one["name"], value=_text_of(value["value"])))
    return tuple(found)


def value_use_documents(records: Sequence[CharacteristicValue]) -> list[Document]:
    """What an offering fixes, in an answer: texts, since the type is the specification's to say."""
    return [
        VALUE_USE.write({"name": one.name, "productSpecCharacteristicValue": [{"value": one.value}]}) for one in records
    ]


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _value_of(value_type: str, text: str) -> Any:
    if value_type == "boolean" and text in ("true", "false"):
        return text == "true"
    if value_type == "integer" and re.fullmatch(r"-?\d{1,15}", text, re.ASCII):
        return int(text)
    return text
