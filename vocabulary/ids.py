"""Names: the kinds of subscriber identities, what a tenant may be called, and the stable numbers of catalogue names."""

import re
from enum import IntEnum
from typing import Final
from zlib import crc32


class IdentityKind(IntEnum):
    """Subscription-Id-Type of RFC 8506 §8.47; the word is what stands in store keys and in files."""

    E164 = 0
    IMSI = 1
    SIP_URI = 2
    NAI = 3
    PRIVATE = 4


IDENTITY_WORDS: Final = ("e164", "imsi", "sip", "nai", "private")
"""By IdentityKind: `<tenant>:<word>:<value>` is an identity key of the store."""


SESSION_DOMAIN: Final = 15
"""Session-Ids, where identities have their IdentityKind: what a tenant's text names is tenant * 16 + this in its digest128."""

# And of Nchf: digests of what makes a create unlike others, of refs, units, what is carried, accepted values, parts of answers,
# access tokens; the first two once more for the offline-only service, whose sessions are its own; names of UPFs
NCHF_NAME_DOMAIN: Final = 5
NCHF_REF_DOMAIN: Final = 6
NCHF_UNITS_DOMAIN: Final = 7
NCHF_INFORMATION_DOMAIN: Final = 8
NCHF_KNOWN_DOMAIN: Final = 9
NCHF_PART_DOMAIN: Final = 10
NCHF_TOKEN_DOMAIN: Final = 11
NCHF_OFFLINE_NAME_DOMAIN: Final = 12
NCHF_OFFLINE_REF_DOMAIN: Final = 13
NCHF_UPF_DOMAIN: Final = 14


TENANT_NAME_RULE: Final = "lower-case letters, digits and dashes, a letter first, at most 64"
_TENANT_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")


def is_tenant_name(name: str) -> bool:
    """May a tenant be called so? TENANT_NAME_RULE says it in words."""
    return _TENANT_NAME.fullmatch(name) is not None


def number_of_name(name: str) -> int:
    """Stable number, 1..2**31-1, of a catalogue name (offer, allowance, price).

    A record keeps the number, a release maps it back to the name. The release compiler refuses two names with one
    number, so that nothing has to hand out numbers.
    """
    return (crc32(name.encode()) & 0x7FFFFFFF) or 1
