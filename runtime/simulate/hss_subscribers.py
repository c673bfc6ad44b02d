"""The subscriber store of a simulated HSS: a SQLite database of its own, which a restart keeps.

A request under a key that was done is answered as it was then; the answer is written in the transaction of what it says.
"""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any, Final, NamedTuple

_TABLES: Final = """
create table if not exists subscriber (
  imsi text primary key, msisdn text not null unique, profile text not null, state text not null
) strict;
create table if not exists done (key text primary key, asked text not null, status int not null, body text not null) strict;
create table if not exists request (
  sequence integer primary key, operation text not null, key text not null, status int not null
) strict;
"""


class Asked(NamedTuple):
    """A request that changes something."""

    operation: str
    key: str
    imsi: str
    body: dict[str, str]


class Answered(NamedTuple):
    """Its answer; the body is {} where there is none."""

    status: int
    body: dict[str, Any]


class Subscribers:
    """The store in a file; '' keeps it in memory. Used by many threads, one after the other."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None
        )
        self._database.executescript(_TABLES)
        self._database.row_factory = sqlite3.Row

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def read(self, imsi: str) -> dict[str, str] | None:
        """The subscriber of a SIM."""
        with self._lock:
            return self._find(imsi)

    def read_all(self) -> list[dict[str, str]]:
        """Every subscriber, by IMSI."""
        with self._lock:
            rows = self._database.execute("select imsi, msisdn, profile, state from subscriber order by imsi")
            return [dict(row) for row in rows.fetchall()]

    def do(self, asked: Asked) -> Answered:
        """Do it once under its key; what was refused may be asked again."""
        words = json.dumps([asked.operation, asked.imsi, asked.body], sort_keys=True)
        with self._lock:
            self._database.execute("begin immediate")
            try:
                answered = self._once(asked, words)
                self._database.execute(
                    "insert into request (operation, key, status) values (?, ?, ?)",
                    (asked.operation, asked.key, answered.status),
                )
                self._database.execute("commit")
            except BaseException:
                self._database.execute("rollback")
                raise
        return answered

    def _once(self, asked: Asked, words: str) -> Answered:
        done = self._database.execute("select asked, status, body from done where key = ?", (asked.key,)).fetchone()
        if done is not None:
            if done["asked"] != words:
                return _problem(422, "key_used", f"key {asked.key} was used for another request: choose another")
            return Answered(done["status"], json.loads(done["body"]))
        answered = self._change(asked)
        if answered.status < 300:
            row = (asked.key, words, answered.status, json.dumps(answered.body))
            self._database.execute("insert into done values (?, ?, ?, ?)", row)
        return answered

    def _change(self, asked: Asked) -> Answered:
        if asked.operation == "provision":
            return self._provision(asked)
        if self._find(asked.imsi) is None:
            return _problem(404, "unknown_subscriber", f"no subscriber has IMSI {asked.imsi}")
        if asked.operation == "deprovision":
            self._database.execute("delete from subscriber where imsi = ?", (asked.imsi,))
            return Answered(204, {})
        imsi = asked.imsi
        if asked.operation == "sim":
            imsi = asked.body["imsi"]
            if self._find(imsi) is not None:
                return _problem(409, "already_provisioned", f"IMSI {imsi} has a subscriber")
            self._database.execute("update subscriber set imsi = ? where imsi = ?", (imsi, asked.imsi))
        else:
            state = {"suspend": "suspended", "resume": "active"}[asked.operation]
            self._database.execute("update subscriber set state = ? where imsi = ?", (state, imsi))
        return Answered(200, dict(self._find(imsi) or {}))

    def _provision(self, asked: Asked) -> Answered:
        row = asked.body
        if self._find(row["imsi"]) is not None:
            return _problem(409, "already_provisioned", f"IMSI {row['imsi']} has a subscriber")
        taken = self._database.execute("select 1 from subscriber where msisdn = ?", (row["msisdn"],)).fetchone()
        if taken is not None:
            return _problem(409, "number_in_use", f"number {row['msisdn']} is another subscriber's")
        values = (row["imsi"], row["msisdn"], row["profile"])
        self._database.execute("insert into subscriber values (?, ?, ?, 'active')", values)
        return Answered(201, dict(self._find(row["imsi"]) or {}))

    def _find(self, imsi: str) -> dict[str, str] | None:
        row = self._database.execute(
            "select imsi, msisdn, profile, state from subscriber where imsi = ?", (imsi,)
        ).fetchone()
        return None if row is None else dict(row)


def _problem(status: int, code: str, detail: str) -> Answered:
    return Answered(status, {"code": code, "detail": detail})
