"""Answers of every type as another dissector sees them: tshark has no warning or error about any of them.

A Failed-AVP repeats the peer's own AVP, damage and all, or shows an empty one of what is missing (RFC 6733 §7.1.5, §7.5);
tshark says of that what it says of the request. So an answer with a Failed-AVP is judged without it, and what remains
only with it must be about AVPs. The answer to a command that nobody knows has that command's code.
"""

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from charging.tariff_tables import FinalAction
from tests.acceptance import evidence
from tests.acceptance.capture import PORT, Exchange, capture_of, port_of
from tests.conformance.test_answers import (
    EVENT,
    FAULTS,
    INITIAL,
    REFUSED,
    RESULTS,
    TERMINATION,
    UNDECIDABLE,
    UPDATE,
    answer,
    request_of,
)
from tests.gy_interface.codec import HOST, REALM, grant
from tests.gy_interface.diameter_octets import ccr, group, u32
from tests.gy_interface.peer_messages import TW_S, at_s, base, cer, dpr, dwr, open_peer, waiting_peer
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]

WARNING = 0x600000
"""Severity of an expert item in tshark: comment, chat, note, warning, error rise in steps of 0x200000."""
TSHARK_S = 60
FAILED_AVP = 279
WITH_FAILED_AVP = ", with its Failed-AVP"
OF_THE_PEER = ("Unknown AVP", "Unknown Vendor", "Data is empty", "Bad Unsigned")


def credit_control() -> dict[str, Exchange]:
    """What the codec answers: granted in each unit, every Result-Code, every fault of a request."""
    found: dict[str, Exchange] = {}
    for kind in (INITIAL, UPDATE, TERMINATION, EVENT):
        for unit in (Unit.OCTETS, Unit.SECONDS, Unit.EVENTS):
            for action in (0, int(FinalAction.TERMINATE)):
                request = request_of(kind, group(437))
                octets = answer(
                    request,
                    lambda _, msccs, unit=unit, action=action: grant(msccs[0], 4_000_000_000, unit, 600, action),
                )
                found[f"granted type {kind} {unit.name} final {action}"] = (request, octets)
    for outcome in RESULTS:
        request = request_of(UPDATE)
        octets = answer(request, lambda _, msccs, outcome=outcome: msccs[0].__setitem__("outcome", outcome))
        found[f"MSCC {outcome.name}"] = (request, octets)
    for outcome in sorted(set(RESULTS) - set(UNDECIDABLE)):

        def decide(answers: "object", _: object, outcome: Outcome = outcome) -> None:
            answers[0]["outcome"] = outcome  # type: ignore[index]
            answers[0]["failed_code"] = 432 if outcome == Outcome.RATING_FAILED else 0  # type: ignore[index]

        request = request_of(UPDATE)
        found[f"command {outcome.name}"] = (request, answer(request, decide))
    for name, (request, _, _) in FAULTS.items():
        found[f"fault {name}"] = (request, answer(request, host=HOST, realm=REALM))
    return found


def base_protocol() -> dict[str, Exchange]:
    """What the peer core says, by itself and in answer."""
    found: dict[str, Exchange] = {}
    for name, request in {
        "CEA": cer(),
        "CEA no common application": cer(u32(258, 16777238)),
        "CEA missing": base(257, u32(258, 4)),
        "CEA security": cer(more=(u32(299, 1),)),
    }.items():
        peer = waiting_peer()
        peer.receive_octets(request, at_s(0))
        found[name] = (request, peer.take_octets())
    peer = open_peer()
    peer.on_deadline(at_s(TW_S))
    found["DWR"] = (b"", peer.take_octets())
    for name, request in {"DWA": dwr(), "DPA": dpr()}.items():
        peer = open_peer()
        peer.receive_message(request, at_s(1))
        found[name] = (request, peer.take_octets())
    peer = open_peer()
    peer.stop(at_s(1), 1)
    found["DPR"] = (b"", peer.take_octets())
    for name, (request, _) in REFUSED.items():
        peer = open_peer()
        peer.receive_message(request, at_s(1))
        found[f"refused {name}"] = (request, peer.take_octets())
    for name, request in {"version": b"\x02" + ccr()[1:], "length": b"\x01\xff\xff\xff" + ccr()[4:]}.items():
        peer = open_peer()
        peer.on_fault(request)
        found[f"lost stream {name}"] = (b"", peer.take_octets())  # the request itself is no Diameter message
    return found


def without_failed_avp(octets: bytes) -> bytes:
    """A message without what it repeats of the peer's."""
    kept, at = octets[20:0], 20
    while at < len(octets):
        end = at + ((int.from_bytes(octets[at + 5 : at + 8], "big") + 3) & ~3)
        if int.from_bytes(octets[at : at + 4], "big") != FAILED_AVP:
            kept += octets[at:end]
        at = end
    return octets[:1] + (20 + len(kept)).to_bytes(3, "big") + octets[4:20] + kept


def dissect(path: Path, *fields: str, only: str) -> list[list[str]]:
    """The fields of the frames that a display filter lets through; of what the server sent."""
    chosen = [word for field in fields for word in ("-e", field)]
    command = ["tshark", "-r", str(path), "-d", f"tcp.port=={PORT},diameter", "-Y", only, "-T", "fields", *chosen]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TSHARK_S, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def is_of_the_peer(name: str, message: str) -> bool:
    """Is it about what the peer sent, which the answer repeats?"""
    if name == "refused unknown command":
        return message.startswith("Unknown command") and "," not in message.replace(", if you know", "")
    return name.endswith(WITH_FAILED_AVP) and message.startswith(OF_THE_PEER)


def test_tshark_finds_nothing_wrong_with_any_answer(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("no tshark: apt-get install tshark")
    exchanges = credit_control() | base_protocol()
    for name, (request, octets) in list(exchanges.items()):
        judged = without_failed_avp(octets)
        if judged != octets:
            exchanges[f"{name}{WITH_FAILED_AVP}"] = (request, octets)
            exchanges[name] = (request, judged)
    path = tmp_path / "answers.pcap"
    path.write_bytes(capture_of(exchanges.values()))
    names = {str(port_of(number)): name for number, name in enumerate(exchanges)}
    from_us = f"diameter && tcp.srcport == {PORT}"
    seen = dissect(path, "tcp.dstport", "diameter.cmd.code", "diameter.flags.request", only=from_us)
    assert {names[port] for port, *_ in seen} == set(exchanges), "each answer is dissected as Diameter"
    said = dissect(path, "tcp.dstport", "_ws.expert.message", only=f"{from_us} && _ws.expert.severity >= {WARNING:#x}")
    faults = [f"{names[port]}: {message}" for port, message in said if not is_of_the_peer(names[port], message)]
    assert not faults, "\n".join(faults)
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True, timeout=TSHARK_S, check=True)
    kinds = Counter(f"command {code}, request {request}" for _, code, request in seen)
    rows = [
        *sorted(kinds.items()),
        ("answers in which it minds what they repeat of the peer (Failed-AVP, command code)", len(said)),
        ("other expert items of warning or worse", len(faults)),
    ]
    says = f"{len(exchanges)} messages of ours, of every type, dissected by {version.stdout.splitlines()[0]}"
    evidence.write("tshark", "Answers in tshark", says, ("what", "count"), rows)


def test_tshark_would_say_it(tmp_path: Path) -> None:
    """A damaged answer gives an expert item, so that none means something."""
    if shutil.which("tshark") is None:
        pytest.skip("no tshark: apt-get install tshark")
    good = answer(request_of(UPDATE))
    at = good.index(b"\x00\x00\x01\x0c")  # Result-Code: its length says 200
    bad = good[: at + 5] + b"\x00\x00\xc8" + good[at + 8 :]
    path = tmp_path / "bad.pcap"
    path.write_bytes(capture_of([(request_of(UPDATE), bad)]))
    only = f"diameter && tcp.srcport == {PORT} && _ws.expert.severity >= {WARNING:#x}"
    assert dissect(path, "_ws.expert.message", only=only)
