"""The scenario table through the engine alone."""

import pytest

from charging.tariff_tables import TariffTables
from tests.scenarios.alone import AloneMachine, tables
from tests.scenarios.language import play
from tests.scenarios.table import SCENARIOS


@pytest.fixture(scope="module")
def tariffs() -> TariffTables:
    """Compiled once."""
    return tables()


@pytest.mark.parametrize("name", SCENARIOS)
def test_engine_alone(name: str, tariffs: TariffTables) -> None:
    """The engine alone charges as the scenario says."""
    play(SCENARIOS[name], AloneMachine(tariffs))


def test_a_wrong_expectation_fails(tariffs: TariffTables) -> None:
    """The table can fail, and says where."""
    with pytest.raises(AssertionError, match="line 2: initial"):
        play("open A money 5\ninitial A s1 rg 10 rsu 9 -> granted 9", AloneMachine(tariffs))
