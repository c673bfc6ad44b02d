"""What a request, or a UPF of it, is known again by: kernels on its units and facts, which both readers of bodies use.

Who counts is past 0 behind its create. Who sends 0 again (free5GC's SMF) has requests that are told apart by units and time
alone; a number made of these lets the same request have the same number, and no flag is needed to know it again.
"""

from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vocabulary.digest import digest128
from vocabulary.ids import NCHF_INFORMATION_DOMAIN, NCHF_UNITS_DOMAIN, NCHF_UPF_DOMAIN
from vocabulary.kernel import kernel

UNLIKE_PACKER: Final = Struct("<qqqQQ")
"""In a create's name behind its texts: charging id (-1 where there is none), sequence number, time stamp in ns, and the digest
of what is carried to its record. By that two events of one instant are two, which only their recipients tell apart, and
two calls; and whose it is stands there, where the subscriber is named by the GPSI alone."""
STAMP_PACKER: Final = Struct("<q")
_TYPE_SHIFT = 32
_LOW = np.uint64(0xFFFFFFFF)
_NAMED = np.uint64(1)


@kernel
def hash_of_units(octets, at, length, secret, request_type):
    """uint32 of the MSCC rows of a request; of one who doesn't count the time stamp stands behind them."""
    domain = (np.int64(request_type) << _TYPE_SHIFT) + NCHF_UNITS_DOMAIN
    return np.uint32(digest128(octets, at, length, secret, domain)[1] & _LOW)


@kernel
def digest_of_information(octets, at, length, secret):
    """(high, low) uint64 of what is carried."""
    return digest128(octets, at, length, secret, NCHF_INFORMATION_DOMAIN)


@kernel
def hash_of_information(low):
    """uint32 of its digest: the record's writer sees by it whether it changed."""
    return np.uint32(low & _LOW)


@kernel
def upf_digest(octets, at, length, secret):
    """uint32 by which a UPF is known within a rating group, 0 of one without a name."""
    if length == 0:
        return np.uint32(0)
    return np.uint32(digest128(octets, at, length, secret, NCHF_UPF_DOMAIN)[1] & _LOW | _NAMED)


def upf_of(name: str, secret: NDArray[np.uint64]) -> int:
    """`upf_digest` of a uPFID from Python."""
    octets = bytearray(name.encode())
    return int(upf_digest(np.frombuffer(octets, np.uint8), 0, len(octets), secret)) if octets else 0


def units_hash(octets: bytes, secret: NDArray[np.uint64], request_type: int) -> int:
    """`hash_of_units` of octets from Python."""
    return int(hash_of_units(np.frombuffer(bytearray(octets), np.uint8), 0, len(octets), secret, request_type))


def information_digest(octets: bytes, secret: NDArray[np.uint64]) -> tuple[int, int]:
    """`digest_of_information` of octets from Python."""
    high, low = digest_of_information(np.frombuffer(bytearray(octets), np.uint8), 0, len(octets), secret)
    return int(high), int(low)


def information_hash(octets: bytes, secret: NDArray[np.uint64]) -> int:
    """`hash_of_information` of octets from Python."""
    return int(hash_of_information(np.uint64(information_digest(octets, secret)[1])))
