"""Our codec in tests: octets to rows that read well, decided rows to octets."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from charging.batch import UsageBatch, new_answer_batch, new_usage_batch
from gy_interface.cca import ANSWER_SPAN_DTYPE, answer_octets_max, encode_answers, order_answers
from gy_interface.ccr import NEEDS_OCTETS, decode_requests
from gy_interface.codec_rules import new_answer_order, new_answer_rules, new_decode_rules, new_sender
from gy_interface.dictionary import failed_avp_examples, recognised_keys
from gy_interface.final_units import NO_FINAL_AVPS, FinalAvps
from gy_interface.opening_avps import NO_OPENING_AVPS, OpeningAvps
from tests.gy_interface.diameter_octets import split
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

SECRET = np.array([0x0706050403020100, 0x0F0E0D0C0B0A0908], np.uint64)
RECEIVED_NS = 1_790_000_000_000_000_000
HOST, REALM = "ocs.farebox.example", "farebox.example"
KEYS = recognised_keys()


def named(record: Any) -> SimpleNamespace:
    """A structured row as a namespace of ints."""
    return SimpleNamespace(**{name: record[name].item() for name in record.dtype.names})


@dataclass
class Decoded:
    """One request row with what belongs to it."""

    request: SimpleNamespace
    msccs: list[SimpleNamespace]
    identities: list[tuple[int, bytes]]
    session_id: bytes
    origin_host: bytes
    origin_realm: bytes
    service_information: bytes
    failed: bytes

    @property
    def outcome(self) -> Outcome:
        """What decoding found."""
        return Outcome(self.request.outcome or self.request.refusal)


def rows_of(batch: UsageBatch) -> list[Decoded]:
    """The rows of a batch."""

    def octets(offset: int, length: int) -> bytes:
        assert 0 <= offset <= offset + length <= batch.counts[4]
        return batch.octets[offset : offset + length].tobytes()

    rows = []
    for index in range(int(batch.counts[0])):
        row = named(batch.requests[index])
        msccs = [named(batch.msccs[row.mscc_first + place]) for place in range(row.mscc_count)]
        identities = [named(batch.identities[row.identity_first + place]) for place in range(row.identity_count)]
        assert all(child.request == index for child in msccs + identities)
        rows.append(
            Decoded(
                row,
                msccs,
                [(identity.kind, octets(identity.offset, identity.length)) for identity in identities],
                octets(row.session_id_offset, row.session_id_length),
                octets(row.origin_host_offset, row.origin_host_length),
                octets(row.origin_realm_offset, row.origin_realm_length),
                octets(row.service_information_offset, row.service_information_length),
                octets(row.failed_offset, row.failed_length),
            )
        )
    return rows


class Codec:
    """A connection's decoder and the encoder behind it, with one batch."""

    def __init__(
        self,
        *,
        host: str = "",
        realm: str = "",
        tenant: int = 0,
        presence: int = 0,
        is_lenient: bool = False,
        connection: int = 3,
        batch: UsageBatch | None = None,
        finals: FinalAvps = NO_FINAL_AVPS,
        openings: OpeningAvps = NO_OPENING_AVPS,
    ) -> None:
        self.batch = batch or new_usage_batch(64, 2048, 1 << 20)
        self.answers = new_answer_batch(64, 2048)
        self.answer_rules = new_answer_rules(HOST, REALM, failed_avp_examples(), finals, openings)
        self.rules = new_decode_rules(SECRET, KEYS, KEYS, host, realm)
        self.sender = new_sender(connection, 7, 2, tenant, presence, is_lenient)
        self.others = np.zeros((64, 2), np.int64)
        self.consumed = self.others_count = self.why = 0

    def decode(self, octets: bytes) -> list[Decoded]:
        """The rows of a stream, in a batch that was empty."""
        self.batch.counts[:] = 0
        self.append(octets)
        return rows_of(self.batch)

    def append(self, octets: bytes) -> None:
        """More octets into the same batch."""
        received = np.frombuffer(octets, np.uint8).copy()
        self.consumed, self.others_count, self.why = decode_requests(
            received, len(octets), self.batch, self.sender, self.rules, RECEIVED_NS, self.others
        )

    def encode(self, decide: Callable[[Any, Any], None] | None = None) -> list[bytes]:
        """Answers of the rows, in order; GRANTED without units where `decide(answers, mscc answers)` says no other."""
        for index, request in enumerate(self.batch.requests[: self.batch.counts[0]]):
            self.answers.answers[index] = np.zeros((), self.answers.answers.dtype)
            self.answers.answers[index]["outcome"] = request["outcome"] or request["refusal"] or Outcome.GRANTED
        self.answers.msccs[:] = np.zeros((), self.answers.msccs.dtype)
        self.answers.msccs["outcome"] = Outcome.GRANTED
        if decide:
            decide(self.answers.answers, self.answers.msccs)
        rules = self.answer_rules
        order = new_answer_order(16)
        out = np.full(answer_octets_max(rules) + (1 << 20), 0xEE, np.uint8)
        spans = np.zeros(64, ANSWER_SPAN_DTYPE)
        count = order_answers(self.batch, self.answers, order)
        place, _, length = encode_answers(self.batch, self.answers, order, 0, count, rules, out, spans)
        assert place == count
        assert (out[length:] == 0xEE).all(), "written past the end"
        return split(out[:length].tobytes())


def decode_one(octets: bytes, codec: Codec | None = None) -> Decoded:
    """The one row of a whole message."""
    codec = codec or Codec()
    (row,) = codec.decode(octets)
    assert (codec.consumed, codec.others_count, codec.why) == (len(octets), 0, NEEDS_OCTETS)
    return row


def grant(
    mscc: Any, units: int, unit: Unit = Unit.OCTETS, validity_s: int = 0, final_action: int = 0, **terms: int
) -> None:
    """A granted MSCC; `terms` are further columns of ANSWER_MSCC_DTYPE."""
    mscc["outcome"], mscc["has_grant"], mscc["granted"], mscc["unit"] = Outcome.GRANTED, 1, units, unit
    mscc["validity_s"], mscc["final_action"] = validity_s, final_action
    for column, value in terms.items():
        mscc[column] = value
