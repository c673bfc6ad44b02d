"""`farebox bench business` for seconds: orders over TMF622 through a whole Farebox, then reads beside some customers."""

from pathlib import Path

import pytest

from bench.business_pages import has_browser
from bench.business_report import REQUIRED_KEYS, is_sound_business
from runtime.bench_business import BusinessPlan, run_business

PLAN = BusinessPlan(
    orders=4,
    order_connections=2,
    customers=3_000,
    read_s=0.2,
    read_connections=2,
    idle_s=2.0,
    has_browser=has_browser(),
    engine_s=20.0,
)


@pytest.mark.timeout(400)
@pytest.mark.acceptance
def test_orders_are_completed_and_everything_is_read(tmp_path: Path) -> None:
    result = run_business(PLAN, tmp_path, fsync="everysec", say=lambda text: None)
    assert is_sound_business(result), result["orders"]
    assert set(REQUIRED_KEYS) <= set(result)
    assert result["orders"]["states"] == {"completed": 33}, "20 warm it up, 9 are granted units"
    assert result["orders"]["first grant"]["ms"]["p50"] > 0
    assert result["lists"]["no filter"]["total"] == 3_041, "41 lines are ordered"
    assert all(read["per_s"] > 0 for read in result["reads"].values())
    assert result["pages"]["customer"]["ms"]["p50"] > 0
    assert result["idle"]["business_percent"] >= 0
    assert result["live page"]["updates"] > 0
    assert result["browser"].keys() == result["pages"].keys(), "as make acceptance installs it"
    assert all(opened["ms"]["p50"] > 0 for opened in result["browser"].values())
    assert all(found["turns"] >= 4 for found in result["engine"].values())
