"""An account with open sessions, as the kernels wrote it, in rows for people and in exact integers for programs."""

from balances.queries import AccountView, decode_record
from catalog_loader.names import names_of
from charging.batch import INITIAL, UPDATE
from runtime.subscriber_view import (
    BalanceRow,
    account_json,
    account_pairs,
    amount_text,
    balance_rows,
    names_of_tenant,
    product_rows,
    session_rows,
)
from tests.catalog_loader.sample_release import POSTPAID, checked_sample
from tests.catalog_loader.test_sample_charging import DATA, RELEASE, SMS, VOICE, Subscriber
from tests.reference.requests import Mscc
from vocabulary.units import Unit

POSTPAID_RELEASE = checked_sample(POSTPAID).release
NAMES = names_of_tenant(names_of([(1, RELEASE, "")]), 1)


def with_sessions() -> AccountView:
    subscriber = Subscriber("prepaid-start", money_micros=1_000_000)
    subscriber.ask(INITIAL, DATA, Mscc(requested={Unit.OCTETS: 1_000_000}), Mscc(30, requested={}))
    subscriber.ask(UPDATE, DATA, Mscc(requested={Unit.OCTETS: 1_000_000}, used={Unit.OCTETS: 500_000}))
    subscriber.ask(INITIAL, VOICE, Mscc(100, 1000, requested={Unit.SECONDS: 600}))
    return decode_record(subscriber.engine.records[1, 1], NAMES)


def test_balances_say_what_is_left_and_what_is_held() -> None:
    data, money = balance_rows(with_sessions())
    assert data == BalanceRow(
        "data-1gib",
        f"{1024**3 - 1_500_000} octets",
        "1000000 octets",
        "2025-03-01T12:00:00.000Z",
        "2025-03-31T12:00:00.000Z",
        "10",
        "2",
    )
    assert money[:3] == ("money", "0.001 EUR", "0.999 EUR")


def test_sessions_say_service_grant_and_hold() -> None:
    rows = session_rows(with_sessions())
    assert [(row.context, row.service, row.granted, row.reserved) for row in rows] == [
        ("32251", "no rating group", "1000000 octets", "1000000 octets of data-1gib"),
        ("32251", "rating group 30", "-", "-"),  # refused by its price
        ("32260", "rating group 100, service 1000", "333 s (last)", "0.999 EUR"),
    ]
    assert {len(row.session) for row in rows} == {32}
    assert rows[0].opened == "2025-03-01T12:00:01.000Z"
    assert rows[0].ends == "2025-03-01T13:00:02.000Z"  # twice the validity after the last grant


def test_the_account_and_its_products() -> None:
    view = with_sessions()
    pairs = dict(account_pairs(view))
    assert (pairs["account"], pairs["status"], pairs["expires"]) == ("1", "active", "never")
    assert pairs["money"] == "0.001 EUR, 0.999 EUR reserved"
    (product,) = product_rows(view)
    assert (product.product, product.release, product.until) == ("prepaid-start", "in force", "-")
    assert product.period_from == product.from_


def test_what_is_owed_on_the_bill() -> None:
    """Charged and not settled, apart from what is held for a grant."""
    subscriber = Subscriber("hybrid-m", release=POSTPAID_RELEASE)
    subscriber.ask(INITIAL, VOICE, Mscc(100, requested={Unit.SECONDS: 60}))
    subscriber.ask(UPDATE, VOICE, Mscc(100, requested={Unit.SECONDS: 60}, used={Unit.SECONDS: 45}))
    subscriber.ask(INITIAL, SMS, Mscc(2, requested={Unit.EVENTS: 1}))
    view = decode_record(subscriber.engine.records[1, 1], NAMES)
    pairs = dict(account_pairs(view))
    assert pairs["owed on the bill"] == "0.09 EUR of at most 20.00 EUR, 0.12 EUR reserved"
    assert pairs["money"] == "3.01 EUR, 1.99 EUR reserved"
    assert account_json(view, {})["bill"] == {
        "owed_micros": 90_000,
        "reserved_micros": 120_000,
        "limit_micros": 20_000_000,
        "owed": "0.090000",
    }
    assert [(row.balance, row.remaining) for row in balance_rows(view)][1:] == [
        ("bill", "-0.21 EUR"),
        ("money", "3.01 EUR"),
    ]
    assert [row.reserved for row in session_rows(view)] == ["0.12 EUR", "1.99 EUR"]
    prepaid = with_sessions()
    assert dict(account_pairs(prepaid))["owed on the bill"] == "no bill"
    assert "bill" not in account_json(prepaid, {})


def test_programs_get_exact_integers() -> None:
    body = account_json(with_sessions(), {"imsi": "001010000000001"})
    assert body["money"] == {"remaining_micros": 1_000, "reserved_micros": 999_000, "remaining": "0.001000"}
    assert body["identities"] == {"imsi": "001010000000001"}
    assert (body["status"], body["currency"], len(body["sessions"])) == ("active", "EUR", 2)


def test_amounts_below_zero_keep_their_sign() -> None:
    assert amount_text(Unit.MONEY, -1_500_000, "EUR") == "-1.50 EUR"
    assert amount_text(Unit.SECONDS, -90, "") == "-90 s"
    assert amount_text(Unit.OCTETS, 1024**2, "") == "1 MiB"


def test_what_no_release_names_is_shown_by_its_number() -> None:
    subscriber = Subscriber("prepaid-start")
    view = decode_record(subscriber.engine.records[1, 1])
    assert balance_rows(view)[0].balance.startswith("#")
    assert product_rows(view)[0].product.startswith("#")
