"""Whole processes: clients that ran out of money wait to be told, ask again and go on; others are aborted, or are gone."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cdr.edge.read import RecordReader
from tests.chf_http2.edge.notify_target import Notification, Reply, notify_target
from tests.runtime.notices.told_clients import MIB, SUCCESS, ToldSmf, told_packet_core
from tests.runtime.running_up import RunningUp, command, environment, invoke, open_account, running_up, wait_until

ALL = 1524 * MIB
"""The allowance, and what 10 EUR buy: usage that leaves nothing."""
QUICK = {
    "FAREBOX_CHF_PORT": "0",
    "FAREBOX_NOTIFY_ALLOWED_NETWORKS": "default,127.0.0.0/8",
    "FAREBOX_NOTIFY_REPORT_S": "2",
    "FAREBOX_NOTIFY_TOLD_MAX": "1",
    "FAREBOX_NOTIFY_TIMEOUT_S": "1",
    "FAREBOX_NOTIFY_RETRY_MAX_S": "1",
}
UNKNOWN_SESSION_ID = 5002


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """Everything, with two front ends for Diameter and one for 5G."""
    with running_up(tmp_path_factory.mktemp("told") / "data", "--front-ends", "2", "--chf", "1", **QUICK) as running:
        yield running


@pytest.fixture
def smf(up: RunningUp) -> Iterator[ToldSmf]:
    """An SMF."""
    one = ToldSmf(up.state.ports["chf"])
    yield one
    one.close()


def farebox(up: RunningUp, *arguments: str) -> str:
    """What a command says; it must end well."""
    done = invoke(*arguments, "--store", up.state.store_url)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def top_up(up: RunningUp, imsi: str) -> None:
    """5 EUR more."""
    farebox(up, "subscriber", "top-up", imsi, "--money", "5")


def open_sessions(up: RunningUp, imsi: str) -> list[dict[str, Any]]:
    """What `farebox session list --json` says."""
    found: list[dict[str, Any]] = json.loads(farebox(up, "session", "list", imsi, "--json"))
    return found


def assert_nothing_is_held(up: RunningUp, imsi: str) -> None:
    """No session is open, nothing reserved, and the audit agrees."""
    wait_until("the session is ended", lambda: not open_sessions(up, imsi))
    shown = json.loads(farebox(up, "subscriber", "show", imsi, "--json"))
    assert all(bucket["reserved"] == 0 for bucket in shown["buckets"])
    farebox(up, "audit", "--data-dir", str(up.folder.path))


def closed_by(up: RunningUp, session_id: str) -> list[str]:
    """What closed the session's charging records."""
    with RecordReader(up.folder.records) as reader:
        return [str(row["closed_by"]) for row in reader.rows() if row["session_id"] == session_id]


def test_a_packet_core_that_ran_out_is_told_of_a_top_up_and_goes_on(up: RunningUp) -> None:
    imsi, session = "001010000000001", "pgw.visited.example;told"
    open_account(up, imsi)
    with told_packet_core(up.state.ports["gy"]) as core:
        assert core.ask(1, 0, session, imsi, asked=10 * MIB).granted_octets == 10 * MIB
        assert core.ask(2, 1, session, imsi, used=ALL, asked=10 * MIB).result == 4012
        assert core.told.empty()
        top_up(up, imsi)
        rar = core.next()
        assert (rar.header.command_code, rar.header.application_id) == (258, 4)
        assert rar.header.is_request
        assert rar.header.is_proxyable
        assert (rar.session_id, rar.auth_application_id, rar.re_auth_request_type) == (session, 4, 0)
        assert (rar.destination_host, rar.destination_realm) == (b"pgw.visited.example", b"visited.example")
        assert rar.origin_host
        assert rar.origin_realm
        assert [avp.value for avp in rar.find_avps((432, 0))] == [10]
        assert core.ask(2, 2, session, imsi, used=0, asked=10 * MIB).granted_octets == 10 * MIB
        wait_until("nothing more is owed", lambda: open_sessions(up, imsi)[0]["owed"] is None)
        assert core.ask(3, 3, session, imsi, used=MIB).result == SUCCESS
        assert core.told.empty(), "it was told once"
    assert_nothing_is_held(up, imsi)


def test_an_smf_that_ran_out_is_notified_of_a_top_up_where_it_said_last(up: RunningUp, smf: ToldSmf) -> None:
    imsi = "001010000000002"
    open_account(up, imsi)
    with notify_target() as first, notify_target() as second:
        uri = smf.create(imsi, 1, first.uri("1"))
        assert smf.update(uri, 1, ALL, second.uri("2")).result == "QUOTA_LIMIT_REACHED"
        top_up(up, imsi)
        notification = second.next()
        assert notification.path == "/nsmf-callback/2"
        assert notification.headers[":method"] == "POST"
        assert notification.headers["content-type"] == "application/json"
        assert notification.headers["3gpp-sbi-callback"] == "Nchf_ConvergedCharging_Notify; apiversion=3"
        assert notification.headers["3gpp-sbi-max-rsp-time"] == "1000"
        assert notification.body == {
            "notificationType": "REAUTHORIZATION",
            "reauthorizationDetails": [{"ratingGroup": 10}],
        }
        assert smf.update(uri, 2, 0).granted_octets == 10 * MIB
        wait_until("nothing more is owed", lambda: open_sessions(up, imsi)[0]["owed"] is None)
        assert smf.release(uri, 3) == 204
        assert first.got.empty()
        assert second.got.empty()
    assert_nothing_is_held(up, imsi)


def test_a_client_for_which_nothing_is_left_to_do_keeps_its_session(up: RunningUp) -> None:
    """2001 to an RAR: no update has to follow (Open5GS never sends one)."""
    imsi, session = "001010000000012", "pgw.visited.example;idle"
    open_account(up, imsi)
    with told_packet_core(up.state.ports["gy"], lambda request: SUCCESS) as core:
        assert core.ask(1, 0, session, imsi, asked=10 * MIB).granted_octets == 10 * MIB
        farebox(up, "session", "reauth", session)
        core.next()
        wait_until("nothing more is owed", lambda: open_sessions(up, imsi)[0]["owed"] is None)
        assert core.ask(3, 1, session, imsi, used=MIB).result == SUCCESS


def test_an_operator_aborts_a_session_whose_client_has_lost_it(up: RunningUp) -> None:
    imsi, session = "001010000000003", "pgw.visited.example;lost"
    open_account(up, imsi)
    with told_packet_core(up.state.ports["gy"], lambda request: UNKNOWN_SESSION_ID) as core:
        assert core.ask(1, 0, session, imsi, asked=10 * MIB).granted_octets == 10 * MIB
        farebox(up, "session", "abort", session)
        asr = core.next()
        assert (asr.header.command_code, asr.session_id, asr.auth_application_id) == (274, session, 4)
        assert_nothing_is_held(up, imsi)
        assert core.ask(2, 1, session, imsi, used=MIB, asked=MIB).result == UNKNOWN_SESSION_ID
    wait_until(
        "its records are written, the refused report's too", lambda: closed_by(up, session) == ["abort", "refusal"]
    )


def test_a_session_that_its_smf_has_lost_is_ended(up: RunningUp, smf: ToldSmf) -> None:
    imsi = "001010000000004"
    open_account(up, imsi)
    with notify_target(lambda notification: Reply(404)) as target:
        ref = smf.create(imsi, 2, target.uri("gone")).rpartition("/")[2]
        assert f"nchf;{ref[:32]}" in farebox(up, "session", "show", ref)
        farebox(up, "session", "abort", ref)
        assert target.next().body == {"notificationType": "ABORT_CHARGING"}
        assert_nothing_is_held(up, imsi)


def test_a_client_that_takes_a_message_and_heeds_it_not_loses_its_session(up: RunningUp, smf: ToldSmf) -> None:
    imsi = "001010000000005"
    open_account(up, imsi)
    with notify_target() as target:
        smf.create(imsi, 3, target.uri("idle"))
        farebox(up, "session", "reauth", imsi)
        target.next()
        assert_nothing_is_held(up, imsi)


def test_a_notification_follows_redirections_and_is_tried_again(up: RunningUp, smf: ToldSmf) -> None:
    imsi = "001010000000006"
    open_account(up, imsi)
    replies = iter([Reply(503), Reply(307, (("location", "/nsmf-callback/moved"),)), Reply(204)])

    def answer(notification: Notification) -> Reply:
        return next(replies)

    with notify_target(answer) as target:
        uri = smf.create(imsi, 4, target.uri("first"))
        farebox(up, "session", "reauth", imsi)
        paths = [target.next().path for _ in range(3)]
        assert paths == ["/nsmf-callback/first", "/nsmf-callback/first", "/nsmf-callback/moved"]
        assert smf.release(uri, 1) == 204


def test_one_that_hangs_and_one_that_is_forbidden_hold_up_nobody(up: RunningUp, smf: ToldSmf) -> None:
    hanging, forbidden, good = "001010000000007", "001010000000008", "001010000000009"
    for imsi in (hanging, forbidden, good):
        open_account(up, imsi)
    with notify_target(lambda notification: None) as silent, notify_target() as target:
        uris = [smf.create(hanging, charging_id, silent.uri(str(charging_id))) for charging_id in range(10, 22)]
        uris.append(smf.create(forbidden, 22, "http://169.254.169.254/latest/meta-data"))
        uris.append(smf.create(good, 23, target.uri("good")))
        for imsi in (hanging, forbidden, good):
            farebox(up, "session", "reauth", imsi)
        assert target.next().path == "/nsmf-callback/good"
        assert all(session["owed"] is not None for session in open_sessions(up, hanging)), "tried again and again"
        wait_until("the forbidden one is given up", lambda: open_sessions(up, forbidden)[0]["owed"] is None)
        assert "not in notify.allowed_networks" in (up.folder.logs / "notifier.log").read_text()
        assert "not in notify.allowed_networks" in open_sessions(up, forbidden)[0]["given_up"]
        shown = farebox(up, "session", "show", forbidden)
        assert "re-authorisation; given up at 20" in shown
        assert "after 1 try; 169.254.169.254" in shown
        assert open_sessions(up, hanging)[0]["given_up"] is None
        for uri in uris:
            assert smf.release(uri, 1) == 204


def test_what_is_owed_outlives_the_notifier_and_a_client_that_is_away(up: RunningUp) -> None:
    imsi, session = "001010000000010", "pgw.away.example;1"
    open_account(up, imsi)
    with told_packet_core(up.state.ports["gy"], host="pgw.away.example") as core:
        assert core.ask(1, 0, session, imsi, asked=10 * MIB).granted_octets == 10 * MIB
    farebox(up, "session", "reauth", session)
    wait_until("it was tried", lambda: "no connection leads" in str(open_sessions(up, imsi)[0]["owed"]))
    pids = up.state.pids
    os.kill(pids["notifier"], signal.SIGKILL)
    up.wait_ready("notifier", but_not=pids)
    with told_packet_core(up.state.ports["gy"], host="pgw.away.example") as core:
        assert core.next().session_id == session
        assert core.ask(3, 1, session, imsi, used=MIB).result == SUCCESS
    assert_nothing_is_held(up, imsi)


@contextmanager
def another_notifier(up: RunningUp, folder: Path) -> Iterator[Callable[[str], Any]]:
    """A second one, as of another machine: with a data directory of its own; asks whether its log has some words."""
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            command("notifier", "--data-dir", str(folder / "data"), "--store", up.state.store_url),
            env=environment(**QUICK),
            stdout=file,
            stderr=file,
        )
    try:
        yield lambda words: words in log.read_text()
    finally:
        process.kill()
        process.wait()


def test_of_two_notifiers_one_tells_and_the_other_goes_on_when_it_hangs_or_dies(
    up: RunningUp, smf: ToldSmf, tmp_path: Path
) -> None:
    imsi = "001010000000020"
    open_account(up, imsi)
    with notify_target() as target:
        uri = smf.create(imsi, 40, target.uri("one"))
        with another_notifier(up, tmp_path) as has_said:
            wait_until("it stands by", lambda: has_said("notifier stands by"))
            farebox(up, "session", "reauth", imsi)
            target.next()
            assert smf.update(uri, 1, 0).granted_octets == 10 * MIB
            wait_until("nothing more is owed", lambda: open_sessions(up, imsi)[0]["owed"] is None)

            first = up.state.pids["notifier"]
            os.kill(first, signal.SIGSTOP)
            try:
                wait_until("it takes the other's place", lambda: has_said("notifier tells clients"))
                refused = invoke(
                    "notifier", "--retire", "--data-dir", str(tmp_path / "third"), "--store", up.state.store_url
                )
                assert (refused.returncode, "works on the store: stop it first" in refused.stderr) == (2, True)
                farebox(up, "session", "reauth", imsi)
                target.next()
            finally:
                os.kill(first, signal.SIGCONT)
            log = up.folder.logs / "notifier.log"
            wait_until("the first stands by", lambda: "another notifier tells clients now" in log.read_text())
            assert smf.update(uri, 2, 0).granted_octets == 10 * MIB
            wait_until("nothing more is owed", lambda: open_sessions(up, imsi)[0]["owed"] is None)
            assert not has_said("another notifier tells clients now")
        assert up.state.pids["notifier"] == first
        farebox(up, "session", "reauth", imsi)
        target.next()
        assert smf.release(uri, 3) == 204
        assert target.got.empty(), "each was told once"
    assert_nothing_is_held(up, imsi)


def test_commands_say_what_they_cannot_do_and_are_done_once(up: RunningUp) -> None:
    imsi, session = "001010000000011", "pgw.visited.example;twice"
    open_account(up, imsi)

    def said(*arguments: str) -> tuple[int, str]:
        done = invoke("session", *arguments, "--store", up.state.store_url)
        return done.returncode, done.stdout + done.stderr

    assert said("reauth", "pgw;none") == (
        2,
        "farebox: no open session pgw;none: farebox session list shows those that are\n",
    )
    assert said("abort", "001019999999999")[0] == 2
    assert said("abort", imsi) == (1, f"farebox: {imsi} has no open session\n")
    with told_packet_core(up.state.ports["gy"]) as core:
        assert core.ask(1, 0, session, imsi, asked=10 * MIB).granted_octets == 10 * MIB
        for _ in range(2):
            code, text = said("reauth", session, "--id", "night-shift")
            assert (code, text.partition(";")[0]) == (0, "the client of session pgw.visited.example")
        core.next()
        code, text = said("abort", session, "--id", "night-shift")
        assert (code, "was used for another command" in text) == (1, True)
        shown = farebox(up, "session", "show", session)
        assert "re-authorisation; taken 1 time, a report is waited for until 20" in " ".join(shown.split())
        assert "; answered 2002" in shown
        assert core.ask(3, 1, session, imsi, used=MIB).result == SUCCESS
        assert core.told.empty(), "one command tells once"
