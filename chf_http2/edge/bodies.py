"""Bodies of requests: JSON alone, of limited size, and not waited for without end."""

import asyncio
import zlib
from typing import Final

from granian._granian import RSGIHeaders
from granian._granian import RSGIHTTPProtocol as HTTPProtocol

from chf_http2.config import BODY_OCTETS_MAX
from chf_http2.errors import RequestRefused
from chf_http2.problems import problem
from vocabulary.instants import NS_PER_S

MEDIA_TYPE: Final = "application/json"
_GZIP: Final = 31
"""wbits of zlib for a gzip stream"""
_GZIP_NAMES: Final = ("gzip", "x-gzip")
"""RFC 9110 §8.4.1.3"""


class BodyReader:
    """Reads the bodies of one server. A limit a body, looked at now and then, costs less than a timer a body."""

    def __init__(self, limit_s: int) -> None:
        self._limit_s = limit_s
        self._reading: dict[asyncio.Task[None], int] = {}
        """when each began that is still being read, ns"""
        self._overdue: set[asyncio.Task[None]] = set()

    async def read(self, headers: RSGIHeaders, protocol: HTTPProtocol, now_ns: int) -> bytes:
        """The whole body. RequestRefused: it is no JSON, too large or too slow."""
        media_type = headers.get("content-type")
        if media_type != MEDIA_TYPE and (media_type or "").partition(";")[0].strip().lower() != MEDIA_TYPE:
            said = "missing" if media_type is None else media_type
            raise RequestRefused(problem(415, "UNSUPPORTED_MEDIA_TYPE", f"content-type is {said}: send {MEDIA_TYPE}"))
        length = headers.get("content-length")
        if length is not None and not (length.isascii() and length.isdigit() and int(length) <= BODY_OCTETS_MAX):
            raise _too_large()
        task = asyncio.current_task()
        assert task is not None
        self._reading[task] = now_ns
        try:
            # HTTP/2 itself refuses a body that is longer than it was said to be (RFC 9113 §8.1.1).
            octets = await (_pieces(protocol) if length is None else protocol())
        except asyncio.CancelledError:
            if task not in self._overdue:
                raise
            self._overdue.discard(task)
            task.uncancel()
            raise RequestRefused(problem(408, "UNSPECIFIED_MSG_FAILURE", f"longer than {self._limit_s} s")) from None
        finally:
            del self._reading[task]
        encoding = headers.get("content-encoding")
        return octets if encoding is None else _decoded(octets, encoding.strip().lower())

    def look(self, now_ns: int) -> None:
        """Give up bodies that take too long; to be called now and then."""
        for task, began_ns in self._reading.items():
            if now_ns - began_ns > self._limit_s * NS_PER_S and task not in self._overdue:
                self._overdue.add(task)
                task.cancel()


async def _pieces(protocol: HTTPProtocol) -> bytes:
    """A body whose length nobody said, until it is too large."""
    octets = bytearray()
    async for piece in protocol:
        octets += piece
        if len(octets) > BODY_OCTETS_MAX:
            raise _too_large()
    return bytes(octets)


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
