"""Each Result-Code of the peer's mistakes through a real socket: the connection stays where the RFC lets it, else it ends."""

import asyncio
import random

import pytest

from tests.conformance import grammar
from tests.conformance.grammar import misfits
from tests.conformance.test_answers import FAULTS, REFUSED, answer
from tests.gy_interface.codec import HOST, REALM
from tests.gy_interface.diameter_octets import avp, ccr, group, message, split, u32
from tests.gy_interface.edge.served import run, serving
from tests.gy_interface.edge.test_server import check, gone, request
from tests.gy_interface.peer_messages import base, cer, data_of, dpr, dwr, result_of

WHOLE = (
    dwr(),
    dpr(),
    ccr(group(456, u32(432, 1))),
    cer(),
    base(999, avp(4711, b"x")),
    message(u32(268, 2001), flags=0),
)


def test_codes_that_keep_the_connection() -> None:
    async def test() -> None:
        async with serving() as served:
            client = await served.peer()
            codes = set()
            for octets, code, failed in FAULTS.values():
                client.send(octets)
                found = await client.message()
                assert found == answer(octets, host=HOST, realm=REALM), "the socket changes nothing"
                assert (result_of(found), data_of(found, 279)) == (code, [] if failed is None else [failed])
                codes.add(code)
            for octets, code in REFUSED.values():
                client.send(octets)
                found = await client.message()
                assert (result_of(found), misfits(found, grammar.ERROR_ANSWER)) == (code, [])
                codes.add(code)
            client.send(request(1))
            check(await client.message(), 1)
            client.send(dpr())
            assert result_of(await client.message()) == 2001
            client.send(request(2))
            check(await client.message(), 2)
            await client.close()
            assert codes == {3001, 3002, 3007, 3008, 3010, 5001, 5004, 5005, 5009, 5014}
            assert served.engine.requests == len(FAULTS) + 2

    run(test())


@pytest.mark.parametrize(
    ("octets", "code"),
    [(b"\x02" + ccr()[1:], 5011), (b"\x01\xff\xff\xfc" + ccr()[4:], 5015), (b"\x01\x00\x00\x12" + ccr()[4:], 5015)],
    ids=["version", "too long", "too short"],
)
def test_codes_that_end_the_connection(octets: bytes, code: int) -> None:
    async def test() -> None:
        async with serving() as served:
            client = await served.peer()
            client.send(octets)
            (found,) = split(await client.rest())
            assert (result_of(found), misfits(found, grammar.ERROR_ANSWER)) == (code, [])
            await client.close()
            await gone(served)

    run(test())


@pytest.mark.parametrize("seed", range(3))
def test_damaged_streams_hurt_nobody_else(seed: int) -> None:
    draw = random.Random(seed)

    def damaged() -> bytes:
        octets = bytearray(b"".join(draw.choices(WHOLE, k=draw.randint(1, 12))))
        for _ in range(draw.randint(0, 6)):
            octets[draw.randrange(len(octets))] = draw.randrange(256)
        return bytes(octets[: draw.randint(1, len(octets))])

    async def test() -> None:
        faults = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with serving() as served:
            healthy = await served.peer()
            for number in range(60):
                hostile = await served.peer() if draw.random() < 0.8 else await served.connect()
                hostile.send(damaged())
                if draw.random() < 0.5:
                    hostile.writer.write_eof()
                    await hostile.rest()
                    await hostile.close()
                else:
                    hostile.drop()
                healthy.send(request(number))
                check(await healthy.message(), number)
            await healthy.leave()
            await gone(served)
        assert faults == [], f"seed {seed}"

    run(test())
