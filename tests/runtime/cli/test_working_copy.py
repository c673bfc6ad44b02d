"""`farebox catalog import` to `release` as somebody types them, on a real store and a SQLite file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bss.catalog.sample import SAMPLE
from tests.reference.private_valkey import private_valkey
from tests.runtime.private_engine import create_store
from tests.runtime.typed_words import Result, typed

Farebox = Callable[..., Result]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with private_valkey(tmp_path_factory.mktemp("store")) as address:
        create_store(address)
        yield address


@pytest.fixture
def farebox(tmp_path: Path) -> Farebox:
    """The command with a data folder of its own."""

    def run(*words: str, answer: str = "") -> Result:
        return typed("catalog", *words, "--data-dir", str(tmp_path), answer=answer)

    return run


def changed(folder: Path, *replacements: tuple[str, str]) -> str:
    text = SAMPLE.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path = folder / "changed.yaml"
    path.write_text(text)
    return str(path)


def test_files_become_a_release(farebox: Farebox, address: str, tmp_path: Path) -> None:
    assert farebox("status").exit_code == 2
    tenant = ("--tenant", "cli-1")
    refused = farebox("import", str(SAMPLE), *tenant, answer="n\n")
    assert refused.exit_code == 2
    assert "offerings prepaid-start" in refused.output
    assert farebox("import", str(SAMPLE), *tenant, answer="y\n").exit_code == 0
    status = farebox("status", *tenant)
    assert status.exit_code == 0
    assert "base release" in status.output
    published = farebox("release", "--yes", "--store", address, *tenant)
    assert published.exit_code == 0, published.output
    assert "release 1 (Mobile, spring) of tenant cli-1 is published" in published.output
    again = farebox("release", "--yes", "--store", address, *tenant)
    assert again.exit_code == 1
    assert "nothing was edited since release 1" in again.output
    assert farebox("diff", *tenant).output == "nothing was edited since the last release\n"
    assert "prepaid-start" in farebox("show", "--store", address, *tenant).output
    later = changed(tmp_path, ("number: 1", "number: 2"), ("2025-01-01", "2025-02-01"), ("0.09 EUR", "0.19 EUR"))
    shown = farebox("diff", later, *tenant)
    assert "0.19 EUR" in shown.output
    assert farebox("import", later, "--yes", *tenant).exit_code == 0
    assert "release 2" in farebox("release", "--yes", "--store", address, *tenant).output


def test_an_exported_file_is_imported_as_the_same(farebox: Farebox, tmp_path: Path) -> None:
    farebox("import", str(SAMPLE), "--yes")
    exported = tmp_path / "exported.yaml"
    exported.write_text(farebox("export").output)
    assert "the working copy is what the files say already" in farebox("import", str(exported), "--yes").output


def test_faults_have_lines_and_exit_code_1(farebox: Farebox, tmp_path: Path) -> None:
    path = changed(tmp_path, ("customer.kind", "customer.kid"), ("price: 0.09 EUR", "price: 0.09"))
    result = farebox("import", path, "--yes")
    assert result.exit_code == 1
    assert "undeclared reference to 'customer.kid'" in result.output
    assert "2 faults; nothing was imported" in result.output
    assert farebox("import", str(tmp_path / "none.yaml"), "--yes").exit_code == 1


def test_an_engine_that_is_away_leaves_a_release_to_finish(farebox: Farebox, address: str) -> None:
    tenant = ("--tenant", "cli-2")
    farebox("import", str(SAMPLE), "--yes", *tenant)
    away = farebox("release", "--yes", "--wait", "1", "--store", "redis://127.0.0.1:1/0", *tenant)
    assert away.exit_code == 2
    assert "catalog release --finish" in away.output
    finished = farebox("release", "--finish", "--store", address, *tenant)
    assert finished.exit_code == 0, finished.output
    assert farebox("release", "--finish", "--store", address, *tenant).exit_code == 2


def test_what_is_typed_wrongly(farebox: Farebox, address: str) -> None:
    farebox("import", str(SAMPLE), "--yes")
    assert "write OFFERING=OFFERING" in farebox("release", "--yes", "--migrate", "a", "--store", address).output
    assert farebox("discard", "--yes").output == "discarded\n"
    assert "nothing is to be discarded" in farebox("discard", "--yes").output
