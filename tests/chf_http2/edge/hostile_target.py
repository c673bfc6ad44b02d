"""The server of hostile clients: `python -m tests.chf_http2.edge.hostile_target` writes its port, and for each line that it
reads, after the loop has looked at all that waits, how many requests are not answered."""

import asyncio
import sys

from chf_http2.edge.server import LOOK_S
from tests.chf_http2.edge.chf_served import serving


async def main() -> None:
    """Until its input ends."""
    loop = asyncio.get_running_loop()
    async with serving(body_s=1) as (served, _):
        print(served.server.port, flush=True)  # noqa: T201
        while await loop.run_in_executor(None, sys.stdin.readline):
            await asyncio.sleep(3 * LOOK_S + 1)
            print(served.server.streams_count, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
