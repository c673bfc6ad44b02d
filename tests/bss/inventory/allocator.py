"""A process that takes numbers, as fast as it can, in several threads. Prints one line a number.

python -m tests.bss.inventory.allocator URL FIRST COUNT
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from bss import all_tables as all_tables
from bss.access import EVERYTHING, Caller
from bss.edge.database import Database
from bss.inventory.operations import reserve

THREADS = 2


def main(url: str, first: int, count: int) -> None:
    database = Database(sa.make_url(url), now_ns=time.time_ns)
    caller = Caller("default", "test", frozenset({EVERYTHING}))

    def take(place: int) -> str:
        return str(
            database.write(caller, lambda work: reserve(work, "msisdn", reserved_for=f"item-{place}")).number  # type: ignore[union-attr]
        )

    with ThreadPoolExecutor(THREADS) as pool:
        for number in pool.map(take, range(first, first + count)):
            sys.stdout.write(f"{number}\n")
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
