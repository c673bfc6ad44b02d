"""A notifier that dies at each of its kill points in turn: every client is told, none without an end, and the books hold."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from balances.session_commands import SessionAction
from runtime.kill_points import KILL_POINTS, KILLED_LINE, VARIABLE
from runtime.notices.notice import Stage
from tests.catalog_loader.sample_release import SAMPLE_2, checked_sample
from tests.chf_http2.edge.notify_target import Notification, Reply, notify_target
from tests.runtime.notices.told_clients import MIB, ToldSmf, told_packet_core
from tests.runtime.notices.told_store import ToldStore
from tests.runtime.running_up import RunningUp, invoke, open_account, running_up, wait_until

POINTS = [point.name for point in KILL_POINTS if point.process == "notifier"]
UNKNOWN_SESSION_ID = 5002
TRIES_MAX = 4
"""Messages of one notice: a death at `told` and one at `settled` cost one more each, a busy machine may cost another."""
SETTINGS = {
    "FAREBOX_CHF_PORT": "0",
    "FAREBOX_NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8",
    "FAREBOX_NOTIFY_TIMEOUT_S": "1",
    "FAREBOX_NOTIFY_RETRY_MAX_S": "1",
    "FAREBOX_NOTIFY_REPORT_S": "60",
    "FAREBOX_NOTIFY_PRICE_CHANGES_PER_S": "1",
}


def killed_at(up: RunningUp) -> list[str]:
    """Points at which a notifier ended, in order."""
    lines = [line for path in up.folder.logs.glob("notifier.log*") for line in path.read_text().splitlines()]
    return [line.removeprefix(KILLED_LINE).strip() for line in lines if line.startswith(KILLED_LINE)]


@pytest.mark.timeout(240)
def test_what_is_owed_is_told_whenever_the_notifier_dies(tmp_path: Path) -> None:
    going, lost, another = "001010000000001", "001010000000002", "001010000000003"
    told: dict[str, int] = {}

    def answer(notification: Notification) -> Reply:
        told[notification.path] = told.get(notification.path, 0) + 1
        return Reply(204)

    armed = {VARIABLE: ",".join(POINTS)}
    with (
        running_up(tmp_path / "data", "--chf", "1", **SETTINGS, **armed) as up,
        notify_target(answer) as target,
        ToldStore(up.state.store_url) as store,
    ):
        for imsi in (going, lost, another):
            open_account(up, imsi)
        smf = ToldSmf(up.state.ports["chf"])
        uris = {imsi: smf.create(imsi, int(imsi[-1]), target.uri(imsi)) for imsi in (going, another)}

        store.ask(going, SessionAction.REAUTHORIZE)
        wait_until("it is told and noted", lambda: "notifier.settled" in killed_at(up), 60)
        wait_until("a report is waited for", lambda: store.owed(going).stage is Stage.TOLD)
        assert 1 <= told[f"/nsmf-callback/{going}"] <= TRIES_MAX
        assert smf.update(uris[going], 1, MIB).granted_octets == 10 * MIB
        wait_until("its report settles it", lambda: store.owed(going) is None)

        with told_packet_core(up.state.ports["gy"], lambda request: UNKNOWN_SESSION_ID) as core:
            assert core.ask(1, 0, "pgw.visited.example;lost", lost, asked=MIB).granted_octets == MIB
            store.ask(lost, SessionAction.ABORT)
            wait_until("its session is ended", lambda: not store.sessions(lost), 60)
            assert 1 <= core.told.qsize() <= TRIES_MAX

        told.clear()
        store.publish(checked_sample(SAMPLE_2))
        for imsi in (going, another):
            wait_until("it is told of new prices", lambda imsi=imsi: told.get(f"/nsmf-callback/{imsi}"), 60)
            numbers = itertools.count(2)

            def is_settled(imsi: str = imsi, numbers: Iterator[int] = numbers) -> bool:
                """Report for each message: one may be owed again by who looked at the session just before a report."""
                if told.pop(f"/nsmf-callback/{imsi}", 0):
                    assert smf.update(uris[imsi], next(numbers), MIB).granted_octets is not None
                return store.owed(imsi) is None

            wait_until("its reports settle it", is_settled)
            assert next(numbers) <= 2 + TRIES_MAX
            assert smf.release(uris[imsi], 9) == 204
        assert killed_at(up) == POINTS
        audited = invoke("audit", "--store", up.state.store_url, "--data-dir", str(up.folder.path))
        assert audited.returncode == 0, audited.stdout + audited.stderr
        smf.close()
