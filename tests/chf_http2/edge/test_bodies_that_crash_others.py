"""Bodies on which another CHF panicked, by name: each gets the status that it deserves, and the next consumer is served."""

import asyncio
from typing import Any

import pytest

from charging.batch import AnswerBatch, UsageBatch
from tests.chf_http2.charging_bodies import octets, request, usage
from tests.chf_http2.edge.chf_served import grant_all, serving
from vocabulary.limits import IDENTITY_OCTETS_MAX
from vocabulary.outcomes import Outcome

JSON = {"content-type": "application/json"}
NOBODY = "imsi-999990000000099"
SESSION = "pDUSessionChargingInformation"
CONSUMER = "nfConsumerIdentification"
SUPI = "subscriberIdentifier"
HOME = f"/{SESSION}/pduSessionInformation/hPlmnId"
INCORRECT, MISSING = "MANDATORY_IE_INCORRECT", "MANDATORY_IE_MISSING"


def session_of(**home: str) -> dict[str, Any]:
    """A create of a PDU session whose home network has these codes."""
    return request(0, **{SESSION: {"pduSessionInformation": {"pduSessionID": 1, "dnnId": "internet", "hPlmnId": home}}})


def without(member: str) -> dict[str, Any]:
    """A create that lacks a member."""
    return {name: value for name, value in request(0, (usage(10, asks={}),)).items() if name != member}


def know_all_but_one(batch: UsageBatch, answers: AnswerBatch) -> None:
    grant_all(batch, answers)
    if NOBODY.removeprefix("imsi-").encode() in batch.octets.tobytes():
        answers.answers["outcome"][: int(batch.counts[0])] = Outcome.USER_UNKNOWN


@pytest.mark.parametrize(
    ("said", "status", "cause", "param"),
    [
        pytest.param(session_of(mcc="001", mnc="1"), 400, INCORRECT, f"{HOME}/mnc", id="mnc of one digit"),
        pytest.param(session_of(mcc="001", mnc=""), 400, INCORRECT, f"{HOME}/mnc", id="empty mnc"),
        pytest.param(session_of(mcc="01", mnc="01"), 400, INCORRECT, f"{HOME}/mcc", id="mcc of two digits"),
        pytest.param(session_of(mcc="001"), 400, MISSING, f"{HOME}/mnc", id="no mnc"),
        pytest.param(session_of(), 400, MISSING, f"{HOME}/mcc", id="empty PLMN"),
        pytest.param(
            request(0, **{CONSUMER: {"nodeFunctionality": "SMF", "nFPLMNID": {"mcc": "001", "mnc": "1"}}}),
            *(400, INCORRECT, f"/{CONSUMER}/nFPLMNID/mnc"),
            id="consumer's mnc of one digit",
        ),
        pytest.param(request(0, **{SESSION: {}}), 201, None, None, id="no pduSessionInformation"),
        pytest.param(
            request(0, **{SESSION: {"pduSessionInformation": {}}}),
            *(400, MISSING, f"/{SESSION}/pduSessionInformation/pduSessionID"),
            id="empty pduSessionInformation",
        ),
        pytest.param(without(CONSUMER), 400, MISSING, f"/{CONSUMER}", id="no nfConsumerIdentification"),
        pytest.param(
            request(0, **{CONSUMER: {}}),
            *(400, MISSING, f"/{CONSUMER}/nodeFunctionality"),
            id="empty nfConsumerIdentification",
        ),
        pytest.param(without(SUPI), 400, MISSING, f"/{SUPI}", id="no SUPI"),
        pytest.param(
            request(0, **{SUPI: "imsi-" + "1" * (IDENTITY_OCTETS_MAX + 1)}), 400, INCORRECT, f"/{SUPI}", id="long SUPI"
        ),
        pytest.param(request(0, **{SUPI: NOBODY}), 404, "USER_UNKNOWN", None, id="unknown UE"),
        pytest.param(
            request(0, (usage(10, asks={}),), **{SUPI: NOBODY}), 404, "USER_UNKNOWN", None, id="quota for an unknown UE"
        ),
        pytest.param(request(0, (usage(10),)), 201, None, None, id="no requestedUnit"),
        pytest.param(
            request(0, (usage(10, used=({"totalVolume": 7},)),)), 201, None, None, id="usage without requestedUnit"
        ),
    ],
)
def test_each_is_answered_and_the_next_is_served(
    said: dict[str, Any], status: int, cause: str | None, param: str | None
) -> None:
    async def converse() -> None:
        async with serving(know_all_but_one) as (served, client):
            answer = await client.post(served.url, content=octets(said), headers=JSON)
            told = answer.json()
            params = [one["param"] for one in told.get("invalidParams", ())]
            assert (answer.status_code, told.get("cause"), params) == (status, cause, [param] if param else [])
            after = await client.post(served.url, content=octets(request(1)), headers=JSON)
            assert after.status_code == 201

    asyncio.run(asyncio.wait_for(converse(), 60))
