"""docs/diameter.md names what the code does: every AVP that is handled, every code, state, limit and setting of a peer."""

import dataclasses
import re
from pathlib import Path

import pytest

from gy_interface import base_messages, framing
from gy_interface.config import PeerConfig
from gy_interface.dictionary import AVPS
from gy_interface.edge import connection, server
from gy_interface.peer import CLOSING_S
from gy_interface.peer_transitions import PeerState
from vocabulary.limits import (
    DIAMETER_MESSAGE_OCTETS_MAX,
    DIAMETER_NESTING_MAX,
    IDENTITIES_PER_REQUEST_MAX,
    MSCCS_PER_REQUEST_MAX,
    SESSION_ID_OCTETS_MAX,
)
from vocabulary.outcomes import OUTCOMES

PAGE = (Path(__file__).parents[2] / "docs" / "diameter.md").read_text()


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def first_cells(section: str) -> list[str]:
    return [line.split("|")[1].strip() for line in sections()[section].splitlines() if line.startswith("| ")]


def test_every_avp_that_is_handled_and_no_other() -> None:
    named = {
        name.strip()
        for line in sections()["AVPs"].splitlines()
        if line.startswith(("| RFC", "| TS"))
        for name in line.split("|")[2].split(",")
    }
    assert named == {row.name for row in AVPS.values() if row.is_handled}
    assert f"{len(AVPS):,} AVPs" in PAGE


def test_every_result_code() -> None:
    of_base = {
        value
        for module in (base_messages, framing)
        for name, value in vars(module).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, int) and 2000 < value < 6000
    }
    documented = {int(cell) for cell in first_cells("Answers") if cell.isdigit()}
    assert documented == {row.result_code for row in OUTCOMES} | of_base


def test_every_state() -> None:
    assert [cell for cell in first_cells("States of a connection") if cell.isupper()] == [
        state.name for state in PeerState
    ]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(PeerConfig)])
def test_every_setting_of_a_peer(field: str) -> None:
    assert re.search(rf"`(gy\.peers\.<name>\.)?{field}`", PAGE)


@pytest.mark.parametrize(
    "words",
    [
        f"at most {DIAMETER_MESSAGE_OCTETS_MAX:,} octets",
        f"{MSCCS_PER_REQUEST_MAX} MSCCs",
        f"{IDENTITIES_PER_REQUEST_MAX} Subscription-Ids",
        f"Session-Id of {SESSION_ID_OCTETS_MAX} octets",
        f"groups {DIAMETER_NESTING_MAX} deep",
        f"{connection.RECEIVE_OCTETS >> 20} MiB for what it received",
        f"{connection.UNREAD_OCTETS_HIGH >> 20} MiB of its answers",
        f"at {connection.UNREAD_OCTETS_MAX >> 20} MiB it is closed",
        f"has {connection.LINGER_S:.0f} s to read why",
        f"the peer's close, {CLOSING_S} s",
        f"{server.OTHERS_MAX:,} at a time",
        f"jitter of {server.JITTER_NS // 10**9} s",
    ],
)
def test_every_limit(words: str) -> None:
    assert words in " ".join(PAGE.split())
