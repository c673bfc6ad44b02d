"""`farebox simulate smf` against a real `farebox up --chf`: samples, notifications, and how it ends where it can't go on."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from cdr.edge.read import RecordReader
from chf_http2.config import ChfConfig
from chf_http2.edge.http2_server import Response
from chf_http2.edge.listener import Listener
from runtime.simulate.notifications import BODY_OCTETS_MAX, Notification
from runtime.simulate.player import Exchange, Happening, PlayStopped, player_of
from runtime.simulate.read_scenario import parse_scenario, sample_names
from runtime.simulate.scenario import Kind
from tests.runtime.running_up import IMSI, Invoked, RunningUp, invoke, open_account, running_up, wait_until

pytestmark = pytest.mark.timeout(240)
SUPI = f"imsi-{IMSI}"
REAUTHORIZATION = {"notificationType": "REAUTHORIZATION", "reauthorizationDetails": [{"ratingGroup": 10}]}
ABORT = {"notificationType": "ABORT_CHARGING"}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """With the sample catalogue and an account of the sample's offer."""
    folder = tmp_path_factory.mktemp("simulate")
    settings = {"FAREBOX_CHF_PORT": "0", "FAREBOX_CHF_WRAPS_VOLUMES": "true"}
    with running_up(folder / "data", "--chf", "1", **settings) as running:
        open_account(running, IMSI)
        yield running
        audit = invoke("audit", "--store", running.state.store_url, "--data-dir", str(folder / "data"))
        assert audit.returncode == 0, audit.stdout + audit.stderr


def url_of(up: RunningUp) -> str:
    return f"http://127.0.0.1:{up.state.ports['chf']}"


def play(up: RunningUp, *arguments: str) -> Invoked:
    return invoke("simulate", "smf", *arguments, "--chf", url_of(up), "--supi", SUPI)


@pytest.mark.parametrize("name", sample_names())
def test_samples_are_answered_as_they_expect(up: RunningUp, name: str) -> None:
    played = play(up, name)
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Everything was answered as expected." in played.stdout
    assert "SUCCESS" in played.stdout
    shown = invoke("session", "list", "--json", "--store", up.state.store_url)
    assert '"session_id"' not in shown.stdout, "every session was released"


def recorded(up: RunningUp, created: Exchange) -> list[dict[str, Any]]:
    """The rows of the session that this began, once its release is on record."""
    session_id = f"nchf;{created.location.rpartition('/')[2][:32]}"
    rows: list[dict[str, Any]] = []
    with RecordReader(up.folder.records) as reader:

        def has_ended() -> bool:
            rows.extend(row for row in reader.rows() if row["session_id"] == session_id)
            return any(row["closed_by"] == "termination" for row in rows)

        wait_until("the session's last record", has_ended)
    return sorted(rows, key=lambda row: int(row["sequence"]))


def carried_of(row: dict[str, Any]) -> dict[str, Any]:
    """What Nchf carried to it."""
    said: dict[str, Any] = json.loads(bytes.fromhex(row["service_information"]))
    return said


def test_details_of_usage_are_in_the_records_files_as_they_were_sent(up: RunningUp) -> None:
    steps = """
          - update:
              multipleUnitUsage: [{ratingGroup: 10, usedUnitContainer: [{totalVolume: 7, pDUContainerInformation: {qFI: 5}}]}]
            times: 3
          - update: {multipleUnitUsage: [{ratingGroup: 10, usedUnitContainer: [{totalVolume: 1}]}]}
          - release: {multipleUnitUsage: [{ratingGroup: 10, usedUnitContainer: [{totalVolume: 2, serviceId: 8}]}]}
    """
    happened, faults, _ = asyncio.run(played(up, steps, {}))
    assert faults == []
    exchanges = [one for one in happened if isinstance(one, Exchange)]
    rows = recorded(up, exchanges[0])
    assert [row["closed_by"] for row in rows] == ["usage_details"] * 3 + ["termination"]
    assert [row["request_count"] for row in rows] == [2, 1, 1, 2]
    assert [row["used_units"] for row in rows] == [7, 7, 7, 3]
    carried = [carried_of(row) for row in rows]
    sent = [exchanges[place].request["multipleUnitUsage"] for place in (1, 2, 3, 5)]
    assert [one["multipleUnitUsage"] for one in carried] == sent
    assert carried[0]["multipleUnitUsage"][0]["usedUnitContainer"][0]["pDUContainerInformation"] == {"qFI": 5}


def test_a_session_is_described_in_records_behind_that_of_a_report_within_its_description(up: RunningUp) -> None:
    report = {"rANSecondaryRATType": "NR", "qosFlowsUsageReports": []}
    steps = f"""
          - update: {{pDUSessionChargingInformation: {{chargingId: 7}}}}
          - update: {{pDUSessionChargingInformation: {{chargingId: 8, rANSecondaryRATUsageReport: {json.dumps(report)}}}}}
          - update: {{multipleUnitUsage: [{{ratingGroup: 10, usedUnitContainer: [{{totalVolume: 1, serviceId: 8}}]}}]}}
          - release: {{}}
    """
    happened, faults, _ = asyncio.run(played(up, steps, {}))
    assert faults == []
    (created, *_) = [one for one in happened if isinstance(one, Exchange)]
    rows = recorded(up, created)
    assert [row["closed_by"] for row in rows] == ["usage_details", "usage_details", "termination"]
    carried = [carried_of(row) for row in rows]
    member = "pDUSessionChargingInformation"
    assert [said[member] for said in carried] == [{"chargingId": 8}] * 3
    assert [said.get(f"{member}.rANSecondaryRATUsageReport") for said in carried] == [report, None, None]


def test_bodies_are_shown_whole(up: RunningUp) -> None:
    played = play(up, "--bodies")
    assert '"pDUContainerInformation"' in played.stdout
    assert '"finalUnitIndication"' not in played.stdout


def test_what_is_not_as_expected_is_told_and_exit_code_1(up: RunningUp, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        """
        members:
          serviceSpecificationInfo: 32255@3gpp.org
          nfConsumerIdentification: {nodeFunctionality: SMF}
        steps:
          - create: {multipleUnitUsage: [{ratingGroup: 30, requestedUnit: {}}]}
            expect: {answer: {multipleUnitInformation: [{ratingGroup: 30, resultCode: SUCCESS}]}}
          - release: {}
            expect: {status: 200}
          - wait: {notification: ABORT_CHARGING, seconds: 0.1}
        """
    )
    played = play(up, str(file))
    assert played.returncode == 1
    told = [line for line in played.stdout.splitlines() if line.startswith("not as expected: ")]
    assert len(told) == 3
    assert "steps[0]" in told[0]
    assert "END_USER_SERVICE_DENIED" in told[0]
    assert "release is answered 204, expected 200" in told[1]
    assert "no ABORT_CHARGING within 0.1 s" in told[2]


async def played(up: RunningUp, steps: str, posts: dict[int, Any]) -> tuple[list[Happening], list[str], list[int]]:
    """Happenings and faults of a scenario during which, behind so many happenings, these bodies are posted to the notifyUri;
    and what the posts were answered."""
    scenario = parse_scenario(
        f"""
        chf: {{url: '{url_of(up)}'}}
        notify: {{reports: [{{ratingGroup: 10, usedUnitContainer: [{{totalVolume: 1 MiB}}]}}]}}
        members:
          subscriberIdentifier: {SUPI}
          serviceSpecificationInfo: 32255@3gpp.org
          nfConsumerIdentification: {{nodeFunctionality: SMF}}
        steps:
          - create: {{multipleUnitUsage: [{{ratingGroup: 10, requestedUnit: {{totalVolume: 2 MiB}}}}]}}
{steps}
        """,
        "s.yaml",
    )
    happened: list[Happening] = []
    statuses = []
    async with (
        player_of(scenario) as (player, notify_uri),
        httpx.AsyncClient(http1=False, http2=True, trust_env=False) as client,
        aclosing(player.play()) as happenings,
    ):
        async for happening in happenings:
            happened.append(happening)
            if len(happened) in posts:
                path, body = posts[len(happened)]
                statuses.append((await client.post(notify_uri + path, json=body)).status_code)
        return happened, player.faults, statuses


def words(happened: list[Happening]) -> list[str]:
    """Kinds of exchanges, types of notifications."""
    return [str(one.kind) if isinstance(one, Exchange) else one.type for one in happened]


def test_reauthorisation_is_followed_by_an_update_and_abort_by_a_release(up: RunningUp) -> None:
    steps = """
          - wait: {notification: REAUTHORIZATION, seconds: 20}
          - update: {}
          - wait: {notification: ABORT_CHARGING, seconds: 20}
    """
    posts = {1: ("", REAUTHORIZATION), 4: ("", ABORT)}
    happened, faults, statuses = asyncio.run(played(up, steps, posts))
    assert faults == []
    assert statuses == [204, 204]
    assert words(happened) == ["create", "REAUTHORIZATION", "update", "update", "ABORT_CHARGING", "release"]
    asked_for, released = happened[2], happened[5]
    assert isinstance(asked_for, Exchange)
    assert isinstance(released, Exchange)
    (usage,) = asked_for.request["multipleUnitUsage"]
    assert usage["usedUnitContainer"][0]["triggers"][0]["triggerType"] == "FORCED_REAUTHORISATION"
    (information,) = asked_for.answer["multipleUnitInformation"]
    assert information["grantedUnit"] == {"totalVolume": 2 << 20}
    assert (released.kind, released.status) == (Kind.RELEASE, 204)


def test_steps_behind_an_abort_are_faults(up: RunningUp) -> None:
    happened, faults, statuses = asyncio.run(played(up, "          - update: {}\n", {1: ("", ABORT)}))
    assert statuses == [204]
    assert words(happened) == ["create", "ABORT_CHARGING", "release"]
    assert faults == ["steps[1].update: no session is open any more"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/other", ABORT, 404),
        ("", [], 400),
        ("", {"notificationType": 3}, 400),
        ("", {**REAUTHORIZATION, "reauthorizationDetails": [7]}, 400),
        ("", {**REAUTHORIZATION, "reauthorizationDetails": [{"ratingGroup": "10"}]}, 400),
        ("", {**ABORT, "more": "x" * BODY_OCTETS_MAX}, 413),
        ("", {"notificationType": "SOMETHING_NEW"}, 204),
    ],
)
def test_what_cannot_be_acted_upon_is_shown_and_nothing_else(up: RunningUp, path: str, body: Any, status: int) -> None:
    happened, faults, statuses = asyncio.run(played(up, "          - release: {}\n", {1: (path, body)}))
    assert statuses == [status]
    assert faults == []
    assert [type(one) for one in happened] == [Exchange, Notification, Exchange]


def test_a_session_that_has_ended_is_told_404(up: RunningUp) -> None:
    steps = "          - release: {}\n          - wait: {seconds: 0.2}\n"
    happened, faults, statuses = asyncio.run(played(up, steps, {2: ("", REAUTHORIZATION)}))
    assert statuses == [404]
    assert faults == []
    assert words(happened) == ["create", "release", "REAUTHORIZATION"]


def test_who_reports_what_was_not_granted_is_stopped(up: RunningUp) -> None:
    steps = """
          - update: {multipleUnitUsage: [{ratingGroup: 20, usedUnitContainer: [{time: granted}]}]}
    """
    with pytest.raises(PlayStopped, match=r"steps\[1\]\.update: rating group 20 .*none was: write how much"):
        asyncio.run(played(up, steps, {}))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<html>", ""),
        (b"[]", ""),
        (b'{"multipleUnitInformation": 3}', "is 3, no list"),
        (b'{"multipleUnitInformation": [{"grantedUnit": {}}]}', "has {'grantedUnit': {}}"),
        (b'{"multipleUnitInformation": [{"ratingGroup": 1, "triggers": [1]}]}', "has {'ratingGroup': 1"),
    ],
)
def test_a_chf_that_answers_nonsense_is_a_fault_and_no_crash(answer: bytes, words: str) -> None:
    async def nonsense() -> tuple[list[Happening], list[str]]:
        said = Response(201, (("content-type", "application/json"),), answer)
        listener = Listener(lambda request: said, ChfConfig(port=0), now_ns=time.time_ns)
        await listener.start()
        text = f"chf: {{url: 'http://127.0.0.1:{listener.port}'}}\nsteps: [{{create: {{}}}}, {{update: {{}}}}]"
        try:
            async with player_of(parse_scenario(text, "s.yaml")) as (player, _):
                return [happening async for happening in player.play()], player.faults
        finally:
            await listener.close()

    happened, faults = asyncio.run(nonsense())
    assert len(happened) == 1
    assert any("no Location" in fault for fault in faults)
    assert faults[-1] == "steps[1].update: no session is open any more"
    assert any(words in fault for fault in faults)


def test_what_cannot_be_done_is_exit_code_2(tmp_path: Path) -> None:
    nobody = invoke("simulate", "smf", "--chf", "http://127.0.0.1:9")
    assert nobody.returncode == 2
    assert "farebox up --chf 1" in nobody.stderr
    assert "write it as http://" in invoke("simulate", "smf", "--chf", "127.0.0.1").stderr
    file = tmp_path / "s.yaml"
    file.write_text("notify: {host: 192.0.2.1}\nsteps: [{create: {}}]")
    away = invoke("simulate", "smf", str(file))
    assert away.returncode == 2
    assert "notify.host" in away.stderr
    file.write_text("chf: {url: https://127.0.0.1:9, ca: s.yaml}\nsteps: [{create: {}}]".replace("s.yaml", str(file)))
    unsafe = invoke("simulate", "smf", str(file))
    assert unsafe.returncode == 2
    assert "name PEM files" in unsafe.stderr
    file.write_text("steps: []")
    wrong = invoke("simulate", "smf", str(file))
    assert wrong.returncode == 2
    assert "steps: nothing is done" in wrong.stderr


def test_the_file_of_a_sample_is_printed_to_begin_with() -> None:
    printed = invoke("simulate", "smf", "free5gc", "--print")
    assert printed.returncode == 0
    assert parse_scenario(printed.stdout, "stdout").is_counting is False
