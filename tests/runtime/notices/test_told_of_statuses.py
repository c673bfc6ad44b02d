"""Whole processes: clients of open sessions are told that their account was barred, is active again, or was closed."""

from collections.abc import Iterator

import pytest

from tests.chf_http2.edge.notify_target import notify_target
from tests.runtime.notices.test_told_clients import QUICK, assert_nothing_is_held, closed_by, farebox
from tests.runtime.notices.told_clients import MIB, SUCCESS, ToldSmf, told_packet_core
from tests.runtime.running_up import RunningUp, open_account, running_up, wait_until

DENIED, USER_UNKNOWN = 4010, 5030


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """Everything, with a front end for Diameter and one for 5G."""
    with running_up(tmp_path_factory.mktemp("told") / "data", "--front-ends", "1", "--chf", "1", **QUICK) as running:
        yield running


def test_a_packet_core_asks_again_when_its_subscriber_is_barred_and_unbarred(up: RunningUp) -> None:
    imsi, session = "001010000000101", "pgw.visited.example;barred"
    open_account(up, imsi)
    with told_packet_core(up.state.ports["gy"]) as core:
        assert core.ask(1, 0, session, imsi, asked=10 * MIB).granted_octets == 10 * MIB
        assert "is barred" in farebox(up, "subscriber", "bar", imsi, "--reason", "lost phone")
        rar = core.next()
        assert (rar.header.command_code, rar.session_id) == (258, session)
        assert core.ask(2, 1, session, imsi, used=MIB, asked=10 * MIB).result == DENIED
        assert core.ask(1, 0, f"{session};2", imsi, asked=10 * MIB).result == DENIED
        farebox(up, "subscriber", "unbar", imsi)
        assert core.next().session_id == session
        assert core.ask(2, 2, session, imsi, used=0, asked=10 * MIB).granted_octets == 10 * MIB
        assert core.ask(3, 3, session, imsi, used=MIB).result == SUCCESS
    assert_nothing_is_held(up, imsi)


def test_an_smf_asks_again_when_its_subscriber_is_barred_and_ends_when_it_is_closed(
    up: RunningUp, smf: ToldSmf
) -> None:
    imsi = "001010000000102"
    open_account(up, imsi)
    with notify_target() as target:
        uri = smf.create(imsi, 101, target.uri("1"))
        farebox(up, "subscriber", "bar", imsi)
        assert target.next().body == {
            "notificationType": "REAUTHORIZATION",
            "reauthorizationDetails": [{"ratingGroup": 10}],
        }
        assert smf.update(uri, 1, MIB).result == "END_USER_SERVICE_DENIED"
        farebox(up, "subscriber", "close", imsi, "--yes")
        assert target.next().body == {"notificationType": "ABORT_CHARGING"}
        assert smf.release(uri, 2) == 204
    assert_nothing_is_held(up, imsi)


@pytest.fixture
def smf(up: RunningUp) -> Iterator[ToldSmf]:
    """An SMF."""
    one = ToldSmf(up.state.ports["chf"])
    yield one
    one.close()


def test_a_closed_accounts_sessions_are_aborted_and_its_number_is_used_again(up: RunningUp, smf: ToldSmf) -> None:
    """Front ends that knew whose the number was learn of its new account."""
    imsi, session = "001010000000103", "pgw.visited.example;closed"
    first = open_account(up, imsi)
    with told_packet_core(up.state.ports["gy"], lambda request: SUCCESS) as core:
        assert core.ask(1, 0, session, imsi, asked=10 * MIB).granted_octets == 10 * MIB
        smf.release(smf.create(imsi, 103, None), 1)
        assert "is closed" in farebox(up, "subscriber", "close", imsi, "--yes")
        asr = core.next()
        assert (asr.header.command_code, asr.session_id) == (274, session)
        assert core.ask(3, 1, session, imsi, used=MIB).result == SUCCESS
        assert_nothing_is_held(up, imsi)
        assert core.ask(1, 0, f"{session};2", imsi, asked=10 * MIB).result == DENIED
        assert open_account(up, imsi) != first
        numbers = iter(range(3, 1000))

        def is_granted() -> bool:
            asked = core.ask(1, 0, f"{session};{next(numbers)}", imsi, asked=10 * MIB)
            assert asked.result in (SUCCESS, DENIED)
            return asked.granted_octets == 10 * MIB

        wait_until("the front end for Diameter looks it up again", is_granted)
        charging_ids = iter(range(104, 1000))

        def is_created() -> bool:
            try:
                uri = smf.create(imsi, next(charging_ids), None)
            except AssertionError:
                return False
            return smf.release(uri, 1) == 204

        wait_until("so does the one for 5G", is_created)
    wait_until("the record of the closed one is written", lambda: closed_by(up, session) == ["termination"])
