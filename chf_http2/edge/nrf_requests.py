"""Requests to the NRF over HTTP/2, with prior knowledge or TLS, each with a limit of time; redirections are followed."""

import asyncio
import ssl
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from chf_http2.config import ChfConfig
from chf_http2.nrf_config import NrfConfig
from chf_http2.sbi_headers import MAX_RSP_TIME, SENDER_TIMESTAMP, timestamp_value

WAIT_S: Final = 5.0
REDIRECTIONS_MAX: Final = 3
ANSWER_OCTETS_MAX: Final = 1 << 20
_BASE: Final = "/nnrf-nfm/v1"
_JSON: Final = "application/json"
PATCH: Final = "application/json-patch+json"


class NrfAway(Exception):
    """No answer that is one; the message says why."""


class NrfAnswer(NamedTuple):
    """What the NRF answered."""

    status: int
    body: bytes
    retry_after_s: int


class NrfRequests:
    """Asks one NRF; a permanent redirection (308) is remembered (TS 29.500 §6.10.9)."""

    def __init__(self, config: NrfConfig, chf: ChfConfig, nf_instance_id: str) -> None:
        """OSError, ssl.SSLError: certificates can't be read."""
        self._root = config.url + _BASE
        self._verify = _tls(config, chf) if config.url.startswith("https") else False
        self._headers = {"user-agent": f"CHF-{nf_instance_id}", "accept": f"{_JSON}, application/problem+json"}
        self._client = self._new_client()

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            http1=False,
            http2=True,
            trust_env=False,
            timeout=WAIT_S,
            verify=self._verify,
            headers=self._headers,
        )

    async def ask(self, method: str, path: str, said: Any = None, *, now_ns: int, media_type: str = _JSON) -> NrfAnswer:
        """The answer, whatever its status. NrfAway."""
        content = None if said is None else msgspec.json.encode(said)
        headers = {SENDER_TIMESTAMP: timestamp_value(now_ns), MAX_RSP_TIME: str(int(WAIT_S * 1000))}
        if content is not None:
            headers["content-type"] = media_type
        url = self._root + path
        for _ in range(REDIRECTIONS_MAX + 1):
            answer, location = await self._send(method, url, content, headers)
            if not location:
                return answer
            url = str(httpx.URL(url).join(location))
            if answer.status == 308 and url.endswith(path):
                self._root = url.removesuffix(path)
        raise NrfAway(f"more than {REDIRECTIONS_MAX} redirections")

    async def _send(
        self, method: str, url: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[NrfAnswer, str]:
        """The answer, and where it sends us."""
        body = bytearray()
        try:
            async with (
                asyncio.timeout(WAIT_S),
                self._client.stream(method, url, content=content, headers=headers) as answer,
            ):
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > ANSWER_OCTETS_MAX:
                        raise NrfAway(f"an answer of more than {ANSWER_OCTETS_MAX} octets")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, NrfAway) as error:
            # A connection that the NRF has given up is tried again by the client, over and over: begin with a new one.
            broken, self._client = self._client, self._new_client()
            await broken.aclose()
            raise NrfAway(str(error) or type(error).__name__) from None
        location = answer.headers.get("location", "") if answer.status_code in (307, 308) else ""
        retry_after = answer.headers.get("retry-after", "")
        is_number = retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6
        return NrfAnswer(answer.status_code, bytes(body), int(retry_after) if is_number else 0), location

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


def _tls(config: NrfConfig, chf: ChfConfig) -> ssl.SSLContext:
    """Our certificate is the server's, where it has one (TS 33.501 §13.1)."""
    context = ssl.create_default_context(cafile=config.tls_ca or None)
    if chf.tls_certificate:
        context.load_cert_chain(chf.tls_certificate, chf.tls_key)
    return context
