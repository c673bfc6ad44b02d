"""Frames between the notifier and a front end that has Diameter connections: a length, then a msgpack map.

front end -> notifier   hello: version, store, name; hosts: whom it can reach now; answer: id, result
notifier -> front end   ask: id, seconds, and the request
"""

import asyncio
import struct
from typing import Any, Final

import msgpack

from gy_interface.session_messages import SessionRequest
from vocabulary.limits import NOTICE_FRAME_OCTETS_MAX

VERSION: Final = 1
SOCKET_NAME: Final = "notifier.sock"
"""In the run folder of the data directory; found through balances.edge.embedded_socket.socket_path."""
_LENGTH: Final = struct.Struct("<I")


class FrameError(ValueError):
    """What came is no frame of this release."""


def write_frame(writer: asyncio.StreamWriter, **words: Any) -> None:
    """Append a frame to what is to be sent."""
    body = msgpack.packb(words)
    writer.write(_LENGTH.pack(len(body)) + body)


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next frame. FrameError where it is none, asyncio.IncompleteReadError at the end."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > NOTICE_FRAME_OCTETS_MAX:
        raise FrameError(f"a frame of {length} octets: at most {NOTICE_FRAME_OCTETS_MAX}")
    try:
        words = msgpack.unpackb(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        raise
    except Exception as error:  # msgpack raises a dozen kinds
        raise FrameError(f"a frame that can't be read: {error}") from error
    if not isinstance(words, dict):
        raise FrameError("a frame that is no map")
    return words


def words_of(asked: SessionRequest) -> list[Any]:
    """A request as it lies in a frame."""
    return [
        asked.command,
        asked.session_id,
        asked.destination_host,
        asked.destination_realm,
        asked.rating_group,
        asked.service_identifier,
    ]


def request_of(words: Any) -> SessionRequest:
    """The request of a frame. FrameError."""
    try:
        return SessionRequest(*words)
    except TypeError as error:
        raise FrameError(f"a request that can't be read: {error}") from error
