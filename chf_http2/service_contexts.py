"""Which middle tier specification a request is of: prices are found by its number."""

from typing import Final

import msgspec
import numpy as np

from chf_http2.schema import ChargingDataRequest
from chf_http2.usual_members import BODY, row_of, words
from vocabulary.kernel import kernel

SERVICE_CONTEXTS: Final = {"SMF": 32255, "SMSF": 32274, "IMS_Node": 32260, "AMF": 32256}
"""By the consumer's function, where `serviceSpecificationInfo` doesn't say the number."""
INFORMATION_CONTEXTS: Final = {
    "pDUSessionChargingInformation": 32255,
    "sMSChargingInformation": 32274,
    "iMSChargingInformation": 32260,
    "registrationChargingInformation": 32256,
    "n2ConnectionChargingInformation": 32256,
    "locationReportingChargingInformation": 32256,
}
"""By what a request has, the first of these, where neither says it: functions are called by more names than we know."""
NO_SERVICE_CONTEXT: Final = -1
_NUMBER_DIGITS_MAX: Final = 9
_FUNCTIONS, _LENGTHS = words(list(SERVICE_CONTEXTS))
_CONTEXTS = np.array(list(SERVICE_CONTEXTS.values()), np.int64)
_ATTRIBUTES: Final = {field.encode_name: field.name for field in msgspec.structs.fields(ChargingDataRequest)}
_INFORMATION = np.array([row_of(BODY, name) for name in INFORMATION_CONTEXTS], np.int64)
_CONTEXTS_OF_INFORMATION = np.array(list(INFORMATION_CONTEXTS.values()), np.int64)
_AT, _ZERO, _NINE, _OPEN_OBJECT = 64, 48, 57, 123


def service_context(said: ChargingDataRequest) -> int:
    """The number in `32255@3gpp.org`, else that of the consumer's function, else of the information that is there."""
    number = (said.service_specification_info or "").partition("@")[0]
    if number.isascii() and number.isdigit() and len(number) <= _NUMBER_DIGITS_MAX:
        return int(number)
    found = SERVICE_CONTEXTS.get(said.nf_consumer_identification.node_functionality)
    if found is not None:
        return found
    present = (name for name in INFORMATION_CONTEXTS if getattr(said, _ATTRIBUTES[name]) is not None)
    return INFORMATION_CONTEXTS.get(next(present, ""), NO_SERVICE_CONTEXT)


@kernel
def context_of_function(octets, at, length):
    """The number of a consumer's function."""
    for row in range(_LENGTHS.shape[0]):
        index = 0
        while index < length and length == _LENGTHS[row] and octets[at + index] == _FUNCTIONS[row, index]:
            index += 1
        if index == _LENGTHS[row]:
            return _CONTEXTS[row]
    return np.int64(NO_SERVICE_CONTEXT)


@kernel
def context_of_information(octets, carried, count):
    """That of the information among `count` members that are carried (tick_memory.py)."""
    for place in range(_INFORMATION.shape[0]):
        for index in range(count):
            if carried[index, 0] == _INFORMATION[place] and octets[carried[index, 1]] == _OPEN_OBJECT:
                return _CONTEXTS_OF_INFORMATION[place]
    return np.int64(NO_SERVICE_CONTEXT)


@kernel
def context_of_specification(octets, at, length):
    """The number before an @, or at the end; NO_SERVICE_CONTEXT where there is none."""
    value = np.int64(0)
    for index in range(length):
        octet = octets[at + index]
        if octet == _AT and index > 0:
            return value
        if index == _NUMBER_DIGITS_MAX or not _ZERO <= octet <= _NINE:
            return np.int64(NO_SERVICE_CONTEXT)
        value = 10 * value + np.int64(octet) - _ZERO
    return value if length > 0 else np.int64(NO_SERVICE_CONTEXT)
