"""`farebox catalog` and `farebox subscriber` as somebody types them, on a real store with a real engine."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from redis import Redis
from typer.testing import CliRunner, Result

from runtime.cli import catalog, subscriber
from tests.catalog_loader.sample_release import POSTPAID, SAMPLE, SAMPLE_2
from tests.reference.private_valkey import private_valkey
from tests.runtime.private_engine import create_store, private_engine

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

Farebox = Callable[..., Result]


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    app = typer.Typer()
    catalog.register(app)
    subscriber.register(app)
    return app


def farebox_on(app: typer.Typer, address: str) -> Farebox:
    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, [*words, "--store", address])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def farebox(app: typer.Typer, address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farebox]:
    """The command, on a store that has the sample's release and an engine."""
    folder = tmp_path_factory.mktemp("farebox")
    with private_engine(address, folder):
        run = farebox_on(app, address)
        first = run("catalog", "publish", str(SAMPLE))
        assert first.exit_code == 0, first.output
        assert "the first release of tenant default in force" in first.stdout
        assert "taken up by engine-1" in first.stdout
        yield run


@pytest.fixture
def farebox_without_engine(app: typer.Typer, tmp_path: Path) -> Iterator[Farebox]:
    with private_valkey(tmp_path) as address:
        create_store(address)
        yield farebox_on(app, address)


def account(farebox: Farebox, identity: str, *more: str) -> Any:
    result = farebox("subscriber", "show", identity, "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def buckets(farebox: Farebox, identity: str) -> dict[str, int]:
    return {bucket["name"]: bucket["remaining"] for bucket in account(farebox, identity)["buckets"]}


# --- catalog ---------------------------------------------------------------------------------------------------------


def test_check_needs_no_store_and_names_every_fault(app: typer.Typer, tmp_path: Path) -> None:
    sound = CliRunner().invoke(app, ["catalog", "check", str(SAMPLE)])
    assert (
        sound.exit_code,
        sound.stdout.startswith("sound: release 1 (Prepaid, spring) of tenant default: 3 offers"),
    ) == (0, True)
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text(SAMPLE.read_text().replace("0.02 EUR", "0,02 EUR").replace("block: 1 s", "block: 1 sec"))
    result = CliRunner().invoke(app, ["catalog", "check", str(faulty)])
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


# --- subscribers -----------------------------------------------------------------------------------------------------


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


def changed(farebox: Farebox, *words: str) -> str:
    """What a command on 491790 says that is done."""
    result = farebox("subscriber", words[0], "491790", *words[1:])
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(farebox: Farebox, *words: str) -> tuple[int, str]:
    """Exit code of one that isn't, and what it says."""
    result = farebox("subscriber", words[0], "491790", *words[1:])
    return result.exit_code, result.stderr


def test_an_account_is_barred_given_products_adjusted_and_closed(farebox: Farebox) -> None:
    assert farebox("subscriber", "add", "--msisdn", "491790", "--offer", "prepaid-basic").exit_code == 0
    assert "is barred" in changed(farebox, "bar", "--reason", "lost phone")
    assert "was barred before" in changed(farebox, "bar")
    assert account(farebox, "491790")["status"] == "barred"
    assert "is active" in changed(farebox, "unbar")
    period = ("--from", "2026-03-01", "--until", "2026-04-01", "--fee", "0.60", "--id", "march")
    code, said = refused(farebox, "apply", "--offer", "prepaid-start", *period)
    assert (code, "say --yes" in said, "0.60 EUR are taken from account" in said) == (2, True, True)
    assert "has prepaid-start from 2026-02-28T23:00:00.000Z to 2026-03-31T22:00:00.000Z for 0.60 EUR" in changed(
        farebox, "apply", "--offer", "prepaid-start", *period, "--yes"
    )
    again = changed(farebox, "apply", "--offer", "prepaid-start", *period[:-2], "--yes")
    assert "nothing was taken" in again
    assert account(farebox, "491790")["money"]["remaining"] == "0.400000"
    next_period = ("--from", "2026-04-01", "--until", "2026-05-01", "--fee", "0.60", "--yes")
    assert refused(farebox, "apply", "--offer", "prepaid-start", *next_period) == (
        1,
        f"farebox: refused for account {account(farebox, '491790')['account_id']}: its money doesn't pay 0.60 EUR;"
        " nothing was changed\n",
    )
    assert "got 2.50 EUR" in changed(farebox, "adjust", "--give", "2.50", "--reason", "ticket 17")
    assert "2.00 EUR are taken" in changed(farebox, "adjust", "--take", "2", "--reason", "ticket 18", "--yes")
    assert refused(farebox, "adjust", "--take", "5", "--reason", "x", "--yes")[0] == 1
    assert "prepaid-start of account" in changed(farebox, "end-product", "--offer", "prepaid-start", "--yes")
    shown = farebox("subscriber", "show", "491790").stdout
    assert "period from" in shown
    assert "0.90 EUR" in shown
    assert "is closed" in changed(farebox, "close", "--yes")
    assert account(farebox, "491790")["status"] == "closed"
    assert "the account is closed" in refused(farebox, "unbar")[1]
    assert "0.90 EUR are taken" in changed(farebox, "adjust", "--take", "0.9", "--reason", "paid out", "--yes")
    added = farebox("subscriber", "add", "--msisdn", "491790", "--offer", "prepaid-basic")
    assert added.exit_code == 0, added.output
    assert account(farebox, "491790")["status"] == "active", "the number is another account's"


def test_what_a_change_lacks_is_said_before_anything_is_asked(farebox: Farebox) -> None:
    assert farebox("subscriber", "add", "--msisdn", "491791", "--offer", "prepaid-basic").exit_code == 0
    for words, told in (
        (("apply", "--offer", "prepaid-start", "--id", "one"), "--from: it is needed with --id"),
        (("apply", "--offer", "prepaid-strt"), "Did you mean prepaid-start?"),
        (("end-product", "--offer", "prepaid-plus"), "It has prepaid-basic"),
        (("adjust", "--reason", "x"), "one of --give and --take is needed"),
    ):
        result = farebox("subscriber", words[0], "491791", *words[1:])
        assert (result.exit_code, told in result.stderr) == (2, True), result.output


def test_a_command_with_a_name_is_done_once(farebox: Farebox) -> None:
    add = ("subscriber", "add", "--msisdn", "491700000002", "--offer", "prepaid-basic", "--id", "order-7")
    assert farebox(*add).exit_code == farebox(*add).exit_code == 0
    for _ in range(3):
        assert farebox("subscriber", "top-up", "491700000002", "--money", "0.75", "--id", "payment-1").exit_code == 0
    assert buckets(farebox, "491700000002") == {"money": 1_750_000}


def test_an_id_that_was_used_is_refused_for_any_other_command(farebox: Farebox) -> None:
    """Other subscriber, other partition, other amount: nothing is opened or credited, and the id is named."""
    numbers = [f"49170000002{digit}" for digit in range(4)]
    for number in numbers:
        assert farebox("subscriber", "add", "--msisdn", number, "--offer", "prepaid-basic").exit_code == 0
    assert farebox("subscriber", "top-up", numbers[0], "--money", "5", "--id", "pay1").exit_code == 0
    before = [buckets(farebox, number) for number in numbers]
    used = "farebox: --id: id pay1 was used for another command: choose another\n"
    for number, money in ((numbers[0], "50"), *((number, "5") for number in numbers[1:])):
        result = farebox("subscriber", "top-up", number, "--money", money, "--id", "pay1")
        assert (result.exit_code, result.stderr, result.stdout) == (1, used, "")
    assert [buckets(farebox, number) for number in numbers] == before
    add = ("subscriber", "add", "--offer", "prepaid-basic", "--id", "order-20", "--msisdn")
    assert farebox(*add, "491700000030").exit_code == 0
    other = farebox(*add, "491700000031", "--money", "99")
    assert (other.exit_code, "id order-20 was used for another command" in other.stderr) == (1, True)
    assert "no account has 491700000031" in farebox("subscriber", "show", "491700000031").stderr


def test_a_top_up_beyond_what_an_account_holds_is_said_in_words(farebox: Farebox) -> None:
    assert farebox("subscriber", "add", "--msisdn", "491700000042", "--offer", "prepaid-basic").exit_code == 0
    before = buckets(farebox, "491700000042")
    result = farebox("subscriber", "top-up", "491700000042", "--money", "1000000000000")
    assert result.exit_code == 1
    assert "a balance would pass its maximum (1,000,000,000,000 in money, 9,007,199,254,740,992 units)" in result.stderr
    assert buckets(farebox, "491700000042") == before


def test_an_id_that_is_too_long_blocks_nothing(farebox: Farebox) -> None:
    add = ("subscriber", "add", "--msisdn", "491700000040", "--offer", "prepaid-basic")
    long = farebox(*add, "--id", "x" * 300)
    assert (long.exit_code, long.stderr.startswith("farebox: --id: id 'xxxxxxxxxxxxxxxxxxxx...' of 300 octets")) == (
        2,
        True,
    )
    assert farebox(*add).exit_code == 0
    top_up = farebox("subscriber", "top-up", "491700000040", "--money", "1", "--id", "x" * 300)
    assert (top_up.exit_code, "choose 1.." in top_up.stderr) == (2, True)


def test_a_claim_without_an_account_is_shown_as_that_and_taken_over(farebox: Farebox, client: "Redis[bytes]") -> None:
    """What an opening leaves that was cut off between the claim of its identity and its command."""
    client.set("1:e164:491700000041", "999999:0")
    show = farebox("subscriber", "show", "491700000041")
    assert (show.exit_code, "the opening was cut off before its command was sent" in show.stderr) == (1, True)
    assert farebox("subscriber", "add", "--msisdn", "491700000041", "--offer", "prepaid-basic").exit_code == 0
    assert account(farebox, "491700000041")["account_id"] != 999999


def test_terms_other_than_the_offers(farebox: Farebox) -> None:
    terms = ("--money", "0.05", "--allowances", "-", "--credit-limit", "3", "--expires", "2199-01-01")
    assert farebox("subscriber", "add", "--private", "k", "--offer", "prepaid-plus", *terms).exit_code == 0
    view = account(farebox, "private:k")
    assert (view["credit_limit_micros"], view["currency"], view["money"]["remaining"]) == (3_000_000, "EUR", "0.050000")
    assert [bucket["name"] for bucket in view["buckets"]] == ["bill", "money"]


def test_a_postpaid_account_owes_within_its_limit(farebox: Farebox) -> None:
    """The offer's, or another one; an account without one has no bill."""
    assert farebox("catalog", "publish", str(POSTPAID), "--tenant", "post").exit_code == 0
    shown = farebox("catalog", "show", "--tenant", "post").stdout
    assert "50.00 EUR" in shown
    assert "bill" in shown
    of_post = ("--tenant", "post")
    for number, offer, more in ((50, "postpaid-m", ()), (51, "hybrid-m", ("--credit-limit", "7.5"))):
        added = farebox("subscriber", "add", "--msisdn", f"4917000000{number}", "--offer", offer, *more, *of_post)
        assert added.exit_code == 0, added.output
    postpaid, hybrid = (account(farebox, f"4917000000{number}", *of_post) for number in (50, 51))
    nothing = {"owed_micros": 0, "reserved_micros": 0, "owed": "0.000000"}
    assert postpaid["bill"] == nothing | {"limit_micros": 50_000_000}
    assert hybrid["bill"] == nothing | {"limit_micros": 7_500_000}
    assert [bucket["name"] for bucket in postpaid["buckets"]] == ["bill", "data-20gib"]
    assert (hybrid["money"]["remaining"], postpaid["money"]["remaining"]) == ("5.000000", "0.000000")
    assert "0.00 EUR of at most 50.00 EUR" in farebox("subscriber", "show", "491700000050", *of_post).stdout
    assert farebox("subscriber", "top-up", "491700000050", "--money", "3", *of_post).exit_code == 0
    after = account(farebox, "491700000050", *of_post)
    assert (after["bill"], after["money"]["remaining"]) == (postpaid["bill"], "3.000000"), "a top-up settles no bill"
    prepaid = ("subscriber", "add", "--msisdn", "491700000052", "--offer", "prepaid-basic")
    assert farebox(*prepaid).exit_code == 0
    assert "bill" not in account(farebox, "491700000052")
    assert "no bill" in farebox("subscriber", "show", "491700000052").stdout


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
    assert "tenant none is not known (known: default" in farebox("subscriber", "show", "499", "--tenant", "none").stderr


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


def test_a_store_that_is_away_is_named(app: typer.Typer, tmp_path: Path) -> None:
    farebox = farebox_on(app, f"unix://{tmp_path}/none")
    for words in (("catalog", "show"), ("catalog", "publish", str(SAMPLE)), ("subscriber", "show", "491")):
        result = farebox(*words)
        assert result.exit_code == 2
        assert "no store answers at" in result.stderr


def test_a_damaged_release_is_named(app: typer.Typer, tmp_path: Path) -> None:
    with private_valkey(tmp_path) as address:
        create_store(address)
        farebox = farebox_on(app, address)
        assert farebox("catalog", "publish", str(SAMPLE)).exit_code == 0
        with Redis(unix_socket_path=address.removeprefix("unix://")) as client:
            client.delete("farebox:release:1:1")
        for words in (("catalog", "show"), ("subscriber", "add", "--msisdn", "491", "--offer", "prepaid-basic")):
            result = farebox(*words)
            assert result.exit_code == 2
            assert "farebox:release:1:1 is missing, but was published: publish the same files again" in result.stderr
        assert farebox("catalog", "publish", str(SAMPLE)).exit_code == 0
        assert farebox("catalog", "show").exit_code == 0


def test_the_help_names_every_column_of_a_file(app: typer.Typer) -> None:
    from runtime.subscriber_import import COLUMNS

    text = CliRunner().invoke(app, ["subscriber", "import", "--help"], env={"COLUMNS": "200"}).stdout
    assert all(column.name in text for column in COLUMNS)
