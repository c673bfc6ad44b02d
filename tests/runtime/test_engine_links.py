"""A front end's links: each row is answered once, or left to its peer's repeat, whatever becomes of engines."""

import asyncio
from pathlib import Path

import pytest

from charging.batch import INITIAL
from charging.final_units import FinalUnit, by_number
from runtime import engine_links, kept_ticks
from tests.runtime.handed_over import START_NS, FrontEnd, StubEngine, tick_of, until
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ANSWER_DEADLINE_S, HANDED_MOVES_MAX
from vocabulary.outcomes import Outcome

GRANTED, TOO_BUSY = int(Outcome.GRANTED), int(Outcome.TOO_BUSY)
UNDER_WAY = 8
HANDED_AGAIN = "gy.rows_handed_again"
DEADLINE_NS = ANSWER_DEADLINE_S * NS_PER_S


def test_rows_go_there_and_answers_come_back(tmp_path: Path) -> None:
    async def play() -> None:
        engine = StubEngine(tmp_path)
        await engine.server.start()
        async with FrontEnd(tmp_path) as front:
            await front.link.wait_up()
            batch = tick_of(range(5))
            batch.requests["outcome"][2] = Outcome.MISSING_AVP
            assert front.link.offer(batch) == 1, "what the codec found wrong is the caller's to answer"
            await until(lambda: engine.taken)
            assert engine.numbers() == [0, 1, 3, 4]
            assert front.link.waiting_rows == 4
            engine.answer(0, rows=slice(1, 3))
            await until(lambda: len(front.answered) == 2)
            assert front.answered == [(1, GRANTED, 1, 1), (3, GRANTED, 3, 3)]
            engine.answer(0)
            await until(lambda: len(front.answered) == 4)
            assert front.answered[2:] == [(0, GRANTED, 0, 0), (4, GRANTED, 4, 0)]
            assert front.link.waiting_rows == 0
            engine.refuses = True
            front.link.offer(tick_of([9]))
            await until(lambda: len(front.answered) == 5)
            assert front.answered[4][:2] == (9, TOO_BUSY)
        engine.server.close()

    asyncio.run(play())


def test_texts_of_final_units_come_before_answers_that_name_them(tmp_path: Path) -> None:
    some, more = (by_number(FinalUnit(filter_id=f"{name} {place}") for place in range(300)) for name in "ab")

    async def play() -> None:
        engine = StubEngine(tmp_path)
        engine.server.use_final_units(some)
        await engine.server.start()
        async with FrontEnd(tmp_path) as front:
            await front.link.wait_up()
            front.link.offer(tick_of([1]))
            await until(lambda: engine.taken)
            assert front.final_units == some
            engine.server.use_final_units(some | more)
            engine.answer(0)
            await until(lambda: front.answered)
            assert front.final_units == some | more
        engine.server.close()

    asyncio.run(play())


@pytest.mark.parametrize("stage", ["nothing taken", "taken", "half answered", "answered but for the last"])
def test_link_cut_with_rows_outstanding(tmp_path: Path, stage: str) -> None:
    """The next engine gets what has no answer, in order, with `moves` raised; every row is answered once."""

    async def play() -> None:
        first, second = StubEngine(tmp_path), StubEngine(tmp_path)
        await first.server.start()
        async with FrontEnd(tmp_path) as front:
            await front.link.wait_up()
            if stage == "nothing taken":
                first.server.stop_reading()
            for tick in range(3):
                front.link.offer(tick_of(range(10 * tick, 10 * tick + 4)))
                if stage != "nothing taken":
                    await until(lambda tick=tick: len(first.taken) > tick)  # type: ignore[misc]
            answered = {"half answered": slice(0, 2), "answered but for the last": slice(0, 3)}.get(stage)
            if answered:
                for tick in range(3):
                    first.answer(tick, rows=answered)
                await until(lambda: len(front.answered) == 3 * answered.stop)
            first.die()
            await until(lambda: not front.link.is_up)
            front.link.offer(tick_of([30, 31]))
            await second.server.start()
            await until(
                lambda: sum(map(len, map(second.numbers, range(len(second.taken))))) + len(front.answered) == 14
            )
            before = [number for number, *_ in front.answered]
            wanted = [n for n in (*range(4), *range(10, 14), *range(20, 24), 30, 31) if n not in before]
            assert [n for tick in range(len(second.taken)) for n in second.numbers(tick)] == wanted
            assert [m for tick in range(len(second.taken)) for m in second.moves(tick)] == [n < 30 for n in wanted]
            ticks_again = sum(any(second.moves(tick)) for tick in range(len(second.taken)))
            assert front.reached.count(HANDED_AGAIN) == ticks_again > 0
            for tick in range(len(second.taken)):
                second.answer(tick)
            await until(lambda: not front.link.waiting_rows)
            assert sorted(n for n, *_ in front.answered) == sorted({*before, *wanted}), "each once"
        second.server.close()

    asyncio.run(play())


def test_rows_are_given_up_behind_their_last_engine_and_refused_by_none_that_they_moved_to(tmp_path: Path) -> None:
    """A refusal of an engine that a row moved to may be untrue: the one before may have decided it."""

    async def pass_through(front: FrontEnd, moves: int) -> None:
        engine = StubEngine(tmp_path)
        await engine.server.start()
        await until(lambda: engine.taken)
        second = [2] * (moves > 1)
        assert (engine.numbers(0), engine.moves(0)) == ([1, *second], [moves, *(moves - 1 for _ in second)])
        if moves == 1:
            front.link.offer(tick_of([2]))
            await until(lambda: len(engine.taken) == 2)
        engine.die()
        await until(lambda: not front.link.is_up)

    async def play() -> None:
        async with FrontEnd(tmp_path) as front:
            front.link.offer(tick_of([1]))
            for moves in range(HANDED_MOVES_MAX + 1):
                await pass_through(front, moves)
            last = StubEngine(tmp_path)
            await last.server.start()
            await until(lambda: last.taken)
            assert last.numbers(0) == [2]
            assert (front.link.given_up_total, front.link.waiting_rows) == (1, 1)
            last.answer(0, Outcome.TOO_BUSY)
            await until(lambda: not front.link.waiting_rows)
            assert front.answered == []
        last.server.close()

    asyncio.run(play())


def test_rows_wait_for_a_link_within_the_grace_and_are_refused_beyond(tmp_path: Path) -> None:
    async def play() -> None:
        async with FrontEnd(tmp_path) as front:
            assert front.link.offer(tick_of([1, 2])) == 0
        async with FrontEnd(tmp_path, grace_s=-1) as front:
            batch = tick_of([1, 2])
            assert front.link.offer(batch) == 2
            assert batch.requests["outcome"][:2].tolist() == [TOO_BUSY] * 2
            assert (front.link.refused_total, front.link.waiting_rows) == (2, 0)

    asyncio.run(play())


def test_deadline_refuses_what_no_engine_had_and_gives_up_what_one_had(tmp_path: Path) -> None:
    async def play() -> None:
        engine = StubEngine(tmp_path)
        await engine.server.start()
        async with FrontEnd(tmp_path) as front:
            await front.link.wait_up()
            front.link.offer(tick_of([1]))
            await until(lambda: engine.taken)
            engine.die()
            await until(lambda: not front.link.is_up)
            front.link.offer(tick_of([2], received_ns=START_NS + 5))
            front.now_ns = START_NS + DEADLINE_NS + 1
            front.link._look()
            assert (front.outcomes(), front.link.waiting_rows) == ([], 2)
            front.now_ns = START_NS + DEADLINE_NS + 6
            front.link._look()
            assert (front.outcomes(), front.link.waiting_rows) == ([(2, TOO_BUSY)], 1)
            front.now_ns = START_NS + 2 * DEADLINE_NS + 1
            front.link._look()
            assert (front.outcomes(), front.link.waiting_rows, front.link.given_up_total) == ([(2, TOO_BUSY)], 0, 1)

    asyncio.run(play())


def test_few_ticks_are_under_way_and_the_others_gather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that answers nothing gets so many ticks; what comes then is one more, once there is room."""
    monkeypatch.setattr(kept_ticks, "HANDED_TICKS_MAX", UNDER_WAY)

    async def play() -> None:
        engine = StubEngine(tmp_path)
        await engine.server.start()
        async with FrontEnd(tmp_path) as front:
            await front.link.wait_up()
            for number in range(UNDER_WAY + 50):
                front.link.offer(tick_of([number]))
            await until(lambda: len(engine.taken) == UNDER_WAY)
            engine.answer(0)
            await until(lambda: len(engine.taken) == UNDER_WAY + 1)
            assert engine.numbers() == list(range(UNDER_WAY, UNDER_WAY + 50))
        engine.server.close()

    asyncio.run(play())


def test_new_sessions_are_refused_first_where_many_rows_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_links, "REQUESTS_QUEUED_NEW_SESSIONS_MAX", 2)
    monkeypatch.setattr(engine_links, "REQUESTS_QUEUED_MAX", 4)

    async def play() -> None:
        async with FrontEnd(tmp_path) as front:
            assert front.link.offer(tick_of([1, 2, 3], type_=INITIAL)) == 0
            assert front.link.offer(tick_of([4], type_=INITIAL)) == 1
            assert front.link.offer(tick_of([5, 6])) == 0
            assert front.link.offer(tick_of([7])) == 1

    asyncio.run(play())


def test_each_row_goes_to_the_owner_of_its_partition(tmp_path: Path) -> None:
    async def play() -> None:
        even, odd = StubEngine(tmp_path, "even", epochs=(5, 0)), StubEngine(tmp_path, "odd", epochs=(0, 6))
        async with FrontEnd(tmp_path, partitions=2) as front:
            front.link.offer(tick_of(range(6)))
            await even.server.start()
            await until(lambda: even.taken)
            assert (even.numbers(), even.moves()) == ([0, 2, 4], [0, 0, 0]), "waiting for an owner is no move"
            assert not front.link.is_up
            assert "engine" in front.link.why_down
            await odd.server.start()
            await until(lambda: odd.taken)
            assert odd.numbers() == [1, 3, 5]
            assert HANDED_AGAIN not in front.reached
            assert front.link.is_up
            odd.answer(0)
            even.answer(0)
            await until(lambda: not front.link.waiting_rows)
            assert sorted(front.outcomes()) == [(number, GRANTED) for number in range(6)]
        even.server.close()
        odd.server.close()

    asyncio.run(play())


def test_rows_of_a_partition_that_moves_wait_for_its_next_owner(tmp_path: Path) -> None:
    """What the first owner had is answered by it; what reaches it behind that comes back, and is nobody's move."""

    async def play() -> None:
        first, second = StubEngine(tmp_path, "first", epochs=(5, 5)), StubEngine(tmp_path, "second", epochs=(0, 0))
        await first.server.start()
        await second.server.start()
        async with FrontEnd(tmp_path, partitions=2) as front:
            await front.link.wait_up()
            front.link.offer(tick_of([0, 1]))
            await until(lambda: first.taken)
            first.epochs[0] = 0  # and before the front end hears of it:
            front.link.offer(tick_of([2]))
            await until(lambda: front.link.moved_total == 1)
            assert not front.link.is_up
            first.server.announce()
            front.link.offer(tick_of([4]))
            first.answer(0)
            await until(lambda: len(front.answered) == 2)
            assert len(first.taken) == 1
            second.own(6, 0)
            await until(lambda: second.taken and front.link.is_up)
            assert (second.numbers(), second.moves()) == ([2, 4], [0, 0])
            assert HANDED_AGAIN not in front.reached
            second.answer(0)
            await until(lambda: not front.link.waiting_rows)
            assert sorted(front.outcomes()) == [(number, GRANTED) for number in (0, 1, 2, 4)]
        first.server.close()
        second.server.close()

    asyncio.run(play())


def test_the_living_engine_gets_what_the_dead_one_had_of_the_partitions_that_it_takes(tmp_path: Path) -> None:
    async def play() -> None:
        dies, lives = StubEngine(tmp_path, "dies", epochs=(5, 0)), StubEngine(tmp_path, "lives", epochs=(0, 5))
        await dies.server.start()
        await lives.server.start()
        async with FrontEnd(tmp_path, partitions=2) as front:
            await front.link.wait_up()
            front.link.offer(tick_of(range(4)))
            await until(lambda: dies.taken and lives.taken)
            dies.die()
            await until(lambda: not front.link.is_up)
            lives.own(6, 5)
            await until(lambda: len(lives.taken) == 2)
            assert (lives.numbers(), lives.moves()) == ([0, 2], [1, 1])
            lives.answer(1)
            lives.answer(0)
            await until(lambda: not front.link.waiting_rows)
            assert sorted(front.outcomes()) == [(number, GRANTED) for number in range(4)]
        lives.server.close()

    asyncio.run(play())


def test_of_two_owners_the_one_of_the_higher_epoch_is_believed(tmp_path: Path) -> None:
    """An engine that hangs still says that it owns what another has claimed; what it answers later is not believed."""

    async def play() -> None:
        hangs, claims = StubEngine(tmp_path, "hangs", epochs=(7,)), StubEngine(tmp_path, "claims", epochs=(0,))
        await hangs.server.start()
        await claims.server.start()
        async with FrontEnd(tmp_path) as front:
            await front.link.wait_up()
            front.link.offer(tick_of([1]))
            await until(lambda: hangs.taken)
            claims.own(8)
            await until(lambda: claims.taken)
            assert (claims.numbers(), claims.moves()) == ([1], [1])
            hangs.answer(0, Outcome.USER_UNKNOWN)
            hangs.own(7)
            front.link.offer(tick_of([2]))
            await until(lambda: len(claims.taken) == 2)
            claims.answer(0)
            claims.answer(1)
            await until(lambda: not front.link.waiting_rows)
            assert front.outcomes() == [(1, GRANTED), (2, GRANTED)]
        hangs.server.close()
        claims.server.close()

    asyncio.run(play())


@pytest.mark.parametrize("what", ["release", "store"])
def test_another_release_or_store_is_refused_in_words(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "release":
        monkeypatch.setattr(engine_links, "fingerprint", lambda: b"o" * 32)
        monkeypatch.setattr(engine_links, "release", lambda: "0.0.9")

    async def play() -> None:
        engine = StubEngine(tmp_path)
        await engine.server.start()
        async with FrontEnd(tmp_path, store=5 if what == "store" else engine.server.store) as front:
            await until(lambda: "refuses" in front.link.why_down)
            assert what in front.link.why_down
            assert ("0.0.9" in front.link.why_down) == (what == "release")
            assert not front.link.is_up
            assert front.link.offer(tick_of([1])) == 0
            assert (engine.links, engine.taken) == (0, [])
        engine.server.close()

    asyncio.run(play())


def test_what_is_no_engine_is_left_again(tmp_path: Path) -> None:
    """Octets that are no frame end the connection; the link tries again and goes on with a real engine."""

    async def play() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request, by a stranger with sixty-four octets at least\r\n\r\n")

        stranger = await asyncio.start_unix_server(answer, tmp_path / "one.engine")
        async with FrontEnd(tmp_path) as front:
            await until(lambda: "doesn't begin as a frame" in front.link.why_down)
            stranger.close()
            engine = StubEngine(tmp_path)
            await engine.server.start()
            await front.link.wait_up()
        engine.server.close()

    asyncio.run(play())
