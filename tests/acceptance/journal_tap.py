"""Follows the streams of a store through a replica of it and keeps every entry: also those that the store then loses.

A replica is sent each write before its caller is answered, and has it when the store is dead. A reader that asks the
store for its entries would miss those of the last moment before a kill, of which callers were told.
"""

import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from redis import Redis
from redis.exceptions import RedisError

from balances.journal_chain import NO_ENTRY
from balances.keys import partition_key
from balances.store import EntryId
from tests.kills.loaded_up import free_port
from tests.reference.private_valkey import private_valkey
from tests.runtime.running_up import wait_until

_WAIT_MS = 100
_COUNT = 256
_LOOK_S = 0.05
_FED_S = 60.0


class JournalTap:
    """Runs in threads from `with` to its end. A store that comes back is given the port again that feeds replicas."""

    def __init__(self, url: str, partitions: int, folder: Path) -> None:
        self.entries: dict[tuple[int, EntryId], bytes] = {}
        """by partition and id"""
        self._store = Redis.from_url(url)
        self._folder = folder
        self._port = free_port()
        self._ends = threading.Event()
        followers = [threading.Thread(target=self._follow, args=(partition,)) for partition in range(partitions)]
        self._threads = [threading.Thread(target=self._feed), *followers]
        self._stack = ExitStack()

    def __enter__(self) -> "JournalTap":
        self._folder.mkdir()
        self._replica_url = self._stack.enter_context(private_valkey(self._folder, "--appendonly", "no"))
        self._replica = Redis.from_url(self._replica_url)
        self._replica.replicaof("127.0.0.1", str(self._port))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()
        self._stack.close()

    def wait_fed(self) -> None:
        """Until the replica has all of the store that runs now, and is sent what follows."""
        wait_until("the store feeds its replica", self._is_fed, _FED_S)

    def _is_fed(self) -> bool:
        with suppress(RedisError):
            ours, theirs = self._replica.info("replication"), self._store.info("replication")
            return bool(ours["master_link_status"] == "up" and ours["master_replid"] == theirs["master_replid"])
        return False

    def _feed(self) -> None:
        """The embedded store listens on its unix socket alone, from which no replica can be fed."""
        while not self._ends.wait(_LOOK_S):
            with suppress(RedisError):
                if self._store.config_get("port")["port"] == "0":
                    self._store.config_set("repl-diskless-sync-delay", 0)
                    self._store.config_set("bind", "127.0.0.1")
                    self._store.config_set("port", self._port)

    def _follow(self, partition: int) -> None:
        replica = Redis.from_url(self._replica_url)
        key = partition_key(f"p{partition}", "journal")
        last = NO_ENTRY
        while not self._ends.is_set():
            try:
                reply = replica.xread({key: str(last)}, _COUNT, _WAIT_MS)
            except RedisError:  # it takes in a store that came back
                self._ends.wait(_LOOK_S)
                continue
            for entry_id, fields in reply[0][1] if reply else ():
                last = EntryId.parse(entry_id.decode())
                self.entries[partition, last] = fields[b"b"]
