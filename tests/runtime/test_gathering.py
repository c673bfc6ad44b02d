"""When a partition's rows wait for others, and when they don't."""

from charging.batch import INITIAL
from runtime.gathering import ENOUGH_REQUESTS, GATHER_NS, WORTH_REQUESTS, Gathering
from tests.runtime.test_overload import Scene, play, types_of


def gathering() -> Gathering:
    return Gathering(lambda after_s, go_on: None)


def test_few_requests_never_wait() -> None:
    """32 sessions of one account, each waiting for its answer, make no batch of more."""
    rule = gathering()
    for _ in range(1000):
        rule.note(32)
        assert rule.wait_ns(queued=1, since_ns=0) == 0


def test_many_requests_wait_for_the_rest_of_a_moment() -> None:
    rule = gathering()
    rule.note(WORTH_REQUESTS)
    assert rule.wait_ns(queued=5, since_ns=0) == GATHER_NS
    assert rule.wait_ns(queued=5, since_ns=GATHER_NS // 4) == GATHER_NS - GATHER_NS // 4
    assert rule.wait_ns(queued=5, since_ns=2 * GATHER_NS) == 0


def test_enough_requests_wait_no_longer() -> None:
    rule = gathering()
    rule.note(2000)
    assert rule.wait_ns(queued=ENOUGH_REQUESTS - 1, since_ns=0) > 0
    assert rule.wait_ns(queued=ENOUGH_REQUESTS, since_ns=0) == 0


def test_a_large_batch_is_forgotten() -> None:
    rule = gathering()
    rule.note(2000)
    for _ in range(200):
        rule.note(1)
    assert rule.wait_ns(queued=1, since_ns=0) == 0


def test_the_next_load_waits() -> None:
    async def work(scene: Scene) -> None:
        await scene.start()
        scene.offer(types_of(100, INITIAL))
        scene.offer(types_of(5, INITIAL))
        scene.world.posts.pop()()  # the load of the first
        (end_of_wait,) = scene.world.posts
        scene.offer(types_of(10, INITIAL))
        assert scene.world.posts == [end_of_wait], "ten more wait, too"
        scene.world.posts.pop()()
        (exchange,) = scene.world.posts
        assert exchange is not end_of_wait
        await scene.settle()
        assert len(scene.outcomes) == 115

    play(work)


def test_a_wait_ends_when_enough_has_gathered() -> None:
    async def work(scene: Scene) -> None:
        await scene.start()
        scene.offer(types_of(100, INITIAL))
        scene.offer(types_of(5, INITIAL))
        scene.world.posts.pop()()
        (end_of_wait,) = scene.world.posts
        scene.offer(types_of(ENOUGH_REQUESTS, INITIAL))
        assert len(scene.world.posts) == 2, "the exchange is under way at once"
        end_of_wait()
        assert len(scene.world.posts) == 2, "and not a second time"
        await scene.settle()
        assert len(scene.outcomes) == 105 + ENOUGH_REQUESTS

    play(work)
