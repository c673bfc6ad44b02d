"""Random traffic decided by the engine's kernels, and its journal taken apart and put together again with mistakes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from balances.audit import audit_partition
from balances.audit_report import AuditReport
from balances.journal import JournalEntry, MovementKind, decode_entry
from balances.journal_writer import encode_entry
from balances.store import EntryId
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from charging.tariff_tables import Control
from tests.reference.engine_alone import EngineAlone
from tests.reference.requests import Applies, Change, Credit, CreditControl, Debit, Mscc, Open, Request, Wake
from tests.reference.tariffs import Catalogue, Price, Release, tariff_tables
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
ALLOWANCE = 11
PRICES = (
    Price(rating_group=10, block_units=10, price_micros=7, allowances=(ALLOWANCE,), number=1),
    Price(rating_group=20, unit=Unit.SECONDS, block_units=60, price_micros=900, number=2),
    Price(rating_group=30, unit=Unit.EVENTS, price_micros=150, number=3, settled_by=Unit.BILL),
    Price(rating_group=40, control=Control.FREE, number=4),
)
CATALOGUE = Catalogue((Release(1, offers={1: PRICES}), Release(1, tenant=2, offers={1: PRICES})))

Entries = list[tuple[EntryId, bytes]]
Records = dict[tuple[int, int], bytes]


@dataclass(slots=True)
class RandomTraffic:
    """Sessions, events, top-ups and expiries over a few accounts, in batches; the same for the same seed."""

    seed: int
    account_count: int = 12
    engine: EngineAlone = field(default_factory=lambda: EngineAlone(tariff_tables(CATALOGUE)))
    now_ns: int = START_NS
    _numbers: dict[tuple[int, int], int] = field(default_factory=dict)
    _sent: list[Request] = field(default_factory=list)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def tenant_of(self, account_id: int) -> int:
        """One account in four is of tenant 2."""
        return 2 if account_id % 4 == 0 else 1

    def open_all(self) -> None:
        """One batch that opens every account, some nearly empty, most with allowance and bill, half with money that ends."""
        batch: list[Request] = []
        for account_id in range(1, self.account_count + 1):
            credits_given = [Credit(self._random.choice((50, 5000, 10**7)), movement=MovementKind.OPENED)]
            if account_id % 3:
                to_ns = START_NS + self._random.choice((200, 10**6)) * NS_PER_S
                credits_given.append(
                    Credit(300, Unit.OCTETS, ALLOWANCE, to_ns=to_ns, movement=MovementKind.BONUS, priority=1)
                )
            if account_id % 2:
                amount, life_s = (20, 900)[account_id % 4 // 2], (100, 400, 10**6)[account_id % 3]
                to_ns = START_NS + life_s * NS_PER_S
                credits_given.append(Credit(amount, to_ns=to_ns, movement=MovementKind.BONUS))
            tenant = self.tenant_of(account_id)
            currency = 756 if account_id % 5 == 0 else 978
            limit = (0, 400, 10**6)[account_id % 3]
            batch.append(
                Open(
                    account_id,
                    self.now_ns,
                    tenant,
                    currency=currency,
                    credit_limit_micros=limit,
                    credits=tuple(credits_given),
                )
            )
        self.engine.decide(batch, self.now_ns)

    def run(self, batch_count: int, rows: int = 20) -> None:
        """So many batches of random requests."""
        for _ in range(batch_count):
            self.now_ns += self._random.choice((0, 1, 5, 30)) * NS_PER_S
            if self._random.random() < 0.03:
                self.now_ns += 3 * 3600 * NS_PER_S
            batch = [self._request() for _ in range(rows)]
            self.engine.decide(batch, self.now_ns)

    def _request(self) -> Request:
        draw = self._random
        account_id = draw.randint(1, self.account_count)
        tenant = self.tenant_of(account_id)
        what = draw.random()
        if what < 0.05:
            return self._change(account_id, tenant)
        if what < 0.07:
            settled = Credit(draw.choice((1, 150, 900)), Unit.BILL, movement=MovementKind.SETTLED)
            return Change(account_id, self.now_ns, tenant, (settled,), command_id=f"settled-{len(self._sent)}")
        if what < 0.10:
            return Wake(account_id, self.now_ns, tenant)
        if what < 0.16 and self._sent:
            return draw.choice(self._sent[-30:])
        request = self._credit_control(account_id, tenant)
        self._sent.append(request)
        return request

    def _change(self, account_id: int, tenant: int) -> Change:
        """A top-up, now and then a product's period for a fee, or an adjustment."""
        draw = self._random
        top_up = Change(
            account_id,
            self.now_ns,
            tenant,
            (Credit(draw.choice((1, 500, 10**5)), movement=MovementKind.TOPPED_UP),),
            command_id=f"change-{len(self._sent)}",
        )
        what = draw.random()
        if what < 0.6:
            return top_up
        if what < 0.8:
            return replace(top_up, amounts=(Debit(draw.choice((1, 300))), Credit(7, movement=MovementKind.ADJUSTED_IN)))
        end_ns = self.now_ns + 60 * NS_PER_S
        allotted = Credit(40, Unit.OCTETS, ALLOWANCE, self.now_ns, end_ns, movement=MovementKind.ALLOTTED)
        return replace(
            top_up,
            amounts=(Debit(draw.choice((1, 300)), movement=MovementKind.FEE), allotted),
            applies=Applies(1, self.now_ns, end_ns),
        )

    def _credit_control(self, account_id: int, tenant: int) -> CreditControl:
        draw = self._random
        place = (account_id, draw.randint(0, 2))
        session = (crc32(repr(place).encode()) << 32 | 0xABCD0000, place[1])
        number = self._numbers.get(place, 0)
        going_on = (UPDATE,) * 12 + (INITIAL,) + (TERMINATION,) * 2
        kind = EVENT if draw.random() < 0.1 else INITIAL if number == 0 else draw.choice(going_on)
        self._numbers[place] = 0 if kind == TERMINATION else number + (kind != EVENT)
        msccs = tuple(self._mscc(group, kind) for group in draw.sample((10, 20, 30, 40, 99), draw.randint(0, 3)))
        body_hash = draw.getrandbits(32)
        if kind == EVENT:
            session = (draw.getrandbits(64), draw.getrandbits(40))
        return CreditControl(
            account_id,
            session,
            kind,
            0 if kind == EVENT else number,
            body_hash,
            self.now_ns,
            tenant,
            msccs,
            requested_action=0 if kind == EVENT else None,
        )

    def _mscc(self, rating_group: int, kind: int) -> Mscc:
        used = self._random.choice((0, 3, 60, 100, 150))
        units = {Unit.OCTETS: used, Unit.SECONDS: used, Unit.EVENTS: used % 4}
        if kind == EVENT:
            return Mscc(rating_group, requested={Unit.EVENTS: 2, Unit.OCTETS: 30})
        return Mscc(
            rating_group, requested={} if kind != TERMINATION else None, used=units if kind != INITIAL else None
        )

    # --- what was decided
    def entries(self) -> Entries:
        """The journal."""
        return [(EntryId.parse(entry_id), octets) for entry_id, octets in self.engine.entries]

    def records(self) -> Records:
        """The records as they are."""
        return dict(self.engine.records)

    def audit(self) -> AuditReport:
        """What the audit says of both."""
        return audit_partition(0, self.entries(), self.records())


def played(seed: int, batch_count: int = 40) -> RandomTraffic:
    """Traffic that has opened its accounts and gone on for so many batches."""
    traffic = RandomTraffic(seed)
    traffic.open_all()
    traffic.run(batch_count)
    return traffic


Tables = dict[str, NDArray[np.void]]


def tables_of(entry: JournalEntry) -> Tables:
    """An entry's columns as structured rows that can be changed."""
    tables = {}
    for name in ("requests", "usages", "movements"):
        columns = getattr(entry, name)
        dtype = np.dtype([(column, values.dtype) for column, values in columns.items()], align=True)
        rows = np.zeros(len(next(iter(columns.values()))), dtype)
        for column, values in columns.items():
            rows[column] = values
        tables[name] = rows
    return tables


def encode_again(entry: JournalEntry, tables: Tables, follows: EntryId | None = None) -> bytes:
    """The octets of an entry with these rows."""
    return encode_entry(
        partition=entry.partition,
        follows=entry.follows if follows is None else str(follows),
        now_ns=entry.now_ns,
        tables=tables,
        octets=entry.octets,
        voids=entry.voids,
    )


def change_rows(entries: Entries, table: str, is_wanted: Callable[[Any], bool], change: Callable[[Any], None]) -> str:
    """Change the last row of a table that is wanted, in place; the id of its entry."""
    for place in range(len(entries) - 1, -1, -1):
        entry = decode_entry(entries[place][1])
        tables = tables_of(entry)
        for row in reversed(tables[table]):
            if is_wanted(row):
                change(row)
                entries[place] = (entries[place][0], encode_again(entry, tables))
                return str(entries[place][0])
    raise AssertionError(f"no row of {table} is like that")
