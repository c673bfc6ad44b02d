"""The relay on both databases, with real receivers: each event once to each hub, in order a resource, whatever they do."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bss.access import Caller
from bss.deliveries import RETRY_S_MAX, Event, retry_s
from bss.edge.database import Database
from bss.edge.relay import TARGET_SLOTS
from bss.hubs import replay_hub, rotate_secret, unregister_hub
from bss.outbox import HUB, OUTBOX
from tests.bss.conftest import NOW_NS, TestClock
from tests.bss.edge.relaying import KIND, deliveries, hub, order_event, relaying
from tests.bss.edge.webhook_target import Message, Reply, webhook_target
from tests.bss.test_webhook_signature import is_signed


def wait_until(what: str, is_true: Callable[[], Any], timeout_s: float = 20.0) -> None:
    ends = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < ends, what
        time.sleep(0.02)  # tidy: another thread's rows are looked at


def states(database: Database, caller: Caller) -> Counter[str]:
    return Counter(row["state"] for row in deliveries(database, caller))


def attempts(database: Database, caller: Caller) -> list[int]:
    return [row["attempts"] for row in deliveries(database, caller)]


def test_an_event_arrives_signed_and_once(database: Database, anyone: Caller) -> None:
    heard: list[Event] = []
    with webhook_target() as target, relaying(database, listeners=(heard.append,)):
        row = hub(database, anyone, target.url("orders"))
        (old,) = row["secrets"]
        new = database.write(anyone, lambda work: rotate_secret(work, hub_id=row["id"]))
        event_id = order_event(database, anyone, "o1")
        message = target.next()
        assert (message.path, message.id) == ("/orders", event_id)
        assert message.body == {
            "eventId": event_id,
            "eventTime": "2027-01-15T08:00:00.000Z",
            "eventType": KIND,
            "event": {"productOrder": {"id": "o1"}},
        }
        assert int(message.headers["webhook-timestamp"]) == NOW_NS // 10**9
        assert all(is_signed(message.headers, message.octets, secret) for secret in (old, new))
        wait_until("it is settled", lambda: states(database, anyone) == {"delivered": 1})
        assert target.got.empty()
    assert [(event.id, event.resource_id) for event in heard] == [(event_id, "o1")]


def test_who_is_told_is_who_asked(database: Database, anyone: Caller) -> None:
    """By tenant, API and kind; what nobody wants is spread to nobody."""
    stranger = Caller("other", "user:eve", anyone.permissions)
    with webhook_target() as target, relaying(database):
        hub(database, anyone, target.url("all"))
        hub(database, anyone, target.url("some"), f"eventType=Other,{KIND}")
        hub(database, anyone, target.url("none"), "eventType=Other")
        hub(database, stranger, target.url("foreign"))
        event_id = order_event(database, anyone, "o1")
        database.write(anyone, lambda work: work.event("X", resource="customer", resource_id="c1"))
        found = sorted((target.next().path, target.got.qsize() >= 0) for _ in range(2))
        wait_until("both are settled", lambda: states(database, anyone) == {"delivered": 2})
        assert [path for path, _ in found] == ["/all", "/some"]
        assert target.got.empty()
        assert deliveries(database, stranger) == []
        assert event_id


def test_a_resource_s_events_arrive_in_order_and_others_don_t_wait(
    database: Database, anyone: Caller, clock: TestClock
) -> None:
    failures = Counter({"o1": 2})

    def answer(message: Message) -> Reply:
        order = message.body["event"]["productOrder"]["id"]
        failures[order] -= 1
        return Reply(500 if failures[order] >= 0 else 204)

    with webhook_target(answer) as target, relaying(database) as relay:
        hub(database, anyone, target.url())
        first = [order_event(database, anyone, "o1") for _ in range(3)]
        others = [order_event(database, anyone, f"p{number}") for number in range(5)]
        relay.wake()
        wait_until("the others are delivered", lambda: states(database, anyone)["delivered"] == 5)
        assert states(database, anyone)["waiting"] == 3, "the first one's successors wait for it"
        for tries in (1, 2):
            wait_until(f"try {tries} is settled", lambda tries=tries: attempts(database, anyone)[0] == tries)  # type: ignore[misc]
            clock.advance(s=60)
            relay.wake()
        wait_until("all are delivered", lambda: states(database, anyone) == {"delivered": 8})
        got = [target.next() for _ in range(target.got.qsize())]
    of_first = [message.id for message in got if message.body["event"]["productOrder"]["id"] == "o1"]
    assert of_first == [first[0]] * 3 + first[1:], "a repeat carries the same id"
    assert {message.id for message in got} == {*first, *others}


def test_a_target_that_hangs_uses_its_own_slots_alone(database: Database, anyone: Caller) -> None:
    with webhook_target(lambda message: None) as silent, webhook_target() as good, relaying(database, timeout_s=2):
        hub(database, anyone, silent.url())
        for number in range(3 * TARGET_SLOTS):
            order_event(database, anyone, f"s{number}")
        wait_until("it hangs", lambda: silent.hanging_max == TARGET_SLOTS)
        # Who registers while events wait to be spread gets those as well.
        wait_until("all are spread", lambda: states(database, anyone).total() == 3 * TARGET_SLOTS)
        hub(database, anyone, good.url())
        began = time.monotonic()
        for number in range(10):
            order_event(database, anyone, f"g{number}")
        assert {good.next().body["event"]["productOrder"]["id"] for _ in range(10)} == {f"g{n}" for n in range(10)}
        assert time.monotonic() - began < 8
        assert silent.hanging_max == TARGET_SLOTS


def test_a_target_that_is_away_for_a_day_is_given_up_and_a_replay_has_it_all_again(
    database: Database, anyone: Caller, clock: TestClock
) -> None:
    answers = [500]
    with webhook_target(lambda message: Reply(answers[0])) as target, relaying(database) as relay:
        row = hub(database, anyone, target.url())
        events = [order_event(database, anyone, "o1"), order_event(database, anyone, "o2")]
        wait_until("both were tried", lambda: attempts(database, anyone) == [1, 1])
        clock.advance(days=1)
        relay.wake()
        wait_until("both are dead", lambda: states(database, anyone) == {"dead": 2})
        assert {each["said"] for each in deliveries(database, anyone)} == {"answered 500"}
        answers[0] = 204
        events.append(order_event(database, anyone, "o3"))
        relay.wake()
        wait_until("the new one arrives", lambda: states(database, anyone) == {"dead": 2, "delivered": 1})
        while not target.got.empty():
            target.got.get()
        database.write(anyone, lambda work: replay_hub(work, hub_id=row["id"], after=events[0]))
        relay.wake()
        assert {target.next().id, target.next().id} == set(events[1:])
        wait_until("they are delivered", lambda: states(database, anyone) == {"dead": 1, "delivered": 2})
        database.write(anyone, lambda work: replay_hub(work, hub_id=row["id"]))
        relay.wake()
        assert {target.next().id for _ in range(3)} == set(events)
        wait_until("all are delivered", lambda: states(database, anyone) == {"delivered": 3})


def test_a_hub_that_came_later_can_have_what_was_before(database: Database, anyone: Caller) -> None:
    with webhook_target() as target, relaying(database) as relay:
        event_id = order_event(database, anyone, "o1")
        relay.wake()
        time.sleep(0.3)  # tidy: nobody is told
        row = hub(database, anyone, target.url())
        database.write(anyone, lambda work: replay_hub(work, hub_id=row["id"]))
        relay.wake()
        assert target.next().id == event_id


def test_an_unregistered_hub_is_told_nothing_more(database: Database, anyone: Caller, clock: TestClock) -> None:
    with webhook_target(lambda message: Reply(500)) as target, relaying(database) as relay:
        row = hub(database, anyone, target.url())
        order_event(database, anyone, "o1")
        target.next()
        wait_until("it was tried", lambda: attempts(database, anyone) == [1])
        database.write(anyone, lambda work: unregister_hub(work, hub_id=row["id"]))
        clock.advance(s=60)
        relay.wake()
        wait_until("it is dead", lambda: states(database, anyone) == {"dead": 1})
        assert target.got.empty()


def test_two_relays_share_the_work_and_send_nothing_twice(database: Database, anyone: Caller) -> None:
    with webhook_target() as target:
        for number in range(3):
            hub(database, anyone, target.url(str(number)))
        events = [order_event(database, anyone, f"o{number % 7}") for number in range(40)]
        with relaying(database, node="relay-1"), relaying(database, node="relay-2"):
            wait_until("all are delivered", lambda: states(database, anyone) == {"delivered": 120}, 40)
        got = [target.next() for _ in range(target.got.qsize())]
    assert Counter((message.path, message.id) for message in got) == Counter(
        {(f"/{number}", event_id): 1 for number in range(3) for event_id in events}
    )


def test_what_a_listener_cannot_take_comes_again_and_holds_up_its_resource_alone(
    database: Database, anyone: Caller
) -> None:
    heard: list[str] = []
    broken = {"o1"}

    def listen(event: Event) -> None:
        if event.resource_id in broken:
            raise RuntimeError("no workflow can be started")
        heard.append(event.id)

    with webhook_target() as target, relaying(database, listeners=(listen,)) as relay:
        hub(database, anyone, target.url())
        first, second, other = (order_event(database, anyone, name) for name in ("o1", "o1", "o2"))
        assert target.next().id == other
        assert heard == [other]
        broken.clear()
        relay.wake()
        assert [target.next().id, target.next().id] == [first, second]
    assert heard == [other, first, second]


def test_a_hub_that_is_no_url_ends_nothing(database: Database, anyone: Caller) -> None:
    with webhook_target() as target, relaying(database):
        row = hub(database, anyone, "http://example.org/")
        database.write(anyone, lambda work: work.change(HUB, row["id"], callback="http://[::1"))
        hub(database, anyone, target.url())
        event_id = order_event(database, anyone, "o1")
        assert target.next().id == event_id
        wait_until("both are settled", lambda: states(database, anyone) == {"dead": 1, "delivered": 1})


def test_old_events_go_with_what_became_of_them(database: Database, anyone: Caller, clock: TestClock) -> None:
    with webhook_target(lambda message: Reply(204 if message.path == "/good" else 500)) as target:
        hub(database, anyone, target.url("good"))
        with relaying(database):
            order_event(database, anyone, "o1")
            wait_until("it is delivered", lambda: states(database, anyone) == {"delivered": 1})
        clock.advance(days=20)
        with relaying(database):
            hub(database, anyone, target.url("bad"))
            order_event(database, anyone, "o2")
            wait_until("it is tried", lambda: sorted(attempts(database, anyone)) == [1, 1, 1])
        clock.advance(days=11)
        with relaying(database):
            wait_until("the old one goes", lambda: len(deliveries(database, anyone)) == 2)
    left = database.read(anyone, lambda work: [row["resource_id"] for row in work.rows(OUTBOX.select())])
    assert left == ["o2"]


@pytest.mark.parametrize(
    ("attempts", "asked_s", "s"), [(1, 0, 5), (2, 0, 10), (5, 0, 80), (1, 120, 120), (99, 0, RETRY_S_MAX)]
)
def test_tries_get_rarer(attempts: int, asked_s: int, s: int) -> None:
    assert retry_s(attempts, asked_s) == s
