"""Bodies of requests: JSON alone, of limited size, decompressed where they are compressed."""

import zlib
from collections.abc import Mapping
from typing import Final

from chf_http2.config import BODY_OCTETS_MAX
from chf_http2.errors import RequestRefused
from chf_http2.problems import problem

MEDIA_TYPE: Final = "application/json"
_GZIP: Final = 31
"""wbits of zlib for a gzip stream"""
_GZIP_NAMES: Final = ("gzip", "x-gzip")
"""RFC 9110 §8.4.1.3"""


def read_body(headers: Mapping[str, str], octets: bytes, is_too_large: bool) -> bytes:
    """The whole body as it was before it was compressed. RequestRefused: it is no JSON, or too large."""
    media_type = headers.get("content-type")
    if media_type != MEDIA_TYPE and (media_type or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        said = "missing" if media_type is None else media_type
        raise RequestRefused(problem(415, "UNSUPPORTED_MEDIA_TYPE", f"content-type is {said}: send {MEDIA_TYPE}"))
    if is_too_large:
        raise _too_large()
    encoding = headers.get("content-encoding")
    return octets if encoding is None else _decoded(octets, encoding.strip().lower())


def too_slow(limit_s: int) -> RequestRefused:
    """A body that wasn't there in time."""
    return RequestRefused(problem(408, "UNSPECIFIED_MSG_FAILURE", f"longer than {limit_s} s"))


def _decoded(octets: bytes, encoding: str) -> bytes:
    """A body without its content coding; one that swells beyond the limit is too large, whatever it was on the way."""
    if encoding == "identity":
        return octets
    if encoding not in _GZIP_NAMES:
        detail = f"content-encoding is {encoding}: gzip or none"
        raise RequestRefused(problem(415, "UNSUPPORTED_MEDIA_TYPE", detail), ("accept-encoding", "gzip"))
    inflating = zlib.decompressobj(_GZIP)
    try:
        inflated = inflating.decompress(octets, BODY_OCTETS_MAX + 1)
    except zlib.error as error:
        raise RequestRefused(problem(400, "INVALID_MSG_FORMAT", f"not gzip: {error}")) from None
    if len(inflated) > BODY_OCTETS_MAX:
        raise _too_large()
    if not inflating.eof:
        raise RequestRefused(problem(400, "INVALID_MSG_FORMAT", "not gzip: its end is missing"))
    if inflating.unused_data:  # others on the way may have read them
        raise RequestRefused(problem(400, "INVALID_MSG_FORMAT", "octets behind the end of the gzip stream"))
    return inflated


def _too_large() -> RequestRefused:
    return RequestRefused(problem(413, "INVALID_MSG_FORMAT", f"at most {BODY_OCTETS_MAX} octets"))
