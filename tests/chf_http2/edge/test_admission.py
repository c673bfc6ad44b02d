"""Headers over real HTTP/2: access tokens, with keys that change while the server runs, and those of TS 29.500."""

import asyncio
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from charging.batch import AnswerBatch, UsageBatch
from chf_http2.edge import admission, server, token_files
from chf_http2.sbi_headers import timestamp_value
from chf_http2.schema import ProblemDetails
from tests.chf_http2.charging_bodies import octets, request
from tests.chf_http2.edge.chf_served import PATH, grant_all, serving
from tests.chf_http2.token_signing import CONVERGED, NOW_S, OFFLINE_ONLY, bearer, ec_key, public_pem, token

LATER_S = NOW_S * 2
"""When tokens expire here, where the clock is the real one."""
OFFLINE_PATH = "/nchf-offlineonlycharging/v1/offlinechargingdata"


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


async def create(client: httpx.AsyncClient, url: str, authorization: str | None) -> httpx.Response:
    headers = {"content-type": "application/json"} | ({"authorization": authorization} if authorization else {})
    return await client.post(url, content=octets(request()), headers=headers)


def write_key(path: Path, key: Any, age: int = 0) -> str:
    """The public key in a file, with another time each `age`, as an editor would leave it."""
    path.write_bytes(public_pem(key))
    os.utime(path, ns=(age * 10**9, age * 10**9))
    return str(path)


def test_without_keys_nobody_needs_a_token() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            for authorization in (None, "Bearer nonsense"):
                assert (await create(client, served.url, authorization)).status_code == 201

    run(converse())


def test_each_service_needs_a_token_for_it(tmp_path: Path) -> None:
    keys = (write_key(tmp_path / "nrf.pem", ec_key()),)

    async def converse() -> None:
        async with serving(token_keys=keys) as (served, client):
            good = bearer(token(exp=LATER_S))
            assert (await create(client, served.url, good)).status_code == 201
            for authorization, status in (
                (None, 401),
                ("Bearer a.b.c", 401),
                (bearer(token(exp=LATER_S, aud="AMF")), 401),
            ):
                refused = await create(client, served.url, authorization)
                assert refused.status_code == status
                assert refused.headers["content-type"] == "application/problem+json"
                said = msgspec.json.decode(refused.content, type=ProblemDetails)
                assert said.status == status
                assert refused.headers["www-authenticate"].startswith(f'Bearer realm="{CONVERGED}"')
            offline = served.url.replace(PATH, OFFLINE_PATH)
            refused = await create(client, offline, good)
            assert refused.status_code == 403
            assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
            both = bearer(token(exp=LATER_S, scope=f"{CONVERGED} {OFFLINE_ONLY}"))
            assert (await create(client, offline, both)).status_code == 201
            root = served.url.removesuffix(PATH)
            assert (await client.get(f"{root}/openapi")).status_code == 200
            assert sum(served.batches) == 2

    run(converse())


def test_a_token_is_verified_once_and_looked_at_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By kernels from the second time on: until it expires, for its services, and not when another header is beside it."""
    keys = (write_key(tmp_path / "nrf.pem", ec_key()),)
    admitted: list[str] = []
    admit = admission.Admission.admit

    def count(self: Any, headers: Any, *rest: Any) -> Any:
        admitted.append(headers.get("authorization"))
        return admit(self, headers, *rest)

    monkeypatch.setattr(admission.Admission, "admit", count)

    async def converse() -> None:
        async with serving(token_keys=keys) as (served, client):
            good, other = bearer(token(exp=LATER_S)), bearer(token(exp=LATER_S, scope=OFFLINE_ONLY))
            for _ in range(3):
                assert (await create(client, served.url, good)).status_code == 201
            assert admitted == [good]
            assert (await create(client, served.url, other)).status_code == 403
            assert (await create(client, served.url, good[:-1] + "_")).status_code == 401
            assert (await create(client, served.url, good)).status_code == 201
            assert (await create(client, served.url.replace(PATH, OFFLINE_PATH), good)).status_code == 403
            assert len(admitted) == 4
            now_ns = served.server._now_ns
            served.server._now_ns = lambda: now_ns() + 100 * 365 * 86_400 * 10**9
            assert (await create(client, served.url, good)).status_code == 401, "it has expired"

    run(converse())


def test_keys_are_rolled_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_files, "LOOK_NS", 0)
    path = tmp_path / "nrf.pem"
    keys = (write_key(path, ec_key()),)
    former, latter = bearer(token(exp=LATER_S)), bearer(token(ec_key("next"), exp=LATER_S))

    async def becomes(client: httpx.AsyncClient, url: str, authorization: str, status: int) -> None:
        async with asyncio.timeout(20):
            while (await create(client, url, authorization)).status_code != status:
                await asyncio.sleep(0.05)

    async def converse() -> None:
        async with serving(token_keys=keys) as (served, client):
            assert (await create(client, served.url, former)).status_code == 201
            assert (await create(client, served.url, latter)).status_code == 401
            write_key(path, ec_key("next"), 1)
            await becomes(client, served.url, latter, 201)
            assert (await create(client, served.url, former)).status_code == 401
            path.write_bytes(b"half of a")
            served.server.look()
            assert (await create(client, served.url, latter)).status_code == 201, "the former keys stay"
            path.unlink()
            served.server.look()
            assert (await create(client, served.url, latter)).status_code == 201
            write_key(path, ec_key(), 2)
            await becomes(client, served.url, former, 201)

    run(converse())


async def send(client: httpx.AsyncClient, url: str, number: int = 0, **headers: str) -> httpx.Response:
    """A request with some 3gpp-Sbi headers, named by their last words."""
    named = {"3gpp-Sbi-" + name.replace("_", "-"): value for name, value in headers.items()}
    said = request(number)
    return await client.post(url, content=octets(said), headers={"content-type": "application/json"} | named)


def test_who_waits_no_more_is_told_so_and_not_charged() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            before = timestamp_value(time.time_ns() - 5 * 10**9)
            late = await send(client, served.url, Max_Rsp_Time="500", Sender_Timestamp=before)
            assert (late.status_code, late.json()["cause"]) == (504, "TIMED_OUT_REQUEST")
            assert late.headers["3gpp-sbi-response-info"] == "no-retry=true"
            assert served.batches == []
            wrong_clock = {"Max_Rsp_Time": "20000", "Sender_Timestamp": "Sun, 29 Nov 2020 01:03:04.123 GMT"}
            soon = {"Max_Rsp_Time": "soon", "Sender_Timestamp": before}
            for headers in ({"Max_Rsp_Time": "20000"}, soon, {"Sender_Timestamp": before}, wrong_clock):
                assert (await send(client, served.url, **headers)).status_code == 201

    run(converse())


def test_an_answer_that_comes_too_late_is_none() -> None:
    def think(usage: UsageBatch, answers: AnswerBatch) -> None:
        time.sleep(0.2)  # tidy: the engine takes longer than the client gives it
        grant_all(usage, answers)

    async def converse() -> None:
        async with serving(think) as (served, client):
            late = await send(client, served.url, Max_Rsp_Time="100", Correlation_Info="imsi-1")
            assert (late.status_code, late.json()["cause"]) == (504, "TIMED_OUT_REQUEST")
            assert late.headers["3gpp-sbi-correlation-info"] == "imsi-1"
            assert sum(served.batches) == 1, "it was decided"
            assert "3gpp-sbi-response-info" not in late.headers, "so it may be sent again, and gets its answer"
            assert (await send(client, served.url, Max_Rsp_Time="20000")).status_code == 201

    run(converse())


def test_an_answer_that_never_comes_is_not_waited_for_longer_than_was_asked() -> None:
    def stay_silent(usage: UsageBatch, answers: AnswerBatch) -> None:
        answers.answers["is_silent"][: int(usage.counts[0])] = 1

    async def converse() -> None:
        async with serving(stay_silent) as (served, client):
            began = asyncio.get_running_loop().time()
            late = await send(client, served.url, Max_Rsp_Time="100")
            assert (late.status_code, "3gpp-sbi-response-info" in late.headers) == (504, False)
            assert asyncio.get_running_loop().time() - began < 5

    run(converse())


def test_correlation_is_echoed_in_every_answer_and_nothing_else_is() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            info = "imsi-262010000000001; msisdn-491700000001"
            created = await send(client, served.url, Correlation_Info=info, Target_apiRoot="http://x", Unheard_Of="y")
            location = created.headers["location"]
            answers = [
                created,
                await send(client, location + "/update", 1, Correlation_Info=info),
                await send(client, location + "/release", 2, Correlation_Info=info),
                await send(client, f"{served.url}/0/update", 1, Correlation_Info=info),
            ]
            assert [answer.status_code for answer in answers] == [201, 200, 204, 404]
            for answer in answers:
                said = {name: value for name, value in answer.headers.items() if name.startswith("3gpp")}
                assert said == {"3gpp-sbi-correlation-info": info}
            plain = await send(client, served.url, Correlation_Info="imsi-1\tx")
            assert plain.status_code == 201
            assert "3gpp-sbi-correlation-info" not in plain.headers

    run(converse())


def test_headers_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    names = ("3gpp-sbi-max-rsp-time", "3gpp-sbi-sender-timestamp", "3gpp-sbi-correlation-info", "x")
    headers = [(name.encode(), b"\xff\xfe\x80") for name in names] + [(b"content-type", b"application/json")]

    async def converse() -> None:
        async with serving() as (served, client):
            answer = await client.post(served.url, content=octets(request()), headers=headers)
            assert answer.status_code == 201
        async with serving(token_keys=(write_key(tmp_path / "nrf.pem", ec_key()),)) as (served, client):
            headers.append((b"authorization", b"Bearer \xff.\xfe.\x80"))
            answer = await client.post(served.url, content=octets(request()), headers=headers)
            assert answer.status_code == 401

    run(converse())


def test_under_congestion_new_sessions_that_matter_less_are_refused_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "CONGESTED_FROM", 0)
    monkeypatch.setattr(server, "CONGESTED_FROM", 0)
    monkeypatch.setattr(admission, "priority_taken", lambda waiting_count: 23)

    async def converse() -> None:
        async with serving() as (served, client):
            created = await send(client, served.url, Message_Priority="23")
            assert created.status_code == 201
            for priority in ("24", "31", "nonsense", ""):
                refused = await send(client, served.url, Message_Priority=priority)
                assert (refused.status_code, refused.json()["cause"]) == (503, "NF_CONGESTION")
                assert refused.headers["retry-after"] == "1"
            assert (await send(client, served.url)).status_code == 503
            update = await send(client, created.headers["location"] + "/update", 1, Message_Priority="31")
            assert update.status_code == 200, "what is open goes on"

    run(converse())
