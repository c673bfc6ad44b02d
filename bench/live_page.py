"""A page of the console that stays open, as a browser keeps it: the page is asked for, and its socket says what changes."""

import asyncio
import re
import uuid
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import socketio

from bench.generator_process import BenchError

_CLIENT: Final = re.compile(r"query: \{.*?'client_id': '([^']+)', 'next_message_id': (\d+)")
"""What the page gives its socket."""
_SETTLED_S: Final = 2.0
"""The first updates fill the page."""


def keep_open(url: str, page: str, cookie: str, seconds: float, settled: Callable[[], None]) -> int:
    """Keep `page`, the body of an answer, open so long; the number of updates that came. BenchError.

    settled   called when the page is filled, from where on updates are counted
    """
    return asyncio.run(_keep_open(url, page, cookie, seconds, settled))


async def _keep_open(url: str, page: str, cookie: str, seconds: float, settled: Callable[[], None]) -> int:
    found = _CLIENT.search(page)
    if found is None:
        raise BenchError("the page names no client: is it a page of the console?")
    client, updates = socketio.AsyncClient(reconnection=False), 0

    def count(event: str, *details: Any) -> None:
        nonlocal updates
        updates += 1

    client.on("*", count)
    query = {
        "client_id": found[1],
        "next_message_id": found[2],
        "implicit_handshake": "true",
        "document_id": uuid.uuid4(),
        "tab_id": uuid.uuid4(),
    }
    try:
        await client.connect(
            f"{url}?{urlencode(query)}",
            headers={"cookie": cookie},
            transports=["websocket"],
            socketio_path="/_nicegui_ws/socket.io",
        )
        await asyncio.sleep(_SETTLED_S)
        updates = 0
        settled()
        await asyncio.sleep(seconds)
    except socketio.exceptions.ConnectionError as error:
        raise BenchError(f"the page's socket: {error}") from error
    finally:
        await client.disconnect()
    if not updates:
        raise BenchError("nothing came over the page's socket")
    return updates
