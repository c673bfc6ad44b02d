"""A store with an engine that the tests of this folder share, and the command on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.catalog_loader.sample_release import SAMPLE
from tests.reference.private_valkey import private_valkey
from tests.runtime.cli.typed import Farebox, farebox_on
from tests.runtime.private_engine import create_store, private_engine


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store with nothing in it but its meta."""
    with private_valkey(tmp_path_factory.mktemp("store")) as address:
        create_store(address)
        yield address


@pytest.fixture
def client(address: str) -> Iterator["Redis[bytes]"]:
    """What a test spoils the store with."""
    with Redis.from_url(address) as client:
        yield client


@pytest.fixture(scope="package")
def farebox(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farebox]:
    """The command, on a store that has the sample's release and an engine."""
    folder = tmp_path_factory.mktemp("farebox")
    with private_engine(address, folder):
        run = farebox_on(address)
        first = run("catalog", "publish", str(SAMPLE))
        assert first.exit_code == 0, first.output
        assert "the first release of tenant default in force" in first.stdout
        assert "taken up by engine-1" in first.stdout
        yield run


@pytest.fixture
def farebox_without_engine(tmp_path: Path) -> Iterator[Farebox]:
    with private_valkey(tmp_path) as address:
        create_store(address)
        yield farebox_on(address)
