"""`farebox bench chf` for a second: a load over HTTP/2 through real processes ends sound, but for the fault that is planted."""

from pathlib import Path

import pytest

from bench import report
from bench.books import AccountsView
from bench.workload import ChfPlan
from runtime.bench_run import run_bench
from runtime.bench_store import BenchStore

PLAN = ChfPlan(subscribers=300, sessions_open=100, outstanding=50, connections=2, warm_up_s=0.5, measured_s=1.5)
TWISTED = 11
"""The subscriber who is given one micro behind the books' back."""


@pytest.mark.timeout(240)
@pytest.mark.acceptance
def test_a_short_run_finds_the_planted_micro_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_accounts = BenchStore.read_accounts
    views: list[AccountsView] = []

    def twisted(store: BenchStore) -> AccountsView:
        views.append(read_accounts(store))
        views[-1].money_remaining[TWISTED] += 1
        return views[-1]

    monkeypatch.setattr(BenchStore, "read_accounts", twisted)
    result = run_bench(
        PLAN, tmp_path / "run", fsync="everysec", partitions=2, chf=2, floor_s=10.0, say=lambda line: None
    )
    assert not report.is_sound(result)
    assert result["differences_count"] == 1
    assert result["differences"][0].startswith(f"subscriber {TWISTED}: money_remaining is ")
    assert report.is_sound(result | {"differences_count": 0}), result
    (view,) = views
    assert not view.money_reserved.any(), "every session was released"
    assert view.charged_micros.sum() > 0

    assert report.missing_keys(result) == []
    report.save(result, tmp_path / "saved.json")
    assert report.load(tmp_path / "saved.json")["load"] == "chf"
    assert result["answered"] > 100
    assert set(result["answers"]) == {"200", "201", "204"}
    assert set(result["mscc_answers"]) == {"SUCCESS", "QUOTA_LIMIT_REACHED"}
    assert result["ran_out_share"] > 0
    assert result["connections_lost"] == 0
    assert result["chf_us_per_request"] > 0
    assert result["notifier_us_per_request"] > 0, "it reads the journal of all of them"
