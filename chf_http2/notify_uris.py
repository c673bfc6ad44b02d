"""Which notifyUri can be one: an absolute URI of http or https with a host, in RFC 3986's octets (TS 29.501 §4.4.2).

Any other could never be notified. What stands behind the host isn't looked at: consumers put names of their own there.
"""

import re
from typing import Final

from vocabulary.kernel import kernel

EXPECTED: Final = "no absolute http or https URI (RFC 3986)"
_FORM: Final = re.compile(r"https?://(?![/?#])[\x21-\x7e]+", re.IGNORECASE | re.ASCII)
_HTTP = (104, 116, 116, 112)
_S, _COLON, _SLASH, _QUESTION, _HASH = 115, 58, 47, 63, 35
_LOWER_CASE = 32
_FIRST, _LAST = 33, 126


def is_notify_uri(text: str) -> bool:
    """Is the text one?"""
    return _FORM.fullmatch(text) is not None


@kernel
def has_notify_uri(octets, at, length):
    """The same of octets[at : at + length]."""
    behind = at + length
    for index in range(len(_HTTP)):
        if at == behind or octets[at] | _LOWER_CASE != _HTTP[index]:
            return False
        at += 1
    if at < behind and octets[at] | _LOWER_CASE == _S:
        at += 1
    if behind - at < 4 or octets[at] != _COLON or octets[at + 1] != _SLASH or octets[at + 2] != _SLASH:
        return False
    at += 3
    if octets[at] in (_SLASH, _QUESTION, _HASH):
        return False
    while at < behind:
        if not _FIRST <= octets[at] <= _LAST:
            return False
        at += 1
    return True
