"""Requests that are odd without being hostile: methods, paths, header variants; each answer is one that HTTP/2 allows."""

import asyncio
import gzip
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest

from tests.chf_http2.charging_bodies import octets, request
from tests.chf_http2.edge.chf_served import PATH, serving

BODY = octets(request())
JSON = ("content-type", "application/json")
ZIPPED = gzip.compress(BODY)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "GET", "PUT", "PATCH", "DELETE", "TRACE", "FOO"])
def test_other_methods_are_refused(method: str) -> None:
    """A client that gets a body to HEAD hangs up: h2 says InvalidBodyLength."""

    async def converse() -> None:
        async with serving() as (served, client):
            for path, status in (("", 405), ("/a/update", 405), ("/a", 404)):
                answer = await client.request(method, served.url + path)
                assert answer.status_code == status
                assert answer.headers.get("allow") == ("POST" if status == 405 else None)
                assert bool(answer.content) == (method != "HEAD")
            assert served.batches == []

    run(converse())


@pytest.mark.parametrize(
    "path",
    [
        "/" + PATH,
        "/%2e" + PATH,
        "/x/%2e%2e" + PATH,
        PATH + "/",
        PATH + "//",
        PATH.upper(),
        PATH + ";a=b",
    ],
)
def test_paths_that_are_nearly_right_are_not_served(path: str) -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            url = httpx.URL(served.url).copy_with(raw_path=path.encode())
            answer = await client.post(url, content=BODY, headers=[JSON])
            assert (answer.status_code, answer.json()["cause"]) == (404, "RESOURCE_URI_STRUCTURE_NOT_FOUND")
            assert served.batches == []

    run(converse())


def test_refs_are_what_they_are_behind_their_percent_signs() -> None:
    """The path is looked at as it is decoded, once, by the router and by tokens alike."""

    async def converse() -> None:
        async with serving() as (served, client):
            created = await client.post(served.url, content=BODY, headers=[JSON])
            ref = created.headers["location"].rpartition("/")[2]
            encoded = "".join(f"%{ord(sign):02x}" for sign in ref)
            for path, status in (
                (f"{PATH}/{encoded}/update", 200),
                (f"{PATH}/{ref}/update?a=b", 200),
                (f"{PATH}/{ref}%00/update", 404),
                (f"{PATH}/{ref}%2f..%2fx/update", 404),
                (f"{PATH}/%25{encoded[1:]}/update", 404),
                (f"{PATH}/%ff%fe/update", 404),
                (f"{PATH}/{ref.upper()}/update", 404),
                (f"{PATH}/{'a' * 8000}/update", 404),
            ):
                url = httpx.URL(served.url).copy_with(raw_path=path.encode())
                answer = await client.post(url, content=octets(request(1)), headers=[JSON])
                assert answer.status_code == status, path

    run(converse())


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([("content-type", "Application/JSON ; charset=utf-8")], BODY, 201),
        ([("content-type", "application/json;")], BODY, 201),
        ([("content-type", "application/problem+json")], BODY, 415),
        ([("content-type", "application/json, text/xml")], BODY, 415),
        ([("content-type", "text/xml"), JSON], BODY, 415),
        ([("content-type", "")], BODY, 415),
        ([], BODY, 415),
        ([JSON, ("te", "trailers"), ("host", "elsewhere.example")], BODY, 201),
        ([JSON, ("content-encoding", "GZIP")], ZIPPED, 201),
        ([JSON, ("content-encoding", "x-gzip")], ZIPPED, 201),
        ([JSON, ("content-encoding", "gzip, gzip")], gzip.compress(ZIPPED), 415),
        ([JSON, ("content-encoding", "deflate")], BODY, 415),
        ([JSON, ("content-encoding", "gzip")], ZIPPED + ZIPPED, 400),
        ([JSON, ("content-encoding", "gzip")], ZIPPED + b"more", 400),
        ([JSON, ("content-encoding", "gzip")], b"", 400),
        ([JSON, ("content-encoding", "gzip")], gzip.compress(b" " * (256 * 1024 - len(BODY)) + BODY), 201),
        ([JSON, ("content-encoding", "gzip")], gzip.compress(b" " * (256 * 1024 - len(BODY) + 1) + BODY), 413),
        ([JSON], b"\xef\xbb\xbf" + BODY, 400),
        ([JSON], BODY + BODY, 400),
        ([JSON], b"", 400),
    ],
)
def test_header_variants(headers: list[tuple[str, str]], body: bytes, status: int) -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            answer = await client.post(served.url, content=body, headers=headers)
            assert answer.status_code == status
            is_refused_coding = status == 415 and "content-encoding" in dict(headers)
            assert (answer.headers.get("accept-encoding") == "gzip") == is_refused_coding

    run(converse())


def test_of_a_member_that_is_there_twice_the_last_counts() -> None:
    async def converse() -> None:
        async with serving() as (served, client):
            for more in (b"", b',"a":' + b"[" * 50 + b"]" * 50):  # a usual body, and one that no kernel reads
                body = BODY[:-1] + b',"invocationSequenceNumber":5' + more + b"}"
                answer = await client.post(served.url, content=body, headers=[JSON])
                assert (answer.status_code, answer.json()["invocationSequenceNumber"]) == (201, 5)

    run(converse())
