"""`farebox bench mixed` for seconds: Gy and Nchf charge the same subscribers at once, and one set of books is right."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench import report
from bench.mixed_load import MixedPlan
from bench.workload import ChfPlan, GyPlan
from runtime.bench_run import run_mixed_bench
from runtime.bench_store import BenchStore

PLAN = MixedPlan(
    gy=GyPlan(subscribers=300, sessions_open=200, connections=2, rate_per_s=400, warm_up_s=0.5, measured_s=1.5),
    chf=ChfPlan(subscribers=200, sessions_open=100, connections=2, rate_per_s=100, warm_up_s=0.5, measured_s=1.5),
    is_shared=True,
)
KEYS_ALONE = {
    "answered_per_s",
    "latency_ms",
    "engine_us_per_request",
    "store_us_per_request",
    "notifier_us_per_request",
    "lost",
    "wrong",
    "plan",
}


@pytest.mark.timeout(240)
@pytest.mark.acceptance
def test_both_charge_the_same_subscribers_and_a_planted_micro_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_accounts = BenchStore.read_accounts
    charged: list[int] = []

    def twisted(store: BenchStore) -> object:
        view = read_accounts(store)
        charged.append(int(view.charged_micros.sum()))
        assert not view.money_reserved.any(), "every session was ended"
        if len(charged) == 3:  # of the phase with both
            view.money_remaining[7] += 1
        return view

    monkeypatch.setattr(BenchStore, "read_accounts", twisted)
    said: list[str] = []
    result = run_mixed_bench(PLAN, tmp_path / "run", fsync="everysec", partitions=2, chf=1, say=said.append)
    parts = {name: result[name] for name in ("gy", "chf", "gy_alone", "chf_alone")}
    assert [parts[name].get("differences_count") for name in parts] == [1, 1, 0, 0]
    assert not report.is_sound(result)
    whole = result | {name: part | {"differences_count": 0} for name, part in parts.items()}
    assert report.is_sound(whole), result
    assert min(charged) > 0

    assert report.missing_keys(result) == []
    report.save(result, tmp_path / "saved.json")
    assert report.load(tmp_path / "saved.json")["load"] == "mixed"
    for name, part in parts.items():
        assert part.keys() >= KEYS_ALONE, name
        assert part["answered"] > 30
    assert set(result["p99_ratio"]) == {"gy", "chf"}
    assert any(line.startswith("Nchf alone") for line in said)
    shown = io.StringIO()
    report.show(result, Console(file=shown, width=200), whole)
    assert "Nchf beside Gy" in shown.getvalue()
    assert "of its own alone" in shown.getvalue()
