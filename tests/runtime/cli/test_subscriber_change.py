"""Commands that change an account, as somebody types them, on a real store with a real engine."""

import pytest

from tests.catalog_loader.sample_release import POSTPAID
from tests.runtime.cli.typed import Farebox, account, buckets

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first


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


def test_a_credit_limit_is_raised_and_lowered(farebox: Farebox) -> None:
    assert farebox("subscriber", "add", "--msisdn", "491792", "--offer", "prepaid-basic").exit_code == 0

    def limit(*words: str) -> tuple[int, str]:
        result = farebox("subscriber", "credit-limit", "491792", *words)
        return result.exit_code, result.stdout or result.stderr

    code, said = limit("--to", "80.00", "--reason", "pays on time", "--id", "limit-1")
    assert (code, "may owe 80.00 EUR on its bill, 0.00 EUR before" in said) == (0, True), said
    assert limit("--to", "80", "--reason", "pays on time", "--id", "limit-1")[0] == 0, "a repeat is done once"
    assert account(farebox, "491792")["bill"]["limit_micros"] == 80_000_000
    assert "as before" in limit("--to", "80")[1]
    assert limit("--to", "5") == (2, limit("--to", "5")[1])
    assert "80.00 EUR; nobody can be asked whether that is meant: say --yes" in limit("--to", "5")[1]
    assert limit("--to", "5", "--yes")[0] == 0
    assert account(farebox, "491792")["bill"]["limit_micros"] == 5_000_000
    for wrong in ("-5", "much", "1,5", "1e3"):
        code, said = limit("--to", wrong)
        assert (code, said.startswith("farebox: --to: ")) == (2, True), said
