"""HTTP/2 clients that aren't ours or Python's make whole sessions: curl, nghttp, h2load; httpx beside them.

Each talks to the front end in front of a real engine; its books are audited in the end.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chf_http2.charging_bodies import octets, request, usage
from tests.conformance.whole_chf import SERVICE, FrontEnd, supi_of, whole_chf
from tests.scenarios.sockets import READY_WITHIN_S

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(READY_WITHIN_S + 120)]

CLIENT_S = 60
ASKED = 100
H2LOAD_REQUESTS = 5000
PACKAGES = {"curl": "curl", "nghttp": "nghttp2-client", "h2load": "nghttp2-client"}

Exchange = tuple[int, dict[str, str], bytes]
"""Status, headers with names in lower case, body."""
Post = Callable[[str, Path], Exchange]


@pytest.fixture(scope="module")
def front_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontEnd]:
    with whole_chf(tmp_path_factory.mktemp("whole")) as serving:
        yield serving


def tool(name: str) -> str:
    """A program's path; the test fails where it isn't installed."""
    found = shutil.which(name)
    assert found, f"no {name}: apt-get install {PACKAGES[name]}"
    return found


def run(*command: str) -> str:
    """What a program says, which must end well."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=CLIENT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def post_with_curl(url: str, body: Path) -> Exchange:
    said = run(
        tool("curl"), "-sS", "-i", "--http2-prior-knowledge", "-H", "content-type: application/json",
        "--data-binary", f"@{body}", url,
    )  # fmt: skip
    head, _, content = said.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.splitlines()
    assert first.startswith("HTTP/2 "), said
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, content.encode()


def post_with_nghttp(url: str, body: Path) -> Exchange:
    said = run(tool("nghttp"), "-v", "--no-dep", "-H", "content-type: application/json", "-d", str(body), url)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    headers = dict(re.findall(r"recv \(stream_id=\d+(?:, sensitive)?\) (:?[a-z0-9-]+): (.*)", plain))
    content = re.search(r"^\{.*?\}(?=\[|$)", plain, re.MULTILINE)
    return int(headers[":status"]), headers, content[0].encode() if content else b""


def post_with_httpx(url: str, body: Path) -> Exchange:
    with httpx.Client(http1=False, http2=True, trust_env=False, timeout=CLIENT_S) as client:
        answer = client.post(url, content=body.read_bytes(), headers={"content-type": "application/json"})
    assert answer.http_version == "HTTP/2"
    return answer.status_code, dict(answer.headers), answer.content


def charging_body(number: int, account: int, **more: Any) -> dict[str, Any]:
    """Ask for octets of a rating group that has a price; what was asked before is reported as used."""
    used: tuple[dict[str, Any], ...] = ({"totalVolume": ASKED},) if number else ()
    return request(
        number,
        (usage(10, asks={"totalVolume": ASKED}, used=used),),
        subscriberIdentifier=supi_of(account),
        serviceSpecificationInfo=SERVICE,
        **more,
    )


@pytest.mark.parametrize(
    ("account", "post"),
    list(enumerate([post_with_curl, post_with_nghttp, post_with_httpx])),
    ids=["curl", "nghttp", "httpx"],
)
def test_a_session(front_end: FrontEnd, tmp_path: Path, account: int, post: Post) -> None:
    body = tmp_path / "body"

    def ask(url: str, number: int) -> Exchange:
        body.write_bytes(octets(charging_body(number, account)))
        return post(url, body)

    status, headers, content = ask(front_end.url, 0)
    assert (status, headers["content-type"]) == (201, "application/json")
    location = headers["location"]
    assert location.startswith(f"{front_end.url}/")
    for number in (1, 2):
        (unit,) = json.loads(content)["multipleUnitInformation"]
        assert (unit["resultCode"], unit["grantedUnit"]) == ("SUCCESS", {"totalVolume": ASKED})
        status, headers, content = ask(f"{location}/update", number)
        assert (status, headers["content-type"]) == (200, "application/json")
        assert json.loads(content)["invocationSequenceNumber"] == number
    status, headers, content = ask(f"{location}/release", 3)
    assert (status, content) == (204, b"")
    status, headers, content = ask(f"{location}/release", 4)
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert json.loads(content)["cause"] == "CONTEXT_NOT_FOUND"


def h2load(url: str, body: Path, requests: int) -> tuple[int, int]:
    """(succeeded, answered 2xx) of so many requests on 4 connections, up to 50 streams at a time on each."""
    said = run(
        tool("h2load"), "-n", str(requests), "-c", "4", "-m", "50", "-d", str(body),
        "-H", "content-type: application/json", url,
    )  # fmt: skip
    succeeded = re.search(r"(\d+) succeeded", said)
    done = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", said)
    assert succeeded, said
    assert done, said
    return int(succeeded[1]), int(done[1])


def test_h2load(front_end: FrontEnd, tmp_path: Path) -> None:
    """Thousands of creates with one body are one session, whose answer is repeated; updates and the release likewise."""
    body = tmp_path / "body"
    body.write_bytes(octets(charging_body(0, 3)))
    assert h2load(front_end.url, body, H2LOAD_REQUESTS) == (H2LOAD_REQUESTS, H2LOAD_REQUESTS)
    _, headers, _ = post_with_httpx(front_end.url, body)
    location = headers["location"]
    body.write_bytes(octets(charging_body(1, 3)))
    assert h2load(f"{location}/update", body, H2LOAD_REQUESTS) == (H2LOAD_REQUESTS, H2LOAD_REQUESTS)
    body.write_bytes(octets(charging_body(2, 3)))
    assert h2load(f"{location}/release", body, H2LOAD_REQUESTS) == (H2LOAD_REQUESTS, H2LOAD_REQUESTS)
