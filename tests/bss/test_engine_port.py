"""The engine's port: what the live engine and the one in memory both hold to."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from balances.commands import (
    AccountStatus,
    Change,
    CommandError,
    Credit,
    Debit,
    MovementKind,
    ProductEnd,
    ProductPeriod,
    SessionAction,
    SessionCommand,
    Terms,
    fee,
)
from balances.queries import AccountView
from bss.engine_port import (
    ID_USED,
    IDENTITY_NOT_HELD,
    IDENTITY_TAKEN,
    Done,
    Explanation,
    Identity,
    MoveIdentities,
    OpenAccount,
    Refused,
    ReleasePublished,
    ReleaseRefused,
    SendResult,
)
from catalog_loader.check import check_release
from tests.bss.engines import NOW_NS, Engine, InMemory, live_engine
from tests.catalog_loader.sample_release import checked_sample, small_release
from vocabulary.ids import IdentityKind, number_of_name
from vocabulary.units import Unit

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

EUR = 978
MICROS = 1_000_000
_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["memory", "live"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each of the two, with the sample catalogue of the tenant `default`."""
    if request.param == "memory":
        made: Engine = InMemory()
        assert isinstance(made.port.publish_release(checked_sample(), now_ns=NOW_NS), ReleasePublished)
        yield made
    else:
        with live_engine(tmp_path_factory.mktemp("e")) as live:
            assert isinstance(live.port.publish_release(checked_sample(), now_ns=NOW_NS), ReleasePublished)
            yield live


class Subscriber:
    """Identities that nobody else has, and an account when it is opened."""

    def __init__(self, engine: Engine) -> None:
        number = next(_numbers)
        self.port = engine.port
        tenant = self.port.tenant_number("default")
        assert isinstance(tenant, int)
        self.tenant = tenant
        self.msisdn = Identity(IdentityKind.E164, f"+4917{number:08d}")
        self.imsi = Identity(IdentityKind.IMSI, f"26201{number:010d}")
        self.new_imsi = Identity(IdentityKind.IMSI, f"26202{number:010d}")
        self.name = f"order-{number}"
        self.account_id = 0

    def opening(self, *credits: Credit, command_id: str = "") -> OpenAccount:
        given = credits or (Credit(Unit.MONEY, 10 * MICROS),)
        terms = Terms(EUR, offer=number_of_name("prepaid-start"), credits=given)
        return OpenAccount(command_id or f"{self.name}/open", self.tenant, (self.msisdn, self.imsi), terms)

    def open(self) -> "Subscriber":
        done = self.port.send(self.opening())
        assert isinstance(done, Done), done
        self.account_id = done.account_id
        return self

    def view(self) -> AccountView:
        view = self.port.read_account(self.tenant, self.account_id)
        assert isinstance(view, AccountView), view
        return view

    def move(self, word: str, *, add: tuple[Identity, ...] = (), remove: tuple[Identity, ...] = ()) -> MoveIdentities:
        return MoveIdentities(f"{self.name}/{word}", self.tenant, self.account_id, add, remove)


def test_opening_an_account_is_one_call_that_may_be_repeated(engine: Engine) -> None:
    one = Subscriber(engine)
    first = engine.port.send(one.opening())
    assert isinstance(first, Done)
    assert first.remaining == 10 * MICROS
    assert engine.port.send(one.opening()) == first
    one.account_id = first.account_id
    assert engine.port.find_accounts(one.tenant, [one.imsi, one.msisdn, one.new_imsi]) == (
        *[one.account_id] * 2,
        None,
    )
    view = one.view()
    assert [product.name for product in view.products] == ["prepaid-start"]
    assert [(bucket.name, bucket.remaining) for bucket in view.buckets] == [("money", 10 * MICROS)]
    assert engine.port.read_account(one.tenant, one.account_id + 1000) is None


def test_an_identity_of_another_opens_nothing(engine: Engine) -> None:
    one, other = Subscriber(engine).open(), Subscriber(engine)
    other.imsi = one.imsi
    refused = engine.port.send(other.opening())
    assert isinstance(refused, Refused)
    assert refused.code == IDENTITY_TAKEN
    assert one.imsi.value in refused.reason
    assert engine.port.find_accounts(one.tenant, [other.msisdn]) == (None,)


def test_a_top_up_is_done_once_and_its_id_stands_for_it(engine: Engine) -> None:
    one = Subscriber(engine).open()
    top_up = Change(f"{one.name}/pay", one.tenant, one.account_id, amounts=(Credit(Unit.MONEY, 5 * MICROS),))
    assert engine.port.send(top_up) == Done(one.account_id, 15 * MICROS)
    assert engine.port.send(top_up) == Done(one.account_id, 15 * MICROS)
    other = Change(top_up.command_id, one.tenant, one.account_id, amounts=(Credit(Unit.MONEY, 6 * MICROS),))
    refused = engine.port.send(other)
    assert isinstance(refused, Refused)
    assert (refused.code, one.view().total()) == (ID_USED, (15 * MICROS, 0))


def test_what_the_engine_refuses_is_said_by_its_outcome(engine: Engine) -> None:
    one = Subscriber(engine).open()
    nobody = engine.port.send(Change(f"{one.name}/a", one.tenant, 10**9 + 1, amounts=(Credit(Unit.MONEY, 1),)))
    too_much = engine.port.send(
        Change(f"{one.name}/b", one.tenant, one.account_id, amounts=(Credit(Unit.MONEY, 10**18),))
    )
    assert isinstance(nobody, Refused)
    assert isinstance(too_much, Refused)
    assert (nobody.code, too_much.code) == ("user_unknown", "invalid_avp_value")


DAY_NS = 86_400 * 10**9
BASE_NS = 1_900_000_000 * 10**9  # to come for both clocks
VOICE = number_of_name("voice-100min")


def changing(one: Subscriber, word: str, **parts: Any) -> SendResult:
    return one.port.send(Change(f"{one.name}/{word}", one.tenant, one.account_id, **parts))


def test_a_product_is_applied_once_a_period_whatever_the_id(engine: Engine) -> None:
    """Activation and renewal: fee, allowance and period are one command, and the period is what it is known by."""
    one = Subscriber(engine).open()
    offer = number_of_name("prepaid-plus")

    def renew(word: str, month: int, fee_micros: int = 4 * MICROS) -> SendResult:
        period = (BASE_NS + month * 30 * DAY_NS, BASE_NS + (month + 1) * 30 * DAY_NS)
        minutes = Credit(Unit.SECONDS, 6000, VOICE, *period, kind=MovementKind.BONUS)
        return changing(one, word, applies=ProductPeriod(offer, *period), amounts=(fee(fee_micros), minutes))

    assert renew("activate", 0) == Done(one.account_id, 6000)
    assert renew("activate", 0) == Done(one.account_id, 6000)
    assert renew("activate-again", 0) == Done(one.account_id, 0, was_so=True)
    assert renew("renew", 1) == Done(one.account_id, 6000)
    assert isinstance(renew("past", 0), Refused)
    poor = renew("poor", 2, 10 * MICROS)
    assert isinstance(poor, Refused)
    assert poor.code == "credit_limit_reached"
    view = one.view()
    product = next(row for row in view.products if row.offer == offer)
    assert (product.from_ns, product.to_ns, product.period_from_ns) == (
        BASE_NS,
        BASE_NS + 60 * DAY_NS,
        BASE_NS + 30 * DAY_NS,
    )
    assert view.total()[0] == 2 * MICROS
    assert [bucket.remaining for bucket in view.buckets if bucket.unit == Unit.SECONDS] == [6000, 6000]
    ends = ProductEnd(offer, BASE_NS + 45 * DAY_NS, ((Unit.SECONDS, VOICE),))
    assert isinstance(changing(one, "end", ends=ends), Done)
    view = one.view()
    assert next(row for row in view.products if row.offer == offer).to_ns == ends.at_ns
    assert [bucket.to_ns for bucket in view.buckets if bucket.unit == Unit.SECONDS] == [
        BASE_NS + 30 * DAY_NS,
        ends.at_ns,
    ]


def test_an_account_is_barred_freed_and_closed_for_good(engine: Engine) -> None:
    one = Subscriber(engine).open()
    for status in (AccountStatus.BARRED, AccountStatus.ACTIVE, AccountStatus.CLOSED):
        assert changing(one, status.name, status=status) == Done(one.account_id)
        assert one.view().status == status
    assert changing(one, "again", status=AccountStatus.CLOSED) == Done(one.account_id, 0, was_so=True)
    for word, parts in (
        ("reopen", {"status": AccountStatus.ACTIVE}),
        ("pay", {"amounts": (Credit(Unit.MONEY, MICROS),)}),
    ):
        refused = changing(one, word, **parts)
        assert isinstance(refused, Refused)
        assert refused.code == "end_user_service_denied"
    paid_out = changing(one, "refund", amounts=(Debit(Unit.MONEY, 10 * MICROS),), reason="paid out at the end")
    assert paid_out == Done(one.account_id, 0)
    heir = Subscriber(engine)
    heir.msisdn, heir.imsi = one.msisdn, one.imsi
    heir.open()
    assert heir.account_id != one.account_id
    assert engine.port.find_accounts(one.tenant, [one.msisdn, one.imsi]) == (heir.account_id, heir.account_id)


def test_a_credit_limit_is_raised_and_lowered_and_its_bill_stays(engine: Engine) -> None:
    one = Subscriber(engine).open()
    assert one.view().owed_micros is None
    done = changing(one, "limit", credit_limit_micros=50 * MICROS, reason="good payer")
    assert (done, changing(one, "limit", credit_limit_micros=50 * MICROS, reason="good payer")) == (done, done)
    view = one.view()
    assert (view.credit_limit_micros, view.owed_micros) == (50 * MICROS, 0)
    assert [(bucket.name, bucket.unit) for bucket in view.buckets] == [("money", Unit.MONEY), ("bill", Unit.BILL)]
    assert changing(one, "same", credit_limit_micros=50 * MICROS) == Done(one.account_id, was_so=True)
    assert isinstance(changing(one, "none", credit_limit_micros=0), Done)
    assert (one.view().credit_limit_micros, one.view().owed_micros) == (0, 0)
    changing(one, "close", status=AccountStatus.CLOSED)
    refused = changing(one, "late", credit_limit_micros=5)
    assert isinstance(refused, Refused)
    assert refused.code == "end_user_service_denied"


def test_amounts_are_done_in_order_and_whole_or_not_at_all(engine: Engine) -> None:
    one = Subscriber(engine).open()
    refused = changing(one, "a", amounts=(Credit(Unit.MONEY, MICROS), Debit(Unit.MONEY, 12 * MICROS)))
    assert isinstance(refused, Refused)
    assert (refused.code, one.view().total()[0]) == ("credit_limit_reached", 10 * MICROS)
    done = changing(one, "b", amounts=(Credit(Unit.MONEY, 2 * MICROS), Debit(Unit.MONEY, 12 * MICROS)))
    assert done == Done(one.account_id, 0)
    below = Debit(Unit.MONEY, MICROS, may_go_below_zero=True)
    assert changing(one, "c", amounts=(below,), reason="charged too little") == Done(one.account_id, -MICROS)
    (bucket,) = one.view().buckets
    named = Credit(Unit.MONEY, MICROS, kind=MovementKind.ADJUSTED_IN, bucket_id=bucket.bucket_id)
    assert changing(one, "d", amounts=(named,)) == Done(one.account_id, 0)
    unknown = changing(one, "e", amounts=(Debit(Unit.MONEY, 1, bucket_id=99),))
    assert isinstance(unknown, Refused)
    assert unknown.code == "invalid_avp_value"


def test_a_new_sim_is_one_step_that_is_done_once(engine: Engine) -> None:
    one = Subscriber(engine).open()
    swap = one.move("swap", add=(one.new_imsi,), remove=(one.imsi,))
    assert engine.port.send(swap) == Done(one.account_id)
    everyone = [one.msisdn, one.imsi, one.new_imsi]
    assert engine.port.find_accounts(one.tenant, everyone) == (one.account_id, None, one.account_id)
    back = one.move("back", add=(one.imsi,), remove=(one.new_imsi,))
    assert engine.port.send(back) == Done(one.account_id)
    assert engine.port.send(swap) == Done(one.account_id), "done before, and not again"
    assert engine.port.find_accounts(one.tenant, everyone) == (one.account_id, one.account_id, None)


def test_a_move_is_refused_whole(engine: Engine) -> None:
    one, other = Subscriber(engine).open(), Subscriber(engine).open()
    taken = engine.port.send(one.move("a", add=(one.new_imsi, other.msisdn)))
    strange = engine.port.send(one.move("b", add=(one.new_imsi,), remove=(other.msisdn,)))
    assert isinstance(taken, Refused)
    assert isinstance(strange, Refused)
    assert (taken.code, strange.code) == (IDENTITY_TAKEN, IDENTITY_NOT_HELD)
    assert engine.port.find_accounts(one.tenant, [one.new_imsi, other.msisdn]) == (None, other.account_id)
    one.account_id += 1_000_000
    unknown = engine.port.send(one.move("c", add=(one.new_imsi,)))
    assert isinstance(unknown, Refused)
    assert unknown.code == "user_unknown"


def test_a_number_that_was_left_charges_who_has_it_now(engine: Engine) -> None:
    """A session by the IMSI that was the first one's and is the second one's; who remembered the first asks anew."""
    one, other = Subscriber(engine).open(), Subscriber(engine)
    engine.begin_session(one.imsi, f"pgw1.example.net;{one.name};before")
    assert isinstance(engine.port.send(one.move("leave", remove=(one.imsi,))), Done)
    other.imsi = one.imsi
    other.open()
    engine.begin_session(one.imsi, f"pgw1.example.net;{one.name};after")
    found = [engine.port.open_sessions(each.tenant, each.account_id) for each in (one, other)]
    assert [[live.session_id.rpartition(";")[2] for live in sessions] for sessions in found] == [["before"], ["after"]]  # type: ignore[union-attr]


def test_open_sessions_are_shown_explained_and_ended(engine: Engine) -> None:
    one = Subscriber(engine).open()
    session_id = f"pgw1.example.net;{one.name}"
    assert engine.port.open_sessions(one.tenant, one.account_id) == ()
    assert engine.port.explain(session_id) is None
    engine.begin_session(one.imsi, session_id)
    sessions = engine.port.open_sessions(one.tenant, one.account_id)
    assert isinstance(sessions, tuple)
    (live,) = sessions
    assert (live.session_id, live.account_id, len(live.key)) == (session_id, one.account_id, 32)
    for name in (live.key, session_id):
        explained = engine.port.explain(name)
        assert isinstance(explained, Explanation)
        assert (explained.session.key, dict(explained.facts)["session"]) == (live.key, session_id)
    assert [view.tag for view in one.view().sessions] == [live.view.tag]

    def ask(word: str, action: SessionAction, *key: int) -> Done | Refused:
        answer = engine.port.send(SessionCommand(f"{one.name}/{word}", one.tenant, one.account_id, action, *key))
        assert isinstance(answer, Done | Refused)
        return answer

    key = (live.view.key_high, live.view.key_low)
    assert ask("again", SessionAction.REAUTHORIZE) == Done(one.account_id)
    assert ask("end", SessionAction.END, *key) == Done(one.account_id)
    assert engine.port.open_sessions(one.tenant, one.account_id) == ()
    gone = ask("abort", SessionAction.ABORT, *key)
    assert isinstance(gone, Refused)
    assert gone.code == "unknown_session_id"


def test_a_release_is_published_once_and_its_number_stays_its_own(engine: Engine) -> None:
    def checked(**changes: object) -> object:
        report = check_release(small_release(tenant="second", **changes))
        assert report.checked is not None, report.lines()
        return report.checked

    first = engine.port.publish_release(checked(), now_ns=NOW_NS)  # type: ignore[arg-type]
    assert isinstance(first, ReleasePublished)
    assert (first.is_new, first.waiting) == (True, ())
    again = engine.port.publish_release(checked(), now_ns=NOW_NS)  # type: ignore[arg-type]
    assert isinstance(again, ReleasePublished)
    assert not again.is_new
    refused = engine.port.publish_release(checked(name="Other"), now_ns=NOW_NS)  # type: ignore[arg-type]
    assert isinstance(refused, ReleaseRefused)
    assert "another text" in str(refused.faults[0])
    tenants = [engine.port.tenant_number(name) for name in ("default", "second", "third", "second")]
    assert len(set(tenants)) == 3
    assert tenants[1] == tenants[3]


def test_a_command_that_could_never_be_is_none(engine: Engine) -> None:
    one = Subscriber(engine)
    with pytest.raises(ValueError, match="printable"):
        Identity(IdentityKind.IMSI, "")
    with pytest.raises(ValueError, match="0 identities to move"):
        one.move("nothing")
    with pytest.raises(CommandError, match="begin with opening:"):
        engine.port.send(one.opening(command_id="opening:x"))
