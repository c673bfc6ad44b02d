"""Octets laid out by hand from the RFCs, and messages of public captures, decoded to the rows that they mean.

Nothing here was made by our encoder, nor by that of tests/gy_interface/diameter_octets.py: every octet is written down,
so that a mistake which codec and tests share would show.
"""

import json
from typing import Any

import pytest

from charging.batch import (
    HAS_EVENT_TIMESTAMP,
    HAS_REQUESTED,
    HAS_REQUESTED_OCTETS,
    HAS_USED,
    HAS_USED_BEFORE,
    HAS_USED_OCTETS,
    HAS_USED_SECONDS,
    IS_PROXIABLE,
    IS_RETRANSMISSION,
)
from gy_interface.peer_transitions import PeerState
from tests.conformance import grammar
from tests.conformance.another_stack import read
from tests.gy_interface.codec import Codec, decode_one, grant
from tests.gy_interface.peer_messages import START_NS, open_peer, waiting_peer
from tests.reference.specifications import specifications
from vocabulary.instants import from_rfc3339
from vocabulary.outcomes import Outcome


def octets_of(text: str) -> bytes:
    """Hex; what stands behind # is for the reader."""
    return bytes.fromhex("".join(line.split("#")[0] for line in text.splitlines()))


INITIAL = octets_of("""
    01 00 00 f4  c0 00 01 10  00 00 00 04  01 02 03 04  a1 a2 a3 a4   # 244 octets, R P, 272, application 4
    00 00 01 07  40 00 00 0f  61 3b 31 3b 32 3b 7a  00                # Session-Id "a;1;2;z", an octet of padding
    00 00 01 08  40 00 00 0d  67 77 2e 65 78  00 00 00                # Origin-Host "gw.ex"
    00 00 01 28  00 00 00 0a  65 78  00 00                            # Origin-Realm "ex", M not set
    00 00 01 1b  40 00 00 17  66 61 72 65 62 6f 78 2e 65 78 61 6d 70 6c 65  00    # Destination-Realm
    00 00 01 02  40 00 00 0c  00 00 00 04                             # Auth-Application-Id
    00 00 01 cd  40 00 00 16  33 32 32 35 31 40 33 67 70 70 2e 6f 72 67  00 00    # "32251@3gpp.org"
    00 00 01 a0  40 00 00 0c  00 00 00 01                             # CC-Request-Type INITIAL_REQUEST
    00 00 01 9f  40 00 00 0c  00 00 00 00                             # CC-Request-Number
    00 00 00 37  40 00 00 0c  ec 49 7c d0                             # Event-Timestamp
    00 00 01 bb  40 00 00 28                                          # Subscription-Id
        00 00 01 c2  40 00 00 0c  00 00 00 00                         #   Subscription-Id-Type END_USER_E164
        00 00 01 bc  40 00 00 13  34 39 31 37 31 32 33 34 35 36 37  00    #   "49171234567"
    00 00 01 c8  40 00 00 2c                                          # Multiple-Services-Credit-Control
        00 00 01 b5  40 00 00 18                                      #   Requested-Service-Unit
            00 00 01 a5  40 00 00 10  00 00 00 01 00 00 00 00         #     CC-Total-Octets 2**32
        00 00 01 b0  40 00 00 0c  ff ff ff ff                         #   Rating-Group 2**32 - 1
""")
UPDATE = octets_of("""
    01 00 00 e0  d0 00 01 10  00 00 00 04  ff ff ff ff  00 00 00 00   # 224 octets, R P T
    00 00 01 a0  40 00 00 0c  00 00 00 02                             # any order: CC-Request-Type UPDATE_REQUEST
    00 00 01 9f  40 00 00 0c  ff ff ff fe                             # CC-Request-Number 2**32 - 2
    00 00 01 c8  40 00 00 6c                                          # Multiple-Services-Credit-Control
        00 00 01 b7  40 00 00 0c  00 00 00 07                         #   Service-Identifier
        00 00 01 be  40 00 00 48                                      #   Used-Service-Unit
            00 00 01 c4  40 00 00 0c  00 00 00 00                     #     Tariff-Change-Usage UNIT_BEFORE
            00 00 01 a4  40 00 00 0c  00 00 00 3c                     #     CC-Time 60
            00 00 01 9c  40 00 00 10  00 00 00 00 00 00 00 0a         #     CC-Input-Octets 10
            00 00 01 9e  40 00 00 10  00 00 00 00 00 00 00 14         #     CC-Output-Octets 20
            00 00 00 00  00 00 00 08                                  #     AVP 0, empty, no M: passed over
        00 00 03 68  c0 00 00 10  00 00 28 af  00 00 00 03            #   Reporting-Reason QUOTA_EXHAUSTED
    00 00 01 08  40 00 00 0a  67 77  00 00                            # Origin-Host "gw"
    00 00 01 28  40 00 00 09  78  00 00 00                            # Origin-Realm "x"
    00 00 01 1b  40 00 00 09  79  00 00 00                            # Destination-Realm "y"
    00 00 01 02  40 00 00 0c  00 00 00 04                             # Auth-Application-Id
    00 00 01 cd  40 00 00 0b  6f 63 73  00                            # Service-Context-Id "ocs", none of 3GPP's
    00 00 01 07  40 00 00 0c  73 3b 31 3b                             # Session-Id "s;1;", last of all
""")
CAPABILITIES = octets_of("""
    01 00 00 78  80 00 01 01  00 00 00 00  00 00 00 11  00 00 00 12   # 120 octets, CER
    00 00 01 08  40 00 00 0d  67 77 2e 65 78  00 00 00                # Origin-Host "gw.ex"
    00 00 01 28  40 00 00 0a  65 78  00 00                            # Origin-Realm "ex"
    00 00 01 01  40 00 00 0e  00 01 c0 00 02 09  00 00                # Host-IP-Address 192.0.2.9
    00 00 01 0a  40 00 00 0c  00 00 28 af                             # Vendor-Id
    00 00 01 0d  00 00 00 0a  67 77  00 00                            # Product-Name "gw"
    00 00 01 04  40 00 00 20                                          # Vendor-Specific-Application-Id
        00 00 01 0a  40 00 00 0c  00 00 28 af                         #   Vendor-Id
        00 00 01 02  40 00 00 0c  00 00 00 04                         #   Auth-Application-Id
""")
WATCHDOG = octets_of("""
    01 00 00 3c  80 00 01 18  00 00 00 00  00 00 00 13  00 00 00 14   # 60 octets, DWR
    00 00 01 08  40 00 00 0d  67 77 2e 65 78  00 00 00
    00 00 01 28  40 00 00 0a  65 78  00 00
    00 00 01 16  40 00 00 0c  00 00 00 2a                             # Origin-State-Id 42
""")
WATCHDOG_ANSWER = octets_of("""
    01 00 00 60  00 00 01 18  00 00 00 00  00 00 00 13  00 00 00 14   # 96 octets, DWA
    00 00 01 0c  40 00 00 0c  00 00 07 d1                             # Result-Code 2001
    00 00 01 08  40 00 00 1b  6f 63 73 2e 66 61 72 65 62 6f 78 2e 65 78 61 6d 70 6c 65  00
    00 00 01 28  40 00 00 17  66 61 72 65 62 6f 78 2e 65 78 61 6d 70 6c 65  00
    00 00 01 16  40 00 00 0c  6a b1 3b 80                             # Origin-State-Id 1790000000
""")
INITIAL_ANSWER = octets_of("""
    01 00 00 e0  40 00 01 10  00 00 00 04  01 02 03 04  a1 a2 a3 a4   # 224 octets, P, CCA
    00 00 01 07  40 00 00 0f  61 3b 31 3b 32 3b 7a  00                # Session-Id, first
    00 00 01 0c  40 00 00 0c  00 00 07 d1                             # Result-Code 2001
    00 00 01 08  40 00 00 1b  6f 63 73 2e 66 61 72 65 62 6f 78 2e 65 78 61 6d 70 6c 65  00
    00 00 01 28  40 00 00 17  66 61 72 65 62 6f 78 2e 65 78 61 6d 70 6c 65  00
    00 00 01 02  40 00 00 0c  00 00 00 04                             # Auth-Application-Id
    00 00 01 a0  40 00 00 0c  00 00 00 01                             # CC-Request-Type
    00 00 01 9f  40 00 00 0c  00 00 00 00                             # CC-Request-Number
    00 00 01 c8  40 00 00 58                                          # Multiple-Services-Credit-Control
        00 00 01 af  40 00 00 18                                      #   Granted-Service-Unit
            00 00 01 a5  40 00 00 10  00 00 00 01 00 00 00 00         #     CC-Total-Octets
        00 00 01 b0  40 00 00 0c  ff ff ff ff                         #   Rating-Group
        00 00 01 0c  40 00 00 0c  00 00 07 d1                         #   Result-Code
        00 00 01 c0  40 00 00 0c  00 00 0e 10                         #   Validity-Time 3600
        00 00 01 ae  40 00 00 14                                      #   Final-Unit-Indication
            00 00 01 c1  40 00 00 0c  00 00 00 00                     #     Final-Unit-Action TERMINATE
""")
LITERALS = {
    "initial": INITIAL,
    "update": UPDATE,
    "capabilities": CAPABILITIES,
    "watchdog": WATCHDOG,
    "watchdog answer": WATCHDOG_ANSWER,
    "initial answer": INITIAL_ANSWER,
}


@pytest.mark.parametrize("name", LITERALS)
def test_what_was_written_by_hand_is_a_message(name: str) -> None:
    octets = LITERALS[name]
    assert int.from_bytes(octets[1:4], "big") == len(octets)
    if name != "update":  # its AVP 0 is nobody's
        read(octets)


def test_initial_request() -> None:
    row = decode_one(INITIAL)
    request, (mscc,) = row.request, row.msccs
    assert row.outcome == Outcome.UNDECIDED
    assert (row.session_id, row.origin_host, row.origin_realm) == (b"a;1;2;z", b"gw.ex", b"ex")
    assert (request.hop_by_hop, request.end_to_end) == (0x01020304, 0xA1A2A3A4)
    assert (request.request_type, request.request_number, request.service_context) == (1, 0, 32251)
    assert request.event_ns == from_rfc3339("2025-08-15T09:30:56Z")
    assert request.presence == HAS_EVENT_TIMESTAMP | IS_PROXIABLE
    assert row.identities == [(0, b"49171234567")]
    assert (mscc.rating_group, mscc.service_identifier, mscc.requested_octets) == (2**32 - 1, -1, 2**32)
    assert mscc.presence == HAS_REQUESTED | HAS_REQUESTED_OCTETS


def test_update_request() -> None:
    row = decode_one(UPDATE)
    request, (mscc,) = row.request, row.msccs
    assert row.outcome == Outcome.UNDECIDED
    assert (row.session_id, request.request_type, request.request_number) == (b"s;1;", 2, 2**32 - 2)
    assert (request.service_context, request.hop_by_hop, request.end_to_end) == (-1, 2**32 - 1, 0)
    assert request.presence == IS_PROXIABLE | IS_RETRANSMISSION
    assert request.event_ns == request.received_ns
    assert (mscc.rating_group, mscc.service_identifier, mscc.reporting_reason) == (-1, 7, 3)
    assert (mscc.used_octets, mscc.used_seconds) == (30, 60)
    assert mscc.presence == HAS_USED | HAS_USED_OCTETS | HAS_USED_SECONDS | HAS_USED_BEFORE
    assert (mscc.before_octets, mscc.before_seconds) == (30, 60)


def test_initial_answer() -> None:
    codec = Codec()
    codec.decode(INITIAL)
    (answer,) = codec.encode(lambda _, msccs: grant(msccs[0], 2**32, validity_s=3600, final_action=1))
    assert answer == INITIAL_ANSWER
    assert grammar.misfits(INITIAL_ANSWER, grammar.CREDIT_CONTROL_ANSWER) == []


def test_capabilities_and_watchdog() -> None:
    peer = waiting_peer()
    assert peer.receive_octets(CAPABILITIES + WATCHDOG, START_NS) == WATCHDOG
    assert peer.state is PeerState.OPEN
    assert peer.capabilities is not None
    assert (peer.capabilities.origin_host, peer.capabilities.applications) == ("gw.ex", {4})
    other = open_peer()
    other.receive_message(WATCHDOG, START_NS)
    assert other.take_octets() == WATCHDOG_ANSWER


# --- captures ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def captures() -> list[dict[str, Any]]:
    """Messages of public captures with what their AVPs are, as somebody else read them."""
    path = specifications() / "captures" / "diameter-gy" / "gy_messages.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["messages"]
    assert found
    return found


def test_captured_requests_say_what_others_read_in_them(captures: list[dict[str, Any]]) -> None:
    requests = [entry for entry in captures if bytes.fromhex(entry["hex"])[4] & 0x80]
    assert requests
    for entry in requests:
        row = decode_one(bytes.fromhex(entry["hex"]), Codec(is_lenient=True))
        assert row.outcome == Outcome.UNDECIDED, entry["id"]
        data = {avp["code"]: bytes.fromhex(avp["hex"]) for avp in entry["avps"] if avp["depth"] == 0 and "hex" in avp}
        assert (row.session_id, row.origin_host, row.origin_realm) == (data[263], data[264], data[296])
        assert row.request.request_type == int.from_bytes(data[416], "big")
        assert row.request.request_number == int.from_bytes(data[415], "big")
        counted = sum(avp["code"] == 456 and avp["depth"] == 0 for avp in entry["avps"])
        assert len(row.msccs) == counted
        groups = [avp["hex"] for avp in entry["avps"] if avp["code"] == 432 and avp["depth"] == 1]
        assert [mscc.rating_group for mscc in row.msccs] == [int(value, 16) for value in groups]
