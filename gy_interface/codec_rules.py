"""What decoding and answering need beside octets: made once a front end or once a connection, in ordinary Python."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.batch import KIND_USAGE, REQUEST_DTYPE
from gy_interface.avp import write_text
from gy_interface.avp_codes import ORIGIN_HOST, ORIGIN_REALM
from gy_interface.final_units import NO_FINAL_AVPS, FinalAvps
from gy_interface.opening_avps import NO_OPENING_AVPS, OpeningAvps
from vocabulary.limits import BATCH_REQUESTS_MAX


class DecodeRules(NamedTuple):
    """What decoding needs of the front end (`new_decode_rules`)."""

    secret: NDArray[np.uint64]  # (2,): of the store, for digest128
    command_keys: NDArray[np.int64]  # sorted vendor << 32 | code: what a CCR may hold with the M bit
    mscc_keys: NDArray[np.int64]  # the same for an MSCC
    host: NDArray[np.uint8]  # our Origin-Host in lower case; empty: any Destination-Host is taken
    realm: NDArray[np.uint8]  # our Origin-Realm in lower case; empty: any Destination-Realm is taken


class Sender(NamedTuple):
    """What a connection gives to each of its rows (`new_sender`)."""

    template: NDArray[np.void]  # REQUEST_DTYPE (1,): connection, connection_epoch, peer, tenant, presence; defaults
    is_lenient: NDArray[np.uint8]  # (1,): unknown AVPs with the M bit are passed over


class AnswerRules(NamedTuple):
    """What the answers of a front end have in common (`new_answer_rules`)."""

    identity: NDArray[np.uint8]  # Origin-Host and Origin-Realm as AVPs
    examples: NDArray[np.int64]  # (k, 2): sorted (vendor << 32 | code, least octets of the payload), for Failed-AVP
    finals: FinalAvps  # what Final-Unit-Indications hold
    openings: OpeningAvps  # what answers that open a session say besides


class AnswerOrder(NamedTuple):
    """Rows to answer, those of a connection next to each other and in the batch's order (`new_answer_order`)."""

    rows: NDArray[np.int32]  # (rows_max,)
    firsts: NDArray[np.int64]  # (connections_max + 1,)


def _octets(text: str) -> NDArray[np.uint8]:
    return np.array(bytearray(text.lower().encode()), np.uint8)


def new_decode_rules(
    secret: NDArray[np.uint64],
    command_keys: Iterable[int],
    mscc_keys: Iterable[int],
    host: str = "",
    realm: str = "",
) -> DecodeRules:
    """Rules of a front end.

    command_keys, mscc_keys   vendor << 32 | code of what is recognised in a CCR and in an MSCC of it
    host, realm               ours: requests for others are answered 3002; "" takes all
    """
    return DecodeRules(
        secret,
        np.array(sorted(command_keys), np.int64),
        np.array(sorted(mscc_keys), np.int64),
        _octets(host),
        _octets(realm),
    )


def new_sender(
    connection: int,
    connection_epoch: int,
    peer: int,
    tenant: int,
    presence: int = 0,
    is_lenient: bool = False,
) -> Sender:
    """The sender of a connection. `presence`: COMMAND_LEVEL_LIMIT, NEVER_COUNTS, ENDS_AT_TARIFF_CHANGE of charging.batch."""
    template = np.zeros(1, REQUEST_DTYPE)
    for name in ("account_id", "slot", "answered", "command_id"):
        template[name] = -1
    for name in ("service_context", "requested_action", "termination_cause"):
        template[name] = -1
    template["connection"] = connection
    template["connection_epoch"] = connection_epoch
    template["peer"] = peer
    template["tenant"] = tenant
    template["presence"] = presence
    template["kind"] = KIND_USAGE
    return Sender(template, np.array([is_lenient], np.uint8))


def new_answer_rules(
    host: str,
    realm: str,
    examples: Mapping[int, int],
    finals: FinalAvps = NO_FINAL_AVPS,
    openings: OpeningAvps = NO_OPENING_AVPS,
) -> AnswerRules:
    """Rules of a front end that answers as `host`, `realm`.

    examples   least octets of the payload by vendor << 32 | code, where that isn't 0: for a Failed-AVP that is made up
    """
    identity = write_text(ORIGIN_HOST, host) + write_text(ORIGIN_REALM, realm)
    return AnswerRules(
        np.array(bytearray(identity), np.uint8),
        np.array(sorted(examples.items()), np.int64).reshape(-1, 2),
        finals,
        openings,
    )


def new_answer_order(connections_max: int, rows_max: int = BATCH_REQUESTS_MAX) -> AnswerOrder:
    """Room to order a batch's rows by connections 0..connections_max - 1."""
    return AnswerOrder(np.zeros(rows_max, np.int32), np.zeros(connections_max + 1, np.int64))
