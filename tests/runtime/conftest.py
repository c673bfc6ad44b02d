"""The store that the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.reference.private_valkey import private_valkey


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of the module's own."""
    with private_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url
