"""What care agents read: which price decided, which buckets paid, why a grant has its size, why something was refused."""

from dataclasses import asdict, replace

import pytest

from balances.command_octets import encode_command
from balances.commands import Change, ProductEnd, ProductPeriod
from balances.commands import Credit as MoneyIn
from balances.record import AccountStatus
from balances.store import EntryId
from catalog_loader.price_words import Catalogue
from charging.batch import COMMAND_ABORT, COMMAND_END_SESSION, EVENT, INITIAL, TERMINATION, UPDATE
from runtime.explain.steps import Wanted, steps_of
from runtime.explain.words import ServiceWords, StepWords, explain, sentences
from tests.reference.journal_entries import Asked, entry_of, read_rows
from tests.reference.requests import CreditControl
from tests.runtime.explain.explained_sessions import CATALOGUE, KEY, MIB, MONDAY_NS, Played, mscc
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.outcome_words import OUTCOME_WORDS
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START = number_of_name("start")
HOUR_NS = 3600 * NS_PER_S


def only(step: StepWords) -> ServiceWords:
    (service,) = step.services
    return service


def test_a_grant_names_its_price_and_the_time_of_the_week() -> None:
    step = Played().ask(INITIAL, mscc(10, 8))
    assert (step.what, step.outcome, step.at) == ("INITIAL 0", "granted", "2026-03-02T11:00:01.000Z")
    service = only(step)
    assert (service.service, service.offer, service.price) == ("rating group 10", "start", "data")
    assert (service.release, service.block_price, service.band) == (
        "3 (Spring)", "0.05 EUR per 1 MiB", "mon-fri 08:00-20:00",
    )  # fmt: skip
    assert (service.requested, service.granted) == ("8 MiB", "8 MiB")
    assert service.why_granted == ("the client asked for 8 MiB",)
    assert service.final == service.refused == ""
    assert list(sentences(service)) == [
        "Price: data of start, release 3 (Spring): 0.05 EUR per 1 MiB (mon-fri 08:00-20:00)",
        "Granted: 8 MiB: the client asked for 8 MiB",
    ]
    evening = only(Played(at_ns=MONDAY_NS + 9 * HOUR_NS).ask(INITIAL, mscc(10, 8)))
    assert (evening.block_price, evening.band) == ("0.02 EUR per 1 MiB", "")


@pytest.mark.parametrize(
    ("asked_mib", "granted", "why"),
    [
        (None, "10 MiB", ("the client named no amount, the price gives 10 MiB",)),
        (500, "50 MiB", ("the client asked for 500 MiB", "the price gives 50 MiB at most")),
    ],
)
def test_the_bounds_of_the_price_are_named(asked_mib: int | None, granted: str, why: tuple[str, ...]) -> None:
    service = only(Played(money_micros=10**9).ask(INITIAL, mscc(10, asked_mib)))
    assert (service.granted, service.why_granted) == (granted, why)


def test_what_was_reported_in_another_unit_is_said_in_that_and_the_grant_in_the_price_s() -> None:
    played = Played()
    played.ask(INITIAL, mscc(10, 8))
    service = only(played.ask(UPDATE, replace(mscc(10, 8), used={Unit.SECONDS: 30})))
    assert (service.used, service.uncharged, service.requested, service.granted) == ("30 s", "30 s", "8 MiB", "8 MiB")
    assert "Used: 30 s, paid by nothing, 30 s of it paid by nothing" in list(sentences(service))


def test_the_least_of_a_price_is_named() -> None:
    played = Played()
    small = mscc(10, 1)
    service = only(played.ask(INITIAL, replace(small, requested=dict.fromkeys(small.requested or (), 1000))))
    assert service.why_granted == ("the client asked for 1000 octets", "the price gives 1 MiB at least")


def test_a_grant_that_funds_cut_is_the_last_and_says_what_follows() -> None:
    service = only(Played(money_micros=120_000, allowance_units=3 * MIB).ask(INITIAL, mscc(10, 20)))
    assert service.granted == "5 MiB"
    assert service.why_granted == (
        "the client asked for 20 MiB",
        "allowances and money pay for no more",
        "it is the last: nothing is left to grant after it",
    )
    assert service.final == "when it is used up, the client ends the service"


def test_usage_names_the_buckets_that_paid() -> None:
    played = Played(allowance_units=3 * MIB)
    played.ask(INITIAL, mscc(10, 10))
    service = only(played.ask(UPDATE, mscc(10, 10, used_mib=5)))
    assert [(paid.kind, paid.direction, paid.amount, paid.bucket) for paid in service.paid] == [
        ("charged", "out", "0.10 EUR", "money"),
        ("charged", "out", "3 MiB", "data-1gib"),
    ]
    assert "Used: 5 MiB, paid by 0.10 EUR of money (bucket 1) and 3 MiB of data-1gib (bucket 2)" in list(
        sentences(service)
    )
    end = played.ask(TERMINATION, mscc(10, used_mib=2, wants=False))
    assert end.ended == "the session ended with it"
    assert (only(end).used, only(end).granted, only(end).why_granted) == ("2 MiB", "", ())


def test_usage_over_a_change_of_the_price_names_both() -> None:
    played = Played(at_ns=MONDAY_NS + 8 * HOUR_NS - 5 * NS_PER_S)
    played.ask(INITIAL, mscc(10, 2))
    played.at_ns += 10 * NS_PER_S
    service = only(played.ask(UPDATE, mscc(10, 2, used_mib=2)))
    assert service.block_price == "0.05 EUR per 1 MiB, then 0.02 EUR per 1 MiB"
    assert service.band == "mon-fri 08:00-20:00, then other times"


def test_a_grant_may_end_where_the_price_changes() -> None:
    played = Played(money_micros=210_000, at_ns=MONDAY_NS + 86400 * NS_PER_S + 19 * HOUR_NS + 50 * 60 * NS_PER_S)
    service = only(
        played.ask(INITIAL, mscc(10, 10))
    )  # 07:50 in Berlin: ten MiB are paid until eight, and not from then on
    assert service.granted == "10 MiB"
    assert any("before the price changes" in why for why in service.why_granted)


def test_used_up_credit_is_refused_with_its_remedy_and_a_top_up_stands_between() -> None:
    played = Played(money_micros=40_000)
    step = played.ask(INITIAL, mscc(10, 2))
    assert (step.outcome, only(step).outcome, only(step).granted) == ("granted", "credit_limit_reached", "")
    used_up = (
        "no allowance of the price is left (data-1gib), and money doesn't pay for one block more (0.05 EUR per 1 MiB)"
    )
    assert only(step).refused == used_up
    assert only(step).remedy == "Top up money, or top up one of the allowances; the client is told by itself"
    assert list(sentences(only(step)))[1:] == [
        f"Refused (credit_limit_reached): the client asked for 2 MiB; {used_up}",
        "What helps: Top up money, or top up one of the allowances; the client is told by itself",
    ]
    credited = played.top_up(5_000_000, "voucher-7")
    assert credited.what == "change voucher-7"
    assert [(each.kind, each.direction, each.amount, each.bucket) for each in credited.moved] == [
        ("topped up", "in", "5.00 EUR", "money")
    ]
    assert only(played.ask(UPDATE, mscc(10, 2))).granted == "2 MiB"
    assert [told.what for told in played.told()] == ["open opening:1.0", "INITIAL 0", "change voucher-7", "UPDATE 1"]


def test_what_is_settled_by_bill_is_named() -> None:
    played = Played(money_micros=0, credit_limit_micros=70_000)
    first = only(played.ask(INITIAL, mscc(50, 2)))
    assert (first.settled_by, first.granted) == ("bill", "2 MiB")
    assert next(sentences(first)).endswith("0.02 EUR per 1 MiB, on the bill")
    cut = only(played.ask(UPDATE, mscc(50, 9, used_mib=2)))
    assert [(paid.amount, paid.bucket) for paid in cut.paid] == [("0.04 EUR", "bill")]
    assert "allowances and the bill's credit limit are good for no more" in cut.why_granted
    refused = only(played.ask(UPDATE, mscc(50, 9, used_mib=1)))
    assert refused.refused == "the credit limit of the bill leaves no room for one block more (0.02 EUR per 1 MiB)"
    assert refused.remedy.startswith("Have what is owed settled, or raise the limit")


def test_a_redirected_user_is_told_of_at_once() -> None:
    played = Played(money_micros=0)
    service = only(played.ask(INITIAL, mscc(20, 2)))
    assert service.granted == service.refused == ""
    assert service.final == "credit is used up, and at once, the user is redirected to https://top-up.example.net"


@pytest.mark.parametrize(
    ("group", "refused", "remedy"),
    [
        (40, "the price denied denies this service", "Sell an offer that has it, or change the price"),
        (
            60,
            "no offer of the account has this service, though other offers have it (rating group 60)",
            "Sell an offer that has the service",
        ),
        (
            99,
            "no offer has a price for this service (rating group 99)",
            "Publish a release that prices it, or correct the rating group",
        ),
        (
            None,
            "no offer has a price for this service (no rating group)",
            "Publish a release that prices it, or correct the rating group",
        ),
    ],
)
def test_services_without_a_price_are_refused_in_words(group: int | None, refused: str, remedy: str) -> None:
    service = only(Played().ask(INITIAL, mscc(group, 2, used_mib=1)))
    assert (service.refused, service.remedy, service.granted) == (refused, remedy, "")


def test_a_free_service_needs_no_money() -> None:
    service = only(Played(money_micros=0).ask(INITIAL, mscc(30, 2)))
    assert (service.block_price, service.granted, service.paid) == ("free", "2 MiB", ())


def test_commands_and_endings_of_a_session_are_steps() -> None:
    played = Played()
    played.ask(INITIAL, mscc(10, 2))
    assert played.ask_of_session(COMMAND_ABORT).what == "abort"
    end = played.ask_of_session(COMMAND_END_SESSION)
    assert (end.what, end.ended[:39]) == ("without a request", "the session ended: Farebox ended it, it")
    assert [step.what for step in played.told()][-2:] == ["end session", "without a request"]


def test_refused_requests_say_why() -> None:
    step = Played().ask(UPDATE, mscc(10, 2))
    assert (step.outcome, step.refused) == ("unknown_session_id", OUTCOME_WORDS[Outcome.UNKNOWN_SESSION_ID].meaning)
    assert step.services == ()


BARRED = ("the account is barred", "farebox subscriber unbar")
CLOSED = ("the account is closed for good", "Order a product anew")
PAST_ITS_END = ("the account is past its end", "Close it and add another")


@pytest.mark.parametrize(("status", "said"), [(AccountStatus.BARRED, BARRED), (AccountStatus.CLOSED, CLOSED)])
def test_a_denied_session_says_which_status_denied_it(status: AccountStatus, said: tuple[str, str]) -> None:
    played = Played()
    played.set_status(status)
    step = played.ask(INITIAL, mscc(10, 2))
    assert (step.outcome, step.refused, said[1] in step.remedy) == ("end_user_service_denied", said[0], True)


@pytest.mark.parametrize(("status", "said"), [(AccountStatus.BARRED, BARRED), (AccountStatus.CLOSED, CLOSED)])
def test_quota_that_is_denied_in_an_open_session_says_so_too(status: AccountStatus, said: tuple[str, str]) -> None:
    played = Played()
    played.ask(INITIAL, mscc(10, 2))
    played.set_status(status)
    step = played.ask(UPDATE, mscc(10, 2, used_mib=1), mscc(40, 2))
    denied, never_sold = step.services
    assert (step.outcome, step.refused) == ("granted", "")
    assert (denied.outcome, denied.refused, said[1] in denied.remedy) == ("end_user_service_denied", said[0], True)
    assert never_sold.refused == "the price denied denies this service"
    played.set_status(AccountStatus.ACTIVE, "unbar:1.0")
    assert played.told()[-2].services[0].refused == said[0], "what was decided stays"


def test_an_account_past_its_end_is_told_from_a_barred_one() -> None:
    played = Played(expires_ns=MONDAY_NS + 3 * NS_PER_S)
    assert only(played.ask(INITIAL, mscc(10, 2))).granted == "2 MiB"
    played.at_ns = MONDAY_NS + 3 * NS_PER_S
    service = only(played.ask(UPDATE, mscc(10, 2)))
    assert (service.refused, PAST_ITS_END[1] in service.remedy) == (PAST_ITS_END[0], True)
    other = Played(expires_ns=MONDAY_NS + NS_PER_S).ask(INITIAL, mscc(10, 2))
    assert (other.refused, PAST_ITS_END[1] in other.remedy) == (PAST_ITS_END[0], True)


def test_a_denied_event_says_which_status_denied_it() -> None:
    played = Played()
    played.set_status(AccountStatus.BARRED)
    played.decide(CreditControl(5, KEY, EVENT, 0, 1, played.at_ns, msccs=(mscc(10, 2),), requested_action=0))
    assert (played.told()[-1].outcome, played.told()[-1].refused) == ("end_user_service_denied", BARRED[0])


def test_a_price_that_denies_is_not_the_account_s_doing() -> None:
    played = Played()
    played.ask(INITIAL, mscc(40, 2))
    assert played.steps()[-1].denied_status == 0


def test_a_command_is_denied_by_a_closed_account() -> None:
    played = Played()
    played.set_status(AccountStatus.CLOSED)
    assert played.top_up(1_000_000, "voucher-8").refused == CLOSED[0]


def test_a_change_says_what_it_was_to_do_and_why() -> None:
    period, over = ProductPeriod(START, MONDAY_NS, MONDAY_NS + HOUR_NS), ProductEnd(START, MONDAY_NS + HOUR_NS)
    changes = (
        Change("bar:1", 1, 5, status=AccountStatus.BARRED, reason="stolen"),
        Change("limit:1", 1, 5, credit_limit_micros=80_000_000),
        Change("apply:1", 1, 5, applies=period),
        Change("apply:2", 1, 5, applies=replace(period, to_ns=FOREVER_NS)),
        Change("end:1", 1, 5, ends=over),
        Change("top-up:1", 1, 5, amounts=(MoneyIn(Unit.MONEY, 5_000_000),)),
    )
    rows = [
        Asked(
            kind=1,
            account_id=5,
            command=2,
            session_id=change.command_id.encode(),
            service_information=encode_command(change),
        )
        for change in changes
    ]
    rows.append(Asked(kind=1, account_id=5, command=2, session_id=b"later", service_information=b"unknown"))
    steps = steps_of(EntryId(1, 2), read_rows(entry_of(rows)), Wanted(1, 5, *KEY))
    assert [explain(step, CATALOGUE).asked for step in steps] == [
        ("Status: barred", "Reason: stolen"),
        ("Credit limit: 80.00 EUR",),
        ("Product: start, from 2026-03-02T11:00:00.000Z until 2026-03-02T12:00:00.000Z",),
        ("Product: start, from 2026-03-02T11:00:00.000Z",),
        ("Product ended: start, at 2026-03-02T12:00:00.000Z",),
        (),
        (),
    ]


def test_entries_of_an_earlier_release_name_all_that_it_may_be() -> None:
    denied = Asked(session=KEY, account_id=5, outcome=int(Outcome.END_USER_SERVICE_DENIED))
    (step,) = steps_of(EntryId(1, 2), read_rows(entry_of([denied])), Wanted(1, 5, *KEY))
    assert explain(step, Catalogue()).refused == OUTCOME_WORDS[Outcome.END_USER_SERVICE_DENIED].meaning


def test_without_a_catalogue_numbers_stand_for_names() -> None:
    played = Played(money_micros=120_000)
    played.ask(INITIAL, mscc(10, 20))
    service = only(explain(played.steps()[-1], Catalogue()))
    assert service.price.startswith("#")
    assert (service.block_price, service.granted, service.final) == ("", "2 MiB", "terminate")
    assert service.why_granted[0] == "the client asked for 20 MiB"


def test_words_are_plain_values() -> None:
    step = Played().ask(INITIAL, mscc(10, 8))
    assert asdict(step)["services"][0]["why_granted"] == ("the client asked for 8 MiB",)


def test_steps_of_others_and_of_unknown_kinds() -> None:
    """Another tenant's account of the same number, another session; a command of a later release."""
    high, low = KEY
    rows = [
        Asked(session=KEY, account_id=5, tenant=2),
        Asked(session=(high, low + 1), account_id=5),
        Asked(session=KEY, account_id=6),
        Asked(kind=1, account_id=5, command=77, session_id=b"later", origin_host=b"x"),
        Asked(kind=1, account_id=5, command=2, session_id=b"mine"),
    ]
    steps = steps_of(EntryId(1, 2), read_rows(entry_of(rows)), Wanted(1, 5, *KEY))
    told = [explain(step, Catalogue()) for step in steps]
    assert [(step.what, step.position) for step in told] == [
        ("account command 77 later", "1-2/3"),
        ("change mine", "1-2/4"),
    ]


def test_every_outcome_has_words() -> None:
    for outcome, said in OUTCOME_WORDS.items():
        assert said.meaning, outcome
        assert said.remedy, outcome
        assert not said.meaning.endswith("."), outcome
