"""`farebox catalog` as somebody types it, on a real store with a real engine."""

import json
from pathlib import Path

import pytest
from redis import Redis

from tests.catalog_loader.sample_release import SAMPLE, SAMPLE_2
from tests.reference.private_valkey import private_valkey
from tests.runtime.cli.typed import Farebox, farebox_on
from tests.runtime.private_engine import create_store
from tests.runtime.typed_words import typed

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first


def test_check_needs_no_store_and_names_every_fault(tmp_path: Path) -> None:
    sound = typed("catalog", "check", str(SAMPLE))
    assert (
        sound.exit_code,
        sound.stdout.startswith("sound: release 1 (Prepaid, spring) of tenant default: 3 offers"),
    ) == (0, True)
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text(SAMPLE.read_text().replace("0.02 EUR", "0,02 EUR").replace("block: 1 s", "block: 1 sec"))
    result = typed("catalog", "check", str(faulty))
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 4
    assert "has a comma" in lines[0]
    assert all(line.startswith(f"{faulty}:") and "the unit sec is not known" in line for line in lines[1:3])
    assert lines[3] == "farebox: 3 faults; nothing was published"


def test_publishing_again_changes_nothing(farebox: Farebox) -> None:
    again = farebox("catalog", "publish", str(SAMPLE))
    assert again.exit_code == 0
    assert "was published before; nothing changed" in again.stdout
    assert "Changes against" not in again.stdout


def test_a_contradiction_is_refused_with_its_line(farebox: Farebox, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SAMPLE.read_text().replace("0.02 EUR", "0.03 EUR"))
    for words in (("publish",), ("check", "--against-store")):
        result = farebox("catalog", *words, str(other))
        assert result.exit_code == 1
        assert result.stderr.startswith(f"{other}:6:")
    assert (
        "release 1 of tenant default has another text in the store" in farebox("catalog", "publish", str(other)).stderr
    )


def test_a_next_release_says_what_it_changes_and_who_took_it_up(farebox: Farebox) -> None:
    assert farebox("catalog", "check", "--against-store", str(SAMPLE_2)).exit_code == 0
    result = farebox("catalog", "publish", str(SAMPLE_2), "--tenant", "second")
    assert "the first release of tenant second in force" in result.stdout
    result = farebox("catalog", "publish", str(SAMPLE_2))
    assert result.exit_code == 0, result.output
    (changed,) = [line.split() for line in result.stdout.splitlines() if "data-general" in line]
    assert " ".join(changed).startswith("price data-general charge 0.02 EUR per 1 MiB")
    assert "0.01 EUR per 1 MiB" in result.stdout
    assert "release 2 (Prepaid, summer) of tenant default is published" in result.stdout
    assert "taken up by engine-1" in result.stdout


def test_show_prints_the_release_in_force_or_the_one_that_is_named(farebox: Farebox) -> None:
    result = farebox("catalog", "show", "--release", "1")
    assert result.exit_code == 0
    for text in ("prepaid-start", "10.00 EUR", "data-1gib", "0.02 EUR per 1 MiB, up over the session", "denied"):
        assert text in result.stdout
    body = json.loads(farebox("catalog", "show", "--release", "1", "--json").stdout)
    assert (body["number"], body["currency"], len(body["prices"])) == (1, "EUR", 10)
    assert "tenant default has no release 9: it has 1" in farebox("catalog", "show", "--release", "9").stderr
    assert "tenant none has no release" in farebox("catalog", "show", "--tenant", "none").stderr


def test_a_store_that_is_away_is_named(tmp_path: Path) -> None:
    farebox = farebox_on(f"unix://{tmp_path}/none")
    for words in (("catalog", "show"), ("catalog", "publish", str(SAMPLE)), ("subscriber", "show", "491")):
        result = farebox(*words)
        assert result.exit_code == 2
        assert "no store answers at" in result.stderr


def test_a_damaged_release_is_named(tmp_path: Path) -> None:
    with private_valkey(tmp_path) as address:
        create_store(address)
        farebox = farebox_on(address)
        assert farebox("catalog", "publish", str(SAMPLE)).exit_code == 0
        with Redis(unix_socket_path=address.removeprefix("unix://")) as client:
            client.delete("farebox:release:1:1")
        for words in (("catalog", "show"), ("subscriber", "add", "--msisdn", "491", "--offer", "prepaid-basic")):
            result = farebox(*words)
            assert result.exit_code == 2
            assert "farebox:release:1:1 is missing, but was published: publish the same files again" in result.stderr
        assert farebox("catalog", "publish", str(SAMPLE)).exit_code == 0
        assert farebox("catalog", "show").exit_code == 0
