"""A disk whose fdatasync takes 0.7 s. `always`: nothing answered is lost. `everysec`: what is lost is what is reported."""

import random
import time
from collections import defaultdict
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from balances.journal import JournalEntry, decode_entry
from balances.store import EntryId
from bench.books import COLUMNS
from charging.batch import KIND_USAGE
from tests.acceptance import evidence
from tests.acceptance.journal_tap import JournalTap
from tests.acceptance.slow_disk import slow_disk
from tests.kills.loaded_up import READY, Loaded, LoadedUp, kill_plan
from tests.kills.record_sums import JournalSums, counting_entries, open_record_faults
from vocabulary.outcomes import Outcome

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

SLOW_MS = 700
VERY_SLOW_MS = 1500
"""With everysec the store writes on while an fsync runs for less than two seconds, and keeps what is new in memory: the
longer that is, the surer a kill finds something to lose."""
KILLS = 3
LOAD = {"subscribers": 5_000, "sessions_open": 2_048, "outstanding": 1_024, "measured_s": 200.0}
RowKey = tuple[int, int, int, int]


def kill_stores(farebox: LoadedUp, seed: int, tap: JournalTap | None = None) -> None:
    """KILLS times at drawn instants, the engine alive, and the tap fed."""
    draw = random.Random(seed)
    for _ in range(KILLS):
        state = farebox.up.wait_ready(*READY, timeout_s=120)
        if tap is not None:
            tap.wait_fed()
        Event().wait(draw.uniform(2.0, 5.0))
        farebox.kill("store")
        farebox.up.wait_ready(*READY, but_not={"store": state.pids["store"]}, timeout_s=120)
    Event().wait(2.0)


def test_always_loses_nothing_on_a_slow_disk(tmp_path: Path) -> None:
    environment = slow_disk(tmp_path, SLOW_MS)
    began = time.monotonic()
    with LoadedUp(tmp_path / "data", kill_plan(**LOAD), **environment) as farebox:
        loaded = farebox.load(lambda: kill_stores(farebox, 1))
        commits = farebox.check_store(loaded).entry_count / farebox.store.partition_count
        fsyncs_max = (time.monotonic() - began) * 1000 / SLOW_MS
        counts = farebox.stop_and_check_records(loaded)
    assert not loaded.faults, "\n".join(loaded.faults[:20])
    assert commits <= fsyncs_max, "a commit was confirmed before its fsync: the disk wasn't slow"
    answers = loaded.figures["answers"]
    rows = [("answered_in_all", loaded.figures["answered_in_all"]), ("lost", 0), ("wrong", 0), ("differences", 0)]
    rows += [("commits a partition", round(commits)), ("fsyncs that there was time for", round(fsyncs_max))]
    rows += [*((f"answers {code}", count) for code, count in answers.items()), *counts.items()]
    says = f"appendfsync always, fdatasync slowed by {SLOW_MS} ms, the store killed {KILLS} times under load."
    evidence.write("slow-disk-always", "Nothing answered is lost on a slow disk", says, ("what", "seen"), rows)


def row_keys(entry: JournalEntry) -> list[RowKey]:
    """What names each request of an entry wherever it is decided."""
    names = ("session_high", "session_low", "request_type", "request_number")
    return list(zip(*(entry.requests[name].tolist() for name in names), strict=True))


def used_by_row(entry: JournalEntry) -> list[int]:
    """Octets that each request reported."""
    used = np.zeros(len(entry.requests["account_id"]), np.int64)
    np.add.at(used, entry.usages["request"], entry.usages["used_units"])
    used[(entry.requests["kind"] != KIND_USAGE) | (entry.requests["outcome"] != Outcome.GRANTED)] = 0
    return used.tolist()


class Gap:
    """What the final journal holds, what was lost, and what of that was answered, by subscriber."""

    def __init__(self, farebox: LoadedUp, tap: JournalTap) -> None:
        self.reported: set[tuple[int, EntryId]] = set()
        self.used: defaultdict[int, int] = defaultdict(int)
        self.lost_used: defaultdict[int, int] = defaultdict(int)
        self.lost_rows = 0
        self.touched: set[int] = set()
        self.sums = JournalSums()
        kept: set[tuple[int, EntryId]] = set()
        decided: set[RowKey] = set()
        first = farebox.store.first_account
        for partition in range(farebox.store.partition_count):
            for entry_id, entry in counting_entries(farebox.up.folder.segments, partition):
                kept.add((partition, entry_id))
                self.reported |= {(partition, EntryId.parse(name)) for name in entry.voids}
                self.sums.add(entry)
                decided.update(row_keys(entry))
                for account, octets in zip(entry.requests["account_id"].tolist(), used_by_row(entry), strict=True):
                    self.used[account - first] += octets
        self.lost = set(tap.entries) - kept
        for key in self.lost:
            self._add_lost(decode_entry(tap.entries[key]), decided, first)

    def _add_lost(self, entry: JournalEntry, decided: set[RowKey], first: int) -> None:
        """A request that was decided again under the new epoch had no answer yet; the others had."""
        accounts = entry.requests["account_id"].tolist()
        for key, account, octets in zip(row_keys(entry), accounts, used_by_row(entry), strict=True):
            self.touched.add(account - first)
            if key not in decided:
                self.lost_rows += 1
                self.lost_used[account - first] += octets

    def faults(self, loaded: Loaded) -> list[str]:
        """Answered use that is neither in the journal nor in what was lost, by subscriber."""
        faults = []
        for subscriber, answered in enumerate(loaded.books.used_octets.tolist()):
            found = self.used[subscriber] + self.lost_used[subscriber]
            if found != answered:
                faults.append(f"subscriber {subscriber}: answered {answered} octets, journal and lost have {found}")
        return faults


def test_everysec_loses_exactly_what_it_reports(tmp_path: Path) -> None:
    environment = slow_disk(tmp_path, VERY_SLOW_MS)
    with LoadedUp(tmp_path / "data", kill_plan(**LOAD), "--fsync", "everysec", **environment) as farebox:
        engine = farebox.up.state.pids["engine"]
        with JournalTap(farebox.up.state.store_url, farebox.store.partition_count, tmp_path / "replica") as tap:
            loaded = farebox.load(lambda: kill_stores(farebox, 2, tap))
            assert farebox.up.state.pids["engine"] == engine, "the engine lived on"
            audited = farebox.check_audit()
            accounts = farebox.accounts()
        divergences = (
            (farebox.folder / "logs" / "engine.log").read_text().count("store is older than this engine knows")
        )
        farebox.store.close()
        assert farebox.up.interrupt() == 0, farebox.up.text()
        gap = Gap(farebox, tap)
        record_faults = open_record_faults(farebox.up.folder, gap.sums)
    assert audited.is_sound, "\n".join(map(str, audited.faults[:10]))
    assert divergences > 0
    assert gap.lost_rows > 0, "nothing was lost: the disk wasn't slow enough to show anything"
    unreported = gap.lost - gap.reported
    assert not unreported, f"lost and not reported: {sorted(unreported)[:10]}"
    unseen = len(gap.reported - gap.lost)  # commits that were sent and whose execution nobody saw
    assert unseen <= KILLS * farebox.store.partition_count
    assert set(loaded.figures["wrong_by_reason"]) <= {"result_code"}, loaded.figures["wrong_octets"]
    invented = {key for key in gap.reported if key in tap.entries} - gap.lost
    assert not invented, f"reported as lost and still there: {sorted(invented)[:10]}"
    faults = gap.faults(loaded)
    assert not faults, "\n".join([f"{len(faults)} subscribers", *faults[:10]])
    for column in COLUMNS:
        expected, found = getattr(loaded.books.accounts, column), getattr(accounts, column)
        strangers = [row for row in np.flatnonzero(expected != found).tolist() if row not in gap.touched]
        assert not strangers, f"{column}: {strangers[:10]} differ and lost nothing"
    assert not record_faults, "\n".join(record_faults[:10])
    rows = [
        ("store kills", KILLS),
        ("divergences found by the engine (2 partitions)", divergences),
        ("entries lost", len(gap.lost)),
        ("entries reported", len(gap.reported)),
        ("entries lost and not reported", 0),
        ("answered requests lost", gap.lost_rows),
        ("answered octets lost", sum(gap.lost_used.values())),
        ("subscribers whose answered use is not journal + lost", 0),
        ("answered in all", loaded.figures["answered_in_all"]),
        ("5002 and other answers to sessions that were lost", loaded.figures["wrong"]),
    ]
    says = (
        f"appendfsync everysec, fdatasync slowed by {VERY_SLOW_MS} ms, the store killed {KILLS} times, the engine alive."
        f" Lost entries come from a replica of the store whose streams were kept; each is named in the journal's `voids`."
        f" For every subscriber the use that was answered is the use in the journal plus the use in lost entries."
    )
    evidence.write("slow-disk-everysec", "What everysec loses is what is reported", says, ("what", "seen"), rows)
