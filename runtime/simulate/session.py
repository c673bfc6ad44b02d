"""One charging session as its SMF keeps it: numbers, what was granted, what is asked for; from that, the next body."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Final

from runtime.simulate.amounts import GRANTED, MEMBERS
from runtime.simulate.scenario import Body, Kind, Scenario

Reports = Mapping[int, tuple[Body, ...]]
"""UsedUnitContainers by rating group"""
Share = tuple[int, str | None]
"""A rating group and the UPF whose quota of it is meant, None where none is named."""
FORCED_REAUTHORISATION: Final = {"triggerType": "FORCED_REAUTHORISATION", "triggerCategory": "IMMEDIATE_REPORT"}
FINAL: Final = {"triggerType": "FINAL", "triggerCategory": "IMMEDIATE_REPORT"}


def share_of(said: Body) -> Share:
    """Of a MultipleUnitUsage or a MultipleUnitInformation."""
    return said["ratingGroup"], said.get("uPFID")


class NothingGranted(Exception):
    """A step reports what was granted, and nothing was; the message names the rating group."""


class Session:
    """What is known of a session from its create on.

    now   the time of a request
    """

    def __init__(self, scenario: Scenario, notify_uri: str, now: Callable[[], datetime]) -> None:
        self.url = ""
        """of the session, once the CHF named it; empty: none is open"""
        self._scenario = scenario
        self._notify_uri = notify_uri
        self._now = now
        self._number = 0
        self._container_number = 0
        self._granted: dict[Share, Body] = {}
        """unreported quota, as it was granted"""
        self._asked: dict[Share, Body] = {}
        """the last MultipleUnitUsage with a requestedUnit, without usage"""

    def body_of(self, kind: Kind, written: Body) -> Body:
        """The body of a request: what is written, and what each request differs in. NothingGranted."""
        if kind is Kind.CREATE:
            self._number = self._container_number = 0
            self._granted, self._asked = {}, {}
        event = {"oneTimeEvent": True, "oneTimeEventType": "IEC"} if kind is Kind.EVENT else {}
        filled = {
            "invocationTimeStamp": self._stamp(),
            "invocationSequenceNumber": 0 if kind is Kind.EVENT or not self._scenario.is_counting else self._number,
            "notifyUri": self._notify_uri,
        }
        body = {**self._scenario.common, **event, **filled, **deepcopy(written)}
        body = {name: value for name, value in body.items() if value is not None}
        if "multipleUnitUsage" in body:
            body["multipleUnitUsage"] = [self._filled(usage) for usage in body["multipleUnitUsage"]]
        if kind is not Kind.EVENT:
            self._number += 1
        return body

    def reauthorised(self, rating_groups: Iterable[int], reports: Reports) -> Body:
        """What an update has that was asked for: usage so far, and the same wish again (TS 32.290 §5.5).

        Without rating groups: of all that have asked for quota.
        """
        shares = [share for group in rating_groups for share in self._shares_of(group)] or list(self._asked)
        return {
            "multipleUnitUsage": [
                {"requestedUnit": {}, **self._reported(share, reports, FORCED_REAUTHORISATION)} for share in shares
            ]
        }

    def _shares_of(self, group: int) -> list[Share]:
        return [share for share in self._asked if share[0] == group] or [(group, None)]

    def aborted(self, reports: Reports) -> Body:
        """What a release has that was asked for: usage so far, and no wish."""
        reported = [self._reported(share, reports, FINAL) for share in self._asked]
        for usage in reported:
            usage.pop("requestedUnit", None)
        return {"multipleUnitUsage": reported} if reported else {}

    def learn(self, request: Body, answer: Body) -> None:
        """Remember what was asked for and granted; what was reported is no longer unreported."""
        for usage in request.get("multipleUnitUsage", ()):
            share = share_of(usage)
            self._granted.pop(share, None)
            if "requestedUnit" in usage:
                self._asked[share] = {name: usage[name] for name in ("requestedUnit", "uPFID") if name in usage}
        for information in answer.get("multipleUnitInformation") or ():
            if information.get("grantedUnit"):
                self._granted[share_of(information)] = information["grantedUnit"]

    def _reported(self, share: Share, reports: Reports, trigger: Body) -> Body:
        granted = self._granted.get(share, {})
        counted = next((member for member in MEMBERS if member in granted), "totalVolume")
        is_first = share == self._shares_of(share[0])[0]  # what the scenario reports of a rating group is reported once
        containers = (reports.get(share[0]) if is_first else None) or ({counted: 0},)
        return {
            "ratingGroup": share[0],
            **self._asked.get(share, {}),
            "usedUnitContainer": [
                {"quotaManagementIndicator": "ONLINE_CHARGING", "triggers": [trigger], **used} for used in containers
            ],
        }

    def _filled(self, usage: Body) -> Body:
        """With the numbers of its containers, times of their triggers, and what was granted."""
        containers = usage.get("usedUnitContainer")
        if not containers:
            return usage
        granted = self._granted.get(share_of(usage), {})
        return {**usage, "usedUnitContainer": [self._container(used, usage, granted) for used in containers]}

    def _container(self, used: Body, usage: Body, granted: Body) -> Body:
        filled: dict[str, Any] = {"localSequenceNumber": self._container_number}
        if self._scenario.is_counting:
            self._container_number += 1
        if "triggers" in used:
            filled["triggerTimestamp"] = self._stamp()
        for member, amount in used.items():
            if member in MEMBERS and amount == GRANTED and member not in granted:
                raise NothingGranted(
                    f"rating group {usage['ratingGroup']} reports the {member} that it was granted: none was"
                )
            filled[member] = granted[member] if member in MEMBERS and amount == GRANTED else amount
        return filled

    def _stamp(self) -> str:
        return self._now().astimezone(UTC).isoformat().replace("+00:00", "Z")
