"""Triggers of settings: their words, their defaults, and what is wrong with others."""

import msgspec
import pytest

from chf_http2.config import ChfConfig
from chf_http2.errors import ChfConfigError
from chf_http2.triggers import OF_QUOTA, TRIGGERS_MAX, TriggerFault, trigger_of, triggers_of


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("RAT_CHANGE", {"triggerType": "RAT_CHANGE", "triggerCategory": "IMMEDIATE_REPORT"}),
        ("USER_LOCATION_CHANGE", {"triggerType": "USER_LOCATION_CHANGE", "triggerCategory": "DEFERRED_REPORT"}),
        (
            "USER_LOCATION_CHANGE immediate",
            {"triggerType": "USER_LOCATION_CHANGE", "triggerCategory": "IMMEDIATE_REPORT"},
        ),
        ("SIP_RE-INVITE_OR_UPDATE", {"triggerType": "SIP_RE-INVITE_OR_UPDATE", "triggerCategory": "IMMEDIATE_REPORT"}),
        (
            "VOLUME_LIMIT 5000000000",
            {"triggerType": "VOLUME_LIMIT", "triggerCategory": "IMMEDIATE_REPORT", "volumeLimit64": 5000000000},
        ),
        (
            "TIME_LIMIT deferred 3600",
            {"triggerType": "TIME_LIMIT", "triggerCategory": "DEFERRED_REPORT", "timeLimit": 3600},
        ),
        ("EVENT_LIMIT 3", {"triggerType": "EVENT_LIMIT", "triggerCategory": "IMMEDIATE_REPORT", "eventLimit": 3}),
        (
            "MAX_NUMBER_OF_CHANGES_IN_CHARGING_CONDITIONS 9",
            {
                "triggerType": "MAX_NUMBER_OF_CHANGES_IN_CHARGING_CONDITIONS",
                "triggerCategory": "IMMEDIATE_REPORT",
                "maxNumberOfccc": 9,
            },
        ),
    ],
)
def test_words_are_a_trigger(words: str, said: dict[str, object]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(trigger_of(words))) == said


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", "no trigger type"),
        ("rat_change", "no trigger type"),
        ("RAT_CHANGE at once", "'at', neither immediate nor deferred"),
        ("RAT_CHANGE 5", "'5', neither"),
        ("VOLUME_LIMIT", "needs a limit"),
        ("VOLUME_LIMIT deferred", "needs a limit"),
        ("VOLUME_LIMIT 0", "needs a limit"),
        ("VOLUME_LIMIT ²", "needs a limit"),
        ("TIME_LIMIT 4294967296", "1..4294967295"),
        *((kind, "follows from quota") for kind in OF_QUOTA),
    ],
)
def test_other_words_are_told_what_is_wrong(words: str, fault: str) -> None:
    with pytest.raises(TriggerFault, match=fault):
        trigger_of(words)


def test_there_are_not_more_than_the_limit() -> None:
    assert len(triggers_of(("RAT_CHANGE",) * TRIGGERS_MAX)) == TRIGGERS_MAX
    with pytest.raises(TriggerFault, match=f"at most {TRIGGERS_MAX}"):
        triggers_of(("RAT_CHANGE",) * (TRIGGERS_MAX + 1))


def test_all_faults_of_settings_are_told_with_their_names() -> None:
    with pytest.raises(ChfConfigError) as refused:
        ChfConfig(session_triggers=("FINAL",), offline_triggers=("VOLUME_LIMIT 5", "TIME_LIMIT"))
    session, offline = str(refused.value).splitlines()
    assert session.startswith("session_triggers has 'FINAL', which follows from quota")
    assert offline.startswith("offline_triggers has 'TIME_LIMIT', which needs a limit")
