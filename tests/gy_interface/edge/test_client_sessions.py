"""Sessions of Open5GS, Magma, erGW and Kamailio through a real socket of a strict server (clients.md 6a to 6d)."""

from collections.abc import Iterable

from gy_interface.config import PeerConfig
from tests.conformance import grammar
from tests.conformance.another_stack import read
from tests.conformance.grammar import misfits
from tests.gy_interface.client_messages import INITIAL, TERMINATION, UPDATE, Magma, Open5gs, ergw, kamailio
from tests.gy_interface.diameter_octets import avps_of
from tests.gy_interface.edge.served import run, serving, settings
from tests.gy_interface.peer_messages import codes, data_of, result_of

CONFIG = settings(
    open5gs=PeerConfig(origin_hosts=("smf.epc.mnc001.mcc001.3gppnetwork.org",)),
    magma=PeerConfig(origin_hosts=("magma.example",)),
    ergw=PeerConfig(origin_hosts=("ergw.example",)),
    kamailio=PeerConfig(origin_hosts=("scscf.ims.example",)),
)


def open5gs() -> tuple[str, list[bytes]]:
    client = Open5gs()
    return "smf.epc.mnc001.mcc001.3gppnetwork.org", [
        client.send(INITIAL),
        client.send(UPDATE, seconds=10, up=400_000, down=600_000, reason=3),
        client.send(UPDATE, seconds=10, up=1, down=2, reason=4),
        client.send(TERMINATION, seconds=1, up=5, down=6),
    ]


def magma() -> tuple[str, list[bytes]]:
    client = Magma()
    return "magma.example", [
        client.send(INITIAL, {1: (0, 0), 2: (0, 0)}),
        client.send(UPDATE, {1: (10, 20)}, reason=3, has_host=True),
        client.send(UPDATE, {2: (10, 20)}, reason=4),
        client.send(TERMINATION, {1: (1, 2), 2: (3, 4)}, reason=2),
    ]


def erlang() -> tuple[str, list[bytes]]:
    return "ergw.example", [ergw(INITIAL, 0), ergw(UPDATE, 1), ergw(TERMINATION, 2)]


def voice() -> tuple[str, list[bytes]]:
    return "scscf.ims.example", [kamailio(INITIAL, 0), kamailio(UPDATE, 1), kamailio(TERMINATION, 2)]


def services(octets: bytes) -> list[list[int]]:
    """Codes within each MSCC of an answer."""
    return [[code for code, *_ in avps_of(data)] for data in data_of(octets, 456)]


async def converse(host: str, requests: Iterable[bytes]) -> list[bytes]:
    """Answers to a session's requests, each looked at as any client would."""
    answers = []
    async with serving(CONFIG) as served:
        client = await served.peer(host)
        for request in requests:
            client.send(request)
            answer = await client.message()
            assert answer[12:20] == request[12:20]
            assert result_of(answer) == 2001
            assert codes(answer)[0] == 263, "Session-Id is the first"
            assert codes(answer).index(263) < codes(answer).index(264)
            for code in (263, 415, 416):
                assert data_of(answer, code) == data_of(request, code)
            assert misfits(answer, grammar.CREDIT_CONTROL_ANSWER) == []
            read(answer)
            answers.append(answer)
        await client.leave()
    return answers


def test_open5gs_gets_one_mscc_without_the_ids_that_it_did_not_send() -> None:
    async def test() -> None:
        answers = await converse(*open5gs())
        assert [services(answer) for answer in answers] == [[[431, 268]]] * 3 + [[[268]]]

    run(test())


def test_magma_gets_every_mscc_with_rating_group_and_result() -> None:
    async def test() -> None:
        answers = await converse(*magma())
        assert [len(services(answer)) for answer in answers] == [2, 1, 1, 2]
        assert all({432, 439, 268} <= set(service) for answer in answers for service in services(answer))
        assert all(
            (431 in service) == (answer is not answers[-1]) for answer in answers for service in services(answer)
        )

    run(test())


def test_ergw_gets_rating_group_and_result() -> None:
    async def test() -> None:
        answers = await converse(*erlang())
        assert [services(answer) for answer in answers] == [[[431, 432, 268]]] * 2 + [[[432, 268]]]

    run(test())


def test_kamailio_is_served_with_its_two_realms_and_hosts() -> None:
    async def test() -> None:
        answers = await converse(*voice())
        assert [services(answer) for answer in answers] == [[[431, 439, 432, 268]]] * 2 + [[[439, 432, 268]]]

    run(test())
