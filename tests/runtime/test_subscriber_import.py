"""A CSV file to accounts: every fault at once with its line and column, and no account opened twice."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balances.edge.redis_store import RedisStore
from balances.queries import AccountView, decode_record
from runtime import subscriber_import
from runtime.subscriber_import import COLUMNS, ImportPlan, batch_id_of, plan_import, run_import, taken_identities
from tests.catalog_loader.sample_release import POSTPAID, checked_sample
from tests.reference.private_valkey import private_valkey
from tests.runtime.private_engine import create_store, private_engine
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S, from_rfc3339
from vocabulary.units import Unit

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

RELEASE = checked_sample().release
OPENED_NS = from_rfc3339("2026-03-01T12:00:00Z") + 123
BOUND_S = 60.0

_Result = TypeVar("_Result")


def planned(text: str | bytes, *, tenant: int = 1, default_offer: str = "", opened_ns: int = OPENED_NS) -> ImportPlan:
    octets = text.encode() if isinstance(text, str) else text
    return plan_import(
        octets, file="s.csv", tenant=tenant, release=RELEASE, opened_ns=opened_ns, default_offer=default_offer
    )


def faults_of(text: str | bytes) -> list[str]:
    return [str(fault) for fault in planned(text).faults]


# --- reading ---------------------------------------------------------------------------------------------------------


def test_every_column_arrives_where_it_belongs() -> None:
    plan = planned(
        "\ufeffimsi, MSISDN,sip,nai,private,offer,money,credit_limit,allowances,expires\r\n"
        "\r\n"
        "001010000000001,+491700000001,sip:a@ims.example,a@x,,prepaid-plus,12.5,5.00 EUR,"
        '"data-1gib=512 MiB;voice-100min",2026-12-31\r\n'
        ",,,,key-7,prepaid-start,,,,\r\n"
        ",491700000003,,,,prepaid-start,0,,-,\r\n"
    )
    assert plan.faults == []
    assert plan.lines == [3, 4, 5]
    full, plain, bare = plan.openings
    assert full.identities == ("1:imsi:001010000000001", "1:e164:491700000001", "1:sip:sip:a@ims.example", "1:nai:a@x")
    assert full.terms.offer == number_of_name("prepaid-plus")
    assert (full.terms.currency, full.terms.credit_limit_micros) == (978, 5_000_000)
    assert full.terms.expires_ns == from_rfc3339("2026-12-30T23:00:00Z")  # midnight in Europe/Berlin
    from_ns = OPENED_NS // NS_PER_S * NS_PER_S
    assert [(c.unit, c.amount, c.allowance, c.from_ns, c.to_ns) for c in full.terms.credits] == [
        (Unit.MONEY, 12_500_000, 0, 0, FOREVER_NS),
        (Unit.OCTETS, 512 * 1024**2, number_of_name("data-1gib"), from_ns, from_ns + 30 * 86400 * NS_PER_S),
        (Unit.SECONDS, 6000, number_of_name("voice-100min"), from_ns, from_ns + 30 * 86400 * NS_PER_S),
    ]
    assert plain.identities == ("1:private:key-7",)
    assert [credit.amount for credit in plain.terms.credits] == [10_000_000, 1024**3]
    assert bare.terms.credits == ()


def test_a_credit_limit_is_the_offers_unless_the_row_says_another() -> None:
    plan = plan_import(
        b"msisdn,credit_limit,offer\n491,,postpaid-m\n492,7.50,postpaid-m\n493,0,postpaid-m\n494,,hybrid-m\n",
        file="s.csv",
        tenant=1,
        release=checked_sample(POSTPAID).release,
        opened_ns=OPENED_NS,
        default_offer="",
    )
    assert plan.faults == []
    limits = [opening.terms.credit_limit_micros for opening in plan.openings]
    assert limits == [50_000_000, 7_500_000, 0, 20_000_000]


HEADER = "imsi,msisdn,offer,money,allowances,expires\n"
FAULTY = {
    "no identity": (",,prepaid-start,,,", "s.csv:2: the row has no identity. Write one of msisdn, imsi"),
    "imsi": ("12x,,prepaid-start,,,", 's.csv:2: imsi: "12x" is no imsi. Write 6 to 15 digits.'),
    "number": (",0049-170,prepaid-start,,,", 's.csv:2: msisdn: "0049-170" is no msisdn. Write 3 to 15 digits'),
    "offer": ("001011234567890,,prepaid-strt,,,", "offer: the release has no offer prepaid-strt. Did you mean prepaid-start?"),
    "no offer": ("001011234567890,,,,,", "offer: no offer is named"),
    "money": ('001011234567890,,prepaid-start,"1,5",,', 'money: "1,5" has a comma'),
    "money below zero": ("001011234567890,,prepaid-start,-1,,", 'money: "-1" is below zero'),
    "another currency": ("001011234567890,,prepaid-start,1 CHF,,", "money: 1 CHF is not in the release's currency EUR"),
    "money too fine": ("001011234567890,,prepaid-start,0.0000001,,", "money: 0.0000001 is finer than 6 decimals"),
    "too much": ("001011234567890,,prepaid-start,1000000000000.01,,", "money: 1000000000000.01 is more than an account holds"),
    "exponent": ("001011234567890,,prepaid-start,1e3,,", 'money: "1e3" is no sum of money'),
    "allowance": ("123456,,prepaid-start,,data-1gb,", "the release has no allowance data-1gb. Did you mean data-1gib?"),
    "amount": ("001011234567890,,prepaid-start,,data-1gib=5 min,", "allowances: 5 min counts seconds, not octets"),
    "amount 0": ("001011234567890,,prepaid-start,,data-1gib=0 MiB,", "allowances: 0 MiB of data-1gib is not in 1 to"),
    "no amount": ("001011234567890,,prepaid-start,,data-1gib=,", "allowances: data-1gib has no amount"),
    "allowance twice": ("001011234567890,,prepaid-start,,data-1gib;data-1gib,", "allowances: data-1gib is named twice"),
    "empty entry": ("001011234567890,,prepaid-start,,data-1gib;,", "has an empty entry"),
    "expires": ("001011234567890,,prepaid-start,,,soon", 'expires: "soon" is no instant since 1970'),
    "expired": ("001011234567890,,prepaid-start,,,2026-03-01", "expires: 2026-03-01 is over already"),
    "expired long ago": ("123456,,prepaid-start,,,1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z is over already"),
    "too few values": ("001011234567890,,prepaid-start", "s.csv:2: the row has 3 values, the header 6"),
    "a quote that stays open": ('"001011234567890,,prepaid-start,,,', "s.csv:2: not readable as CSV"),
}  # fmt: skip


@pytest.mark.parametrize(("row", "fault"), FAULTY.values(), ids=FAULTY.keys())
def test_each_fault_names_line_and_column(row: str, fault: str) -> None:
    faults = faults_of(HEADER + row + "\n")
    assert len(faults) == 1
    assert fault in faults[0]
    assert faults[0].startswith("s.csv:2: ")


def test_all_faults_are_found_at_once() -> None:
    rows = [row for row, _ in FAULTY.values() if row.count(",") >= 5 and not row.startswith('"')]
    faults = faults_of(HEADER + "\n".join(rows) + "\n")
    assert {int(fault.split(":")[1]) for fault in faults} == set(range(2, 2 + len(rows)))


def test_several_faults_of_one_row_are_all_named() -> None:
    faults = faults_of(HEADER + "x,y,prepaid-start,-1,nothing,never\n")
    assert [fault.split(": ")[1] for fault in faults] == ["imsi", "msisdn", "money", "allowances", "expires"]


def test_an_identity_belongs_to_one_row() -> None:
    faults = faults_of(
        HEADER + ",+491700000001,prepaid-start,,,\n123456,,prepaid-start,,,\n,491700000001,prepaid-start,,,\n"
    )
    assert faults == ["s.csv:4: msisdn: 491700000001 stands in line 2 too. Remove one of the two rows."]


def test_lines_are_those_of_the_file_with_values_over_several() -> None:
    faults = faults_of('imsi,offer\n001011234567890,"prepaid\nstart"\n\nx,prepaid-start\n')
    assert [fault.split(":")[1] for fault in faults] == ["2", "5"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "s.csv:1: the file is empty. Write a header line such as msisdn,imsi,offer."),
        (b"imsi,offer\n", "the file has a header and no rows"),
        (b"imsi;offer\n1;2\n", "the columns are not separated by commas"),
        (b"imsi,ofer\n", "column 2: ofer is not known. Did you mean offer?"),
        (b"imsi,imsi,offer\n", "imsi: this column stands there twice"),
        (b"offer,money\n", "no column is an identity. Add one of msisdn, imsi"),
        (b"imsi,money\n", "offer: this column is missing"),
        (b"imsi,,offer\n", "column 2: without a name is not known"),
        (b"imsi,offer\n\xff,x\n", "s.csv:2: octet 0xff is not UTF-8"),
        (b"PK\x03\x04\x00\x00", "is not known"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_rows_says_why(text: bytes, fault: str) -> None:
    assert any(fault in line for line in faults_of(text)), faults_of(text)


def test_only_line_ends_end_lines() -> None:
    (fault,) = faults_of("private,offer\na\u2028b\x0cc,prepaid-start\nkey,none\n")[1:]
    assert fault.startswith("s.csv:3: offer: ")


def test_one_offer_may_be_named_for_all() -> None:
    plan = planned("msisdn\n491\n492\n", default_offer="prepaid-basic")
    assert [opening.terms.offer for opening in plan.openings] == [number_of_name("prepaid-basic")] * 2


def test_terms_are_made_once_for_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = subscriber_import.terms_of
    monkeypatch.setattr(subscriber_import, "terms_of", lambda *args: made.append(args) or real(*args))
    plan = planned("imsi,offer,money\n" + "".join(f"{10**14 + row},prepaid-plus,{row % 2}\n" for row in range(5000)))
    assert (len(plan.openings), len(made)) == (5000, 2)
    assert [opening.identities for opening in plan.openings] == [(f"1:imsi:{10**14 + row}",) for row in range(5000)]


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber_import, "ROWS_MAX", 2)
    assert faults_of("imsi,offer\n" + "".join(f"{10**14 + row},prepaid-start\n" for row in range(4))) == [
        "s.csv:4: more than 2 rows. Split the file."
    ]


def test_a_batch_is_named_by_what_it_does() -> None:
    names = {batch_id_of(b"x", 1, ""), batch_id_of(b"y", 1, ""), batch_id_of(b"x", 2, ""), batch_id_of(b"x", 1, "a")}
    assert len(names) == 4
    assert batch_id_of(b"x", 1, "") in names


CELLS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["prepaid-start", "12345678", "1.5", '"', ""]
)


@given(
    st.lists(st.sampled_from([column.name for column in COLUMNS]) | CELLS, max_size=5),
    st.lists(st.lists(CELLS, max_size=6), max_size=6),
)
def test_whatever_stands_there_is_rows_or_faults(header: list[str], rows: list[list[str]]) -> None:
    text = "\n".join(",".join(cells) for cells in [header, *rows])
    plan = planned(text)
    assert plan.faults or plan.openings
    line_count = len(text.splitlines()) + 1
    assert all(1 <= fault.line <= line_count and fault.problem and fault.remedy for fault in plan.faults)


@given(st.binary(max_size=60))
def test_whatever_octets_are_rows_or_faults(octets: bytes) -> None:
    plan = planned(b"imsi,offer\n" + octets)
    assert plan.faults or plan.openings


# --- into a store ----------------------------------------------------------------------------------------------------


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with private_valkey(tmp_path) as started:
        create_store(started)
        yield started


def on_store(address: str, work: Callable[[RedisStore], Awaitable[_Result]]) -> _Result:
    async def bounded() -> _Result:
        store = RedisStore(address)
        try:
            await store.open()
            return await asyncio.wait_for(work(store), BOUND_S)
        finally:
            await store.close()

    return asyncio.run(bounded())


async def accounts_of(store: RedisStore) -> dict[int, AccountView]:
    views = {}
    for partition in range(store.meta.partition_count):
        async for rows in store.scan_accounts(partition):
            views.update({account_id: decode_record(octets) for _, account_id, octets in rows})
    return views


def many(count: int, first: int = 0) -> str:
    rows = (f"{10**14 + row},{491700000000 + row},prepaid-plus,{row}.25\n" for row in range(first, first + count))
    return "imsi,msisdn,offer,money\n" + "".join(rows)


class CutOff(Exception):
    """Stands for whatever ends an import."""


def test_a_cut_off_import_goes_on_and_opens_nothing_twice(address: str, tmp_path: Path) -> None:
    count = 5000
    plan = planned(many(count))

    def cut_off(done: int) -> None:
        if done:
            raise CutOff

    async def begin(store: RedisStore) -> int:
        with pytest.raises(CutOff):
            await run_import(store, plan, progress=cut_off)
        return len(await accounts_of(store))

    async def go_on(store: RedisStore) -> tuple[Any, ...]:
        later = planned(many(count), opened_ns=OPENED_NS + 3600 * NS_PER_S)
        faults, resumed = await taken_identities(store, later)
        outcome = await run_import(store, later)
        again = await run_import(store, later)
        return faults, resumed, outcome, again, await accounts_of(store)

    with private_engine(address, tmp_path):
        begun = on_store(address, begin)
        faults, resumed, outcome, again, views = on_store(address, go_on)
    assert 0 < begun <= count
    assert faults == []
    assert resumed == count
    assert outcome == again
    assert (outcome.opened, outcome.waiting, outcome.faults) == (count, 0, ())
    assert sorted(views) == list(range(1, count + 1))
    for row in range(count):
        money, _ = views[row + 1].total()
        assert money == row * 1_000_000 + 250_000
        assert views[row + 1].revision == 1


def test_without_an_engine_commands_wait_and_are_done_when_one_comes(address: str, tmp_path: Path) -> None:
    plan = planned(many(20))
    waiting = on_store(address, lambda store: run_import(store, plan))
    assert (waiting.opened, waiting.waiting, waiting.faults) == (0, 20, ())
    assert "the command waits in the store" in waiting.waiting_reason
    assert on_store(address, accounts_of) == {}
    with private_engine(address, tmp_path):
        outcome = on_store(address, lambda store: run_import(store, plan))
        assert (outcome.opened, outcome.waiting) == (20, 0)
        assert len(on_store(address, accounts_of)) == 20


def test_a_file_with_added_rows_names_each_row_that_is_open_once(address: str) -> None:
    """Rows of another file: another batch of openings, in which the first three have their accounts already."""
    on_store(address, lambda store: run_import(store, planned(many(3))))
    faults, resumed = on_store(address, lambda store: taken_identities(store, planned(many(5))))
    assert resumed == 0
    assert [(fault.line, fault.column) for fault in faults] == [(2, "imsi"), (3, "imsi"), (4, "imsi")]


def test_a_row_of_two_accounts_names_both(address: str) -> None:
    on_store(address, lambda store: run_import(store, planned(many(2))))
    mixed = planned("imsi,msisdn,offer\n100000000000000,491700000001,prepaid-plus\n")
    faults, _ = on_store(address, lambda store: taken_identities(store, mixed))
    assert [(fault.column, fault.problem.rsplit(" account ")[1]) for fault in faults] == [
        ("imsi", "1 already"),
        ("msisdn", "2 already"),
    ]


def test_identities_that_others_have_are_named_before_anything_is_opened(address: str) -> None:
    on_store(address, lambda store: run_import(store, planned(many(3))))  # claimed; no engine decides
    other = planned(many(3, first=2))
    faults, resumed = on_store(address, lambda store: taken_identities(store, other))
    assert resumed == 0
    assert [str(fault) for fault in faults] == [
        "s.csv:2: imsi: 100000000000002 belongs to account 3 already. Remove the row, or correct it.",
    ]
    assert on_store(address, lambda store: taken_identities(store, planned(many(3), tenant=2))) == ([], 0)


def test_an_identity_that_is_taken_meanwhile_is_named_and_the_rest_goes_on(address: str) -> None:
    on_store(address, lambda store: run_import(store, planned(many(1))))
    outcome = on_store(address, lambda store: run_import(store, planned(many(3))))
    assert [fault.line for fault in outcome.faults] == [2]
    assert "belongs to account 1 already" in str(outcome.faults[0])
    assert outcome.waiting == 2
