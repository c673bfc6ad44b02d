"""Nchf through real HTTP/2: sessions, batches, and what a client may send that is wrong."""

import asyncio
import gzip
import json
import socket
from collections.abc import Coroutine
from typing import Any

import httpx
import msgspec
import pytest

from charging.batch import HAS_REQUESTED, AnswerBatch, UsageBatch
from chf_http2.config import ChfConfig
from chf_http2.features import SUPPORTED_TEXT
from chf_http2.schema import ChargingDataResponse, ProblemDetails
from tests.chf_http2.charging_bodies import octets, request, usage
from tests.chf_http2.edge.chf_served import ACCOUNT, PATH, REFS, Served, grant_all, serving
from vocabulary.outcomes import Outcome

JSON = {"content-type": "application/json"}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


async def post(client: httpx.AsyncClient, url: str, said: Any, **headers: str) -> httpx.Response:
    body = said if isinstance(said, bytes) else octets(said)
    return await client.post(url, content=body, headers=JSON | headers)


def problem_of(response: httpx.Response) -> ProblemDetails:
    assert response.headers["content-type"] == "application/problem+json"
    problem = msgspec.json.decode(response.content, type=ProblemDetails)
    assert problem.status == response.status_code
    return problem


def test_a_session_from_create_to_release() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            url = served.url
            created = await post(client, url, request(0, (usage(10, asks={"totalVolume": 500}),)))
            assert (created.status_code, created.http_version) == (201, "HTTP/2")
            location = created.headers["location"]
            assert location.startswith(url + "/")
            session = REFS.read(location.removeprefix(url + "/"))
            assert session is not None
            assert session.account_id == ACCOUNT
            said = msgspec.json.decode(created.content, type=ChargingDataResponse)
            assert said.invocation_sequence_number == 0
            assert said.multiple_unit_information is not None
            (unit,) = said.multiple_unit_information
            assert (unit.rating_group, unit.result_code, unit.validity_time) == (10, "SUCCESS", 600)
            assert unit.granted_unit is not None
            assert unit.granted_unit.total_volume == 500
            assert unit.triggers is not None
            assert [trigger.trigger_type for trigger in unit.triggers] == ["QUOTA_EXHAUSTED", "VALIDITY_TIME"]
            updated = await post(
                client,
                location + "/update",
                request(1, (usage(10, asks={}, used=({"totalVolume": 500},)) | {"uPFID": "upf-1"},)),
            )
            assert updated.status_code == 200
            (answer,) = updated.json()["multipleUnitInformation"]
            assert (answer["grantedUnit"], answer["uPFID"]) == ({"totalVolume": 1000}, "upf-1")
            released = await post(client, location + "/release", request(2, (usage(10, used=({"totalVolume": 9},)),)))
            assert (released.status_code, released.content) == (204, b"")

    run(converse())


def test_answers_say_when_to_report_as_settings_have_it() -> None:
    """A session's triggers come as it opens; a rating group's beside its quota, or where it is used without."""
    settings = {
        "session_triggers": ("USER_LOCATION_CHANGE", "TIME_LIMIT immediate 3600"),
        "rating_group_triggers": ("RAT_CHANGE",),
        "offline_triggers": ("VOLUME_LIMIT deferred 1073741824",),
    }
    limit = {"triggerType": "VOLUME_LIMIT", "triggerCategory": "DEFERRED_REPORT", "volumeLimit64": 1073741824}

    async def converse() -> None:
        async with serving(**settings) as (served, client):
            created = await post(client, served.url, request(0, (usage(10, asks={}), usage(20))))
            assert created.json()["triggers"] == [
                {"triggerType": "USER_LOCATION_CHANGE", "triggerCategory": "DEFERRED_REPORT"},
                {"triggerType": "TIME_LIMIT", "triggerCategory": "IMMEDIATE_REPORT", "timeLimit": 3600},
            ]
            with_quota, without = created.json()["multipleUnitInformation"]
            kinds = [trigger["triggerType"] for trigger in with_quota["triggers"]]
            assert (kinds, without["triggers"]) == (["QUOTA_EXHAUSTED", "VALIDITY_TIME", "RAT_CHANGE"], [limit])
            used = {"totalVolume": 5, "quotaManagementIndicator": "OFFLINE_CHARGING"}
            reports = (usage(20, used=(used,), asks={}), usage(30, used=({"totalVolume": 5},)), usage(30, used=(used,)))
            updated = await post(client, created.headers["location"] + "/update", request(1, reports))
            assert "triggers" not in updated.json()
            offline, online = updated.json()["multipleUnitInformation"]
            assert (offline["triggers"], "triggers" in online) == ([limit], False), (
                "who reports quota has it not for ever"
            )

    run(converse())


def test_requests_of_a_moment_are_one_batch_and_each_gets_its_own_answer() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            volumes = range(1, 301)
            responses = await asyncio.gather(
                *(
                    post(client, served.url, request(0, (usage(1, asks={"totalVolume": volume}),), chargingId=volume))
                    for volume in volumes
                )
            )
            granted = [
                answer.json()["multipleUnitInformation"][0]["grantedUnit"]["totalVolume"] for answer in responses
            ]
            assert granted == list(volumes)
            assert len({answer.headers["location"] for answer in responses}) == len(volumes)
            assert sum(served.batches) == len(volumes)
            assert len(served.batches) < len(volumes), "requests that come together are not decided one by one"

    run(converse())


@pytest.mark.parametrize(
    ("outcome", "status", "cause", "detail"),
    [
        (Outcome.USER_UNKNOWN, 404, "USER_UNKNOWN", ""),
        (Outcome.UNKNOWN_SESSION_ID, 404, "CONTEXT_NOT_FOUND", ""),
        (Outcome.END_USER_SERVICE_DENIED, 403, "END_USER_REQUEST_DENIED", ""),
        (Outcome.TOO_BUSY, 503, "NF_CONGESTION", ""),
        (Outcome.UNABLE_TO_COMPLY, 400, "CHARGING_FAILED", "32 open sessions, which is the most"),
        (Outcome.INVALID_AVP_VALUE, 400, "MANDATORY_IE_INCORRECT", "had other units"),
    ],
)
def test_outcomes_of_whole_requests_are_problems(outcome: Outcome, status: int, cause: str, detail: str) -> None:
    def refuse(batch: UsageBatch, answers: AnswerBatch) -> None:
        grant_all(batch, answers)
        answers.answers["outcome"][: int(batch.counts[0])] = outcome

    async def converse() -> None:
        async with serving(refuse) as (served, client):
            response = await post(client, served.url, request())
            assert problem_of(response).cause == cause
            assert response.status_code == status
            assert ("retry-after" in response.headers) == (status == 503)
            params = problem_of(response).invalid_params or ()
            is_repeat = outcome is Outcome.INVALID_AVP_VALUE
            assert [param.param for param in params] == (["/invocationSequenceNumber"] if is_repeat else [])
            assert detail in (problem_of(response).detail or "")
            assert bool(problem_of(response).detail) == bool(detail)

    run(converse())


@pytest.mark.parametrize(
    ("body", "status", "cause", "param"),
    [
        (b"", 400, "INVALID_MSG_FORMAT", None),
        (b"{", 400, "INVALID_MSG_FORMAT", None),
        (b"[]", 400, "INVALID_MSG_FORMAT", ""),
        (b"\xff\xfe", 400, "INVALID_MSG_FORMAT", None),
        (b"[" * 100_000, 400, "INVALID_MSG_FORMAT", None),
        (b'{"pDUSessionChargingInformation":' + b'{"userInformation":' * 10_000, 400, "INVALID_MSG_FORMAT", None),
        (b"{}", 400, "MANDATORY_IE_MISSING", "/nfConsumerIdentification"),
        (octets(request(2**32)), 400, "MANDATORY_IE_INCORRECT", "/invocationSequenceNumber"),
        (octets(request(-1)), 400, "MANDATORY_IE_INCORRECT", "/invocationSequenceNumber"),
        (octets(request(1, notifyUri=7)), 400, "OPTIONAL_IE_INCORRECT", "/notifyUri"),
        (octets(request(1, notifyUri="")), 400, "OPTIONAL_IE_INCORRECT", "/notifyUri"),
        (octets(request(1, notifyUri="not a uri")), 400, "OPTIONAL_IE_INCORRECT", "/notifyUri"),
        (octets(request(1, (usage(-1),))), 400, "MANDATORY_IE_INCORRECT", "/multipleUnitUsage/0/ratingGroup"),
        (
            octets(request(1, (usage(1, used=({"totalVolume": -7},)),))),
            400,
            "OPTIONAL_IE_INCORRECT",
            "/multipleUnitUsage/0/usedUnitContainer/0/totalVolume",
        ),
        (
            octets(request(0, (usage(1, asks={"serviceSpecificUnits": 0}),), oneTimeEvent=True)),
            400,
            "OPTIONAL_IE_INCORRECT",
            "/multipleUnitUsage/0/requestedUnit/serviceSpecificUnits",
        ),
    ],
)
def test_bodies_that_are_wrong(body: bytes, status: int, cause: str, param: str | None) -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            response = await post(client, served.url, body)
            problem = problem_of(response)
            assert (problem.status, problem.cause) == (status, cause)
            params = problem.invalid_params
            assert (params[0].param if params else None) == param
            assert (await post(client, served.url, request())).status_code == 201

    run(converse())


def test_what_is_no_json_or_nowhere_or_too_large() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            response = await post(client, served.url, b"<a/>", **{"content-type": "text/xml"})
            assert problem_of(response).status == 415
            with_charset = await post(
                client, served.url, request(), **{"content-type": "application/json; charset=utf-8"}
            )
            assert with_charset.status_code == 201
            response = await client.get(served.url)
            assert problem_of(response).status == 405
            assert response.headers["allow"] == "POST"
            root = served.url.removesuffix(PATH)
            assert (
                problem_of(await post(client, root + "/nchf-convergedcharging/v9/chargingdata", request())).status
                == 404
            )
            unknown = await post(client, f"{served.url}/{'0' * 64}/update", request(1))
            assert problem_of(unknown).cause == "CONTEXT_NOT_FOUND"
            large = json.dumps(request()).encode() + b" " * (256 * 1024)
            assert problem_of(await post(client, served.url, large)).status == 413

            async def pieces() -> Any:
                for _ in range(40):
                    yield b" " * 8192

            response = await client.post(served.url, content=pieces(), headers=JSON)
            assert problem_of(response).status == 413
            assert served.batches == [1]

    run(converse())


def test_a_body_that_drips_is_given_up_and_others_are_served() -> None:
    async def converse() -> None:
        async with serving(body_s=1) as (served, client):

            async def drops() -> Any:
                for _ in range(20):
                    yield b" "
                    await asyncio.sleep(0.3)

            slow = asyncio.ensure_future(client.post(served.url, content=drops(), headers=JSON))
            assert (await post(client, served.url, request())).status_code == 201
            assert problem_of(await slow).status == 408

    run(converse())


def test_a_request_that_nobody_answers_gets_504_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chf_http2.edge.server.ANSWER_DEADLINE_S", 0)

    def stay_silent(batch: UsageBatch, answers: AnswerBatch) -> None:
        answers.answers["is_silent"][: int(batch.counts[0])] = 1

    async def converse() -> None:
        async with serving(stay_silent) as (served, client):
            response = await post(client, served.url, request())
            assert (response.status_code, problem_of(response).cause) == (504, "TIMED_OUT_REQUEST")
            assert served.server.waiting_count == 0

    run(converse())


def test_api_root_and_prefix_are_in_locations() -> None:
    async def converse() -> None:
        async with serving(api_root="https://chf.example:8443", api_prefix="/site-1") as (served, client):
            url = served.url.replace(PATH, "/site-1" + PATH)
            response = await post(client, url, request())
            assert response.headers["location"].startswith(f"https://chf.example:8443/site-1{PATH}/")

    run(converse())


def test_features_are_negotiated_when_a_session_begins() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            created = await post(client, served.url, request(supportedFeatures="3ffff"))
            assert created.json()["supportedFeatures"] == SUPPORTED_TEXT
            updated = await post(client, created.headers["location"] + "/update", request(1, supportedFeatures="3ffff"))
            assert "supportedFeatures" not in updated.json()
            assert "supportedFeatures" not in (await post(client, served.url, request())).json()

    run(converse())


def test_offline_only_reports_and_is_given_nothing() -> None:
    def no_quota_is_wanted(batch: UsageBatch, answers: AnswerBatch) -> None:
        assert not (batch.msccs["presence"][: int(batch.counts[1])] & HAS_REQUESTED).any()
        grant_all(batch, answers)

    async def converse() -> None:
        async with serving(no_quota_is_wanted) as (served, client):
            url = served.url.replace(PATH, "/nchf-offlineonlycharging/v1/offlinechargingdata")
            used = usage(10, asks={"totalVolume": 5}, used=({"totalVolume": 500},))
            created = await post(client, url, request(0, (used,)))
            assert created.status_code == 201
            location = created.headers["location"]
            assert location.startswith(url + "/")
            updated = await post(client, location + "/update", request(1, (used,)))
            assert updated.status_code == 200
            assert "multipleUnitInformation" not in updated.json()
            assert (await post(client, location + "/release", request(2))).status_code == 204
            assert len(served.batches) == 3

    run(converse())


def test_a_session_has_no_ref_below_the_other_service() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            offline = served.url.replace(PATH, "/nchf-offlineonlycharging/v1/offlinechargingdata")
            refs = [
                (await post(client, url, request())).headers["location"].rpartition("/")[2]
                for url in (served.url, offline)
            ]
            assert refs[0][:32] != refs[1][:32], "the same create opens a session of each service"
            odd = octets(request(1))[:-1] + b',"somethingNew":1}'
            for body in (octets(request(1)), odd):  # what a kernel reads, and what Python does
                for operation in ("update", "release"):
                    for url, ref in ((served.url, refs[1]), (offline, refs[0])):
                        answer = await post(client, f"{url}/{ref}/{operation}", body)
                        assert (answer.status_code, problem_of(answer).cause) == (404, "CONTEXT_NOT_FOUND")
                for url, ref in ((served.url, refs[0]), (served.url.replace("v3", "v2"), refs[0]), (offline, refs[1])):
                    assert (await post(client, f"{url}/{ref}/update", body)).status_code == 200

    run(converse())


def test_the_service_describes_itself() -> None:
    async def converse() -> None:
        async with serving(api_prefix="/site-1") as (served, client):
            root = served.url.removesuffix(PATH)
            response = await client.get(f"{root}/site-1/openapi")
            assert response.status_code == 200
            document = response.json()
            assert document["openapi"].startswith("3.0.")
            assert document["servers"] == [{"url": f"{root}/site-1"}]
            assert f"{PATH}/{{ChargingDataRef}}/update" in document["paths"]
            refused = await client.post(f"{root}/site-1/openapi", json={})
            assert problem_of(refused).status == 405
            assert refused.headers["allow"] == "GET, HEAD"
            assert (await client.head(f"{root}/site-1/openapi")).status_code == 200

    run(converse())


def test_bodies_may_be_gzipped_but_not_to_fill_the_memory() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            plain = octets(request())

            async def send(body: bytes, encoding: str = "gzip") -> httpx.Response:
                return await post(client, served.url, body, **{"content-encoding": encoding})

            assert (await send(gzip.compress(plain))).status_code == 201
            assert (await send(plain, "identity")).status_code == 201
            assert problem_of(await send(gzip.compress(bytes(100 << 20)))).status == 413
            assert problem_of(await send(gzip.compress(plain)[:-9])).status == 400
            assert problem_of(await send(plain)).status == 400
            assert problem_of(await send(plain, "br")).status == 415

    run(converse())


def test_an_address_that_cannot_be_had_is_named_with_its_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{port} can't be listened on .*: choose another port, or stop"):
            Served(ChfConfig(host="127.0.0.1", port=port), grant_all)
    for host in ("203.0.113.1", "nowhere.invalid"):
        with pytest.raises(OSError, match=f"{host}:0 can't be listened on .*: choose an address of this host"):
            Served(ChfConfig(host=host, port=0), grant_all)
