"""Files of numbers and SIMs: faults by row, nothing added where there is one, gone on with when imported again."""

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.edge.database import Database
from bss.inventory.digits import luhn_digit
from bss.inventory.import_rows import CHUNK_ROWS, FAULTS_MAX, ImportPlan, add_rows, check_rows, read_rows
from bss.inventory.operations import block
from bss.inventory.tables import MSISDN, SIM


def iccid(place: int) -> str:
    body = f"8944110068{place:08}"
    return body + luhn_digit(body)


def sims(count: int, first: int = 0) -> bytes:
    rows = (f"{iccid(place)},2620100{place:08}" for place in range(first, first + count))
    return "\n".join(("iccid,imsi", *rows)).encode()


def bring_in(database: Database, caller: Caller, plan: ImportPlan, *, chunks: int = 1000) -> int:
    """Rows added, of the first so many chunks; none where there is a fault."""
    for chunk in plan.chunks():
        database.read(caller, lambda work, rows=chunk: check_rows(work, plan=plan, rows=rows))
    if plan.faults:
        return 0
    return sum(
        database.write(caller, lambda work, rows=chunk: add_rows(work, kind=plan.kind, rows=rows))
        for chunk in plan.chunks()[:chunks]
    )


def test_an_import_that_was_cut_off_goes_on(database: Database, anyone: Caller) -> None:
    octets = sims(CHUNK_ROWS + 20)
    assert bring_in(database, anyone, read_rows("sim", octets), chunks=1) == CHUNK_ROWS
    database.write(anyone, lambda work: block(work, "sim", name=iccid(0)))
    assert bring_in(database, anyone, read_rows("sim", octets)) == 20
    assert bring_in(database, anyone, read_rows("sim", octets)) == 0
    assert database.read(anyone, lambda work: work.count(sa.select(SIM.c.id))) == CHUNK_ROWS + 20


def test_what_is_there_otherwise_is_a_fault_and_nothing_is_added(database: Database, anyone: Caller) -> None:
    assert bring_in(database, anyone, read_rows("sim", sims(2))) == 2
    wrong = f"iccid,imsi\n{iccid(5)},262010000000005\n{iccid(0)},262010000000009\n{iccid(7)},262010000000001\n"
    plan = read_rows("sim", wrong.encode())
    assert bring_in(database, anyone, plan) == 0
    assert [(fault.line, fault.column) for fault in plan.faults] == [(3, "imsi"), (4, "iccid")]
    assert "is there with imsi 262010000000000" in str(plan.faults[0])
    assert database.read(anyone, lambda work: work.count(sa.select(SIM.c.id))) == 2


def test_pools_and_categories_are_taken_from_the_file(database: Database, anyone: Caller) -> None:
    text = "pool,number,category\n,491700000001,\r\nshop,491700000002,golden\n\n"
    assert bring_in(database, anyone, read_rows("msisdn", b"\xef\xbb\xbf" + text.encode())) == 2
    rows = database.read(anyone, lambda work: work.rows(sa.select(MSISDN).order_by(MSISDN.c.number)))
    assert [(row["pool"], row["category"], row["state"]) for row in rows] == [
        ("default", "standard", "free"),
        ("shop", "golden", "free"),
    ]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (b"", ["line 1: number: the column lacks"]),
        (b"number,colour\n1,red", ["line 1: colour: there is no such column. Columns are number, pool, category"]),
        (b"number,number\n1,1", ["line 1: number: the column is there twice", "line 1: number: the column is there"]),
        (b"number\n+49170\n491700000001,x\n", ["line 2: number: '+49170' is no MSISDN", "line 3: 2 cells under 1 col"]),
        (b"number\n491700000001\n\n491700000001\n", ["line 4: number: 491700000001 is in line 2 already"]),
        (b"number,pool\n491700000001,Golden!\n", ["line 2: pool: 'Golden!' can't be a name here"]),
        (b"number\n49170000\xff\n", ["line 2: octet 0xff is no UTF-8"]),
        (b'number\n"49170', ["line 2: it is no CSV"]),
    ],
)
def test_all_faults_of_a_file_are_told_with_their_lines(text: bytes, faults: list[str]) -> None:
    told = [str(fault) for fault in read_rows("msisdn", text).faults]
    assert len(told) == len(faults), told
    for line, begin in zip(told, faults, strict=True):
        assert line.startswith(begin)


def test_a_mistyped_digit_of_a_card_is_told(database: Database, anyone: Caller) -> None:
    right = iccid(1)
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    (fault,) = read_rows("sim", f"iccid,imsi\n{wrong},262010000000001\n".encode()).faults
    assert (fault.line, fault.column) == (2, "iccid")
    assert f"its check digit is {right[-1]}" in fault.reason


def test_a_file_full_of_faults_is_counted_and_not_kept() -> None:
    plan = read_rows("msisdn", b"number\n" + b"x\n" * (FAULTS_MAX + 5))
    assert (len(plan.faults), plan.fault_count, plan.rows) == (FAULTS_MAX, FAULTS_MAX + 5, [])
