"""The load of front ends, from process to process."""

from pathlib import Path

from runtime.chf_load import FRESH_S, LoadTeller, told_load
from vocabulary.instants import NS_PER_S
from vocabulary.limits import REQUESTS_QUEUED_NEW_SESSIONS_MAX

NOW_NS = 1_795_914_184 * NS_PER_S


def test_what_is_told_is_read_until_it_is_old(tmp_path: Path) -> None:
    assert told_load(tmp_path, NOW_NS) is None
    teller = LoadTeller(tmp_path)
    teller.tell(REQUESTS_QUEUED_NEW_SESSIONS_MAX, NOW_NS)
    assert told_load(tmp_path, NOW_NS) == 100
    assert told_load(tmp_path, NOW_NS + FRESH_S * NS_PER_S) == 100
    assert told_load(tmp_path, NOW_NS + (FRESH_S + 1) * NS_PER_S) is None
    assert list(tmp_path.iterdir()) == [], "what a dead one left is removed"
    teller.tell(0, NOW_NS)
    teller.end()
    assert told_load(tmp_path, NOW_NS) is None


def test_several_front_ends_have_a_load_together(tmp_path: Path) -> None:
    (tmp_path / "chf-1.load").write_text(f"20 {NOW_NS}\n")
    (tmp_path / "chf-2.load").write_text(f"40 {NOW_NS}\n")
    (tmp_path / "chf-3.load").write_text("half a")
    (tmp_path / "chf-1.ready").write_text("7777 1\n")
    assert told_load(tmp_path, NOW_NS) == 30
