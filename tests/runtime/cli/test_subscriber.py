"""`farebox subscriber add`, `show` and `import` as somebody types them, on a real store with a real engine."""

from pathlib import Path

import pytest
from redis import Redis

from tests.catalog_loader.sample_release import SAMPLE
from tests.runtime.cli.typed import Farebox, account, buckets
from tests.runtime.typed_words import typed

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first


def test_an_account_is_opened_shown_and_topped_up(farebox: Farebox) -> None:
    opened = farebox(
        "subscriber", "add", "--imsi", "001010000000001", "--msisdn", "+491700000001", "--offer", "prepaid-start"
    )
    assert opened.exit_code == 0, opened.output
    assert "is open: msisdn 491700000001, imsi 001010000000001, offer prepaid-start" in opened.stdout
    assert buckets(farebox, "491700000001") == {"data-1gib": 1024**3, "money": 10_000_000}
    topped_up = farebox(
        "subscriber",
        "top-up",
        "imsi:001010000000001",
        "--money",
        "2.50",
        "--allowances",
        "data-booster;voice-100min=5 min",
    )
    assert topped_up.exit_code == 0, topped_up.output
    assert "got 2.50 EUR and 500 MiB of data-booster and 5 min of voice-100min" in topped_up.stdout
    assert buckets(farebox, "+491700000001") == {
        "data-1gib": 1024**3,
        "money": 12_500_000,
        "data-booster": 500 * 1024**2,
        "voice-100min": 300,
    }
    shown = farebox("subscriber", "show", "001010000000001").stdout
    for text in (
        "imsi",
        "active",
        "12.50 EUR",
        "1 GiB",
        "500 MiB",
        "5 min",
        "prepaid-start",
        "in force",
        "Open sessions: none",
    ):
        assert text in shown


def test_a_claim_without_an_account_is_shown_as_that_and_taken_over(farebox: Farebox, client: "Redis[bytes]") -> None:
    """What an opening leaves that was cut off between the claim of its identity and its command."""
    client.set("1:e164:491700000041", "999999:0")
    show = farebox("subscriber", "show", "491700000041")
    assert (show.exit_code, "the opening was cut off before its command was sent" in show.stderr) == (1, True)
    assert farebox("subscriber", "add", "--msisdn", "491700000041", "--offer", "prepaid-basic").exit_code == 0
    assert account(farebox, "491700000041")["account_id"] != 999999


def test_terms_other_than_the_offers(farebox: Farebox) -> None:
    terms = ("--money", "0.05", "--allowances", "-", "--credit-limit", "3", "--expires", "2199-01-01")
    bare = farebox("subscriber", "add", "--msisdn", "491700000042", "--offer", "-")
    assert "is open: msisdn 491700000042, no offer" in bare.stdout
    assert account(farebox, "491700000042")["products"] == []
    assert farebox("subscriber", "add", "--private", "k", "--offer", "prepaid-plus", *terms).exit_code == 0
    view = account(farebox, "private:k")
    assert (view["credit_limit_micros"], view["currency"], view["money"]["remaining"]) == (3_000_000, "EUR", "0.050000")
    assert [bucket["name"] for bucket in view["buckets"]] == ["bill", "money"]


def test_a_taken_identity_is_refused(farebox: Farebox) -> None:
    add = ("subscriber", "add", "--offer", "prepaid-basic", "--msisdn")
    assert farebox(*add, "491700000003").exit_code == 0
    refused = farebox(*add, "491700000003")
    assert refused.exit_code == 1
    assert "msisdn 491700000003 belongs to account" in refused.stderr
    second = farebox(*add, "491700000004", "--imsi", "001010000000004")
    again = farebox(*add, "491700000005", "--imsi", "001010000000004")
    assert (second.exit_code, again.exit_code) == (0, 1)
    assert farebox(*add, "491700000005").exit_code == 0  # the claim of the refused opening was given back


def test_every_mistake_is_named_at_once(farebox: Farebox) -> None:
    result = farebox(
        "subscriber", "add", "--imsi", "x", "--offer", "prepaid-start", "--money", "1,5", "--expires", "soon"
    )
    assert result.exit_code == 2
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == ["--imsi", "--money", "--expires"]
    five = ("--msisdn", "491", "--imsi", "123456", "--sip", "sip:a@b", "--nai", "a@b", "--private", "k")
    assert "5 identities: at most 4 fit" in farebox("subscriber", "add", "--offer", "prepaid-start", *five).stderr
    assert "no identity is given" in farebox("subscriber", "add", "--offer", "x").stderr
    assert "nothing to top up" in farebox("subscriber", "top-up", "491700000001").stderr
    assert "no account has 499 as msisdn" in farebox("subscriber", "show", "499").stderr
    assert "tenant none is not known (known: " in farebox("subscriber", "show", "499", "--tenant", "none").stderr


def test_tenants_have_subscribers_of_their_own(farebox: Farebox, tmp_path: Path) -> None:
    assert farebox("catalog", "publish", str(SAMPLE), "--tenant", "acme").exit_code == 0
    add = ("subscriber", "add", "--msisdn", "491700000009", "--offer")
    assert farebox(*add, "prepaid-basic").exit_code == 0
    assert farebox(*add, "prepaid-plus", "--tenant", "acme").exit_code == 0
    assert buckets(farebox, "491700000009") == {"money": 1_000_000}
    assert account(farebox, "491700000009", "--tenant", "acme")["money"]["remaining_micros"] == 20_000_000


def test_a_file_is_checked_then_imported_once(farebox: Farebox, tmp_path: Path) -> None:
    file = tmp_path / "subscribers.csv"
    file.write_text("msisdn,money\n" + "".join(f"{495550000000 + row},{row}\n" for row in range(300)))
    words = ("subscriber", "import", str(file), "--offer", "prepaid-plus")
    dry = farebox(*words, "--dry-run")
    assert dry.stdout == "sound: 300 accounts; nothing was opened (--dry-run)\n"
    assert farebox("subscriber", "show", "495550000000").exit_code == 2
    assert farebox(*words).stdout == "300 of 300 accounts are open\n"
    assert farebox(*words).stdout == "300 of 300 accounts are open, 300 of them claimed by an earlier try\n"
    assert account(farebox, "495550000299")["money"]["remaining"] == "299.000000"
    file.write_text(f"msisdn,money,offer\n495550000000,1,prepaid-start\n49,-1,prepaid-strt\n{10**20},1e5,\n")
    refused = farebox("subscriber", "import", str(file))
    assert refused.exit_code == 1
    places = [": ".join(line.removeprefix(f"{file}:").split(": ")[:2]) for line in refused.stderr.splitlines()[:-1]]
    assert places == ["2: msisdn", "3: msisdn", "3: offer", "3: money", "4: msisdn", "4: offer", "4: money"]
    assert refused.stderr.splitlines()[-1] == "farebox: 7 faults; nothing was opened"


def test_without_an_engine_the_caller_is_told_that_the_command_waits(
    farebox_without_engine: Farebox, tmp_path: Path
) -> None:
    farebox = farebox_without_engine
    add = ("subscriber", "add", "--msisdn", "491", "--offer", "prepaid-basic", "--id", "order-1")
    assert "tenant default is not known (known: none yet)" in farebox(*add).stderr
    published = farebox("catalog", "publish", str(SAMPLE))
    assert published.exit_code == 0
    assert "no engine runs: the next one that starts takes it up" in published.stdout
    waits = farebox(*add)
    assert waits.exit_code == 3
    assert "the command waits in the store and is decided when one starts" in waits.stderr
    shown = farebox("subscriber", "show", "491")
    assert shown.exit_code == 3
    assert "its account is not open yet" in shown.stderr
    file = tmp_path / "s.csv"
    file.write_text("msisdn,offer\n4922,prepaid-basic\n")
    imported = farebox("subscriber", "import", str(file))
    assert imported.exit_code == 3
    assert imported.stdout == "0 of 1 accounts are open\n"
    assert "1 commands wait: no engine runs" in imported.stderr


def test_the_help_names_every_column_of_a_file() -> None:
    from runtime.subscriber_import import COLUMNS

    text = typed("subscriber", "import", "--help", env={"COLUMNS": "200"}).stdout
    assert all(column.name in text for column in COLUMNS)
