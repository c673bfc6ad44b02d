"""The 5G front end's part of the rehearsal: a session over real HTTP/2, answered by an engine of three lines.

A create is read and answered by kernels, an update of odd headers, bodies of odd form and a request for the description by
Python; what serving calls only when something goes wrong is called on streams that aren't there.
"""

import asyncio
from typing import Final

import numpy as np

from charging.batch import AnsweredBatch, UsageBatch, new_answer_batch
from charging.batch_rows import hold_answered
from chf_http2.access_tokens import Verified
from chf_http2.charging_data_ref import Refs
from chf_http2.config import ChfConfig
from chf_http2.edge.server import ChfServer
from chf_http2.routes import OPENAPI, SERVICES
from chf_http2.streams.transfer import reset
from runtime.clock import SystemClock
from vocabulary.held import Held
from vocabulary.outcomes import Outcome

_GONE: Final = 0xFFFF
"""A ticket of no stream."""
_TENANT: Final = 1
_GREETING: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_DATA, _HEADERS, _END_STREAM, _END_HEADERS = 0, 1, 1, 4
_BODY: Final = (
    b'{"nfConsumerIdentification":{"nodeFunctionality":"SMF"},"invocationTimeStamp":"2026-01-01T00:00:00Z",'
    b'"invocationSequenceNumber":0,"subscriberIdentifier":"imsi-1",'
    b'"multipleUnitUsage":[{"ratingGroup":1,"uPFID":"upf-1","requestedUnit":{}}]}'
)
_CREATE: Final = f"/{SERVICES[0].name}/{SERVICES[0].version}/{SERVICES[0].collection}"


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _request(stream: int, method: str, path: str, body: bytes, *more: tuple[str, str]) -> bytes:
    """A request whose headers are all literals (RFC 7541 §6.2.2)."""
    headers = [(":method", method), (":scheme", "http"), (":authority", "rehearsal"), (":path", path), *more]
    block = b"".join(
        b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode() for name, value in headers
    )
    head = _frame(_HEADERS, _END_HEADERS | (0 if body else _END_STREAM), stream, block)
    return head + (_frame(_DATA, _END_STREAM, stream, body) if body else b"")


async def rehearse_chf(clock: SystemClock) -> None:
    """Serve a session. What fails raises, as serving would."""

    def grant(batch: UsageBatch) -> int:
        answered: Held[AnsweredBatch] = hold_answered(batch, new_answer_batch())
        count, msccs = int(batch.counts[0]), int(batch.counts[1])
        batch.requests["account_id"][:count] = 1
        answered.value.answers.answers["outcome"][:count] = Outcome.GRANTED
        answered.value.answers.msccs["outcome"][:msccs] = Outcome.GRANTED
        server.deliver(answered)
        return 0

    secret = np.zeros(2, np.uint64)
    server = ChfServer(ChfConfig(port=0), offer=grant, now_ns=clock.now_ns, tenant=_TENANT, secret=secret)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    json = ("content-type", "application/json")
    refs = Refs(secret, _TENANT)
    update = f"{_CREATE}/{refs.make(refs.name_of(b''), 1)}/update"
    writer.write(_GREETING + _request(1, "POST", _CREATE, _BODY, json))
    await reader.readuntil(b"multipleUnitInformation")
    writer.write(_request(3, "POST", update, _BODY, json, ("3gpp-sbi-correlation-info", "imsi-1")))
    await reader.readuntil(b"invocationTimeStamp")
    odd = _BODY.replace(b"imsi-1", rb"imsi-\u0031")
    writer.write(_request(5, "POST", update, odd, json) + _request(7, "POST", _CREATE, odd, json))
    for _ in range(2):
        await reader.readuntil(b"invocationTimeStamp")
    writer.write(_request(9, "GET", OPENAPI, b""))
    await reader.readuntil(b"openapi")
    server.use_final_units({})
    server.look()
    reset(server.streams_octets, _GONE, 0)
    server.learn_token("Bearer", Verified(0, frozenset()))
    server.forget_tokens()
    writer.close()
    await server.close()


def rehearse_alone() -> None:
    """Only this part, in a process that compiles beside the one which rehearses all."""
    asyncio.run(rehearse_chf(SystemClock()))
