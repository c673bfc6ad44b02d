"""NetworkPort without a network: subscribers in this process's memory, for tests and dry runs."""

from dataclasses import replace
from typing import TYPE_CHECKING

from bss.network_port import (
    ALREADY_PROVISIONED,
    KEY_USED,
    NUMBER_IN_USE,
    UNKNOWN_SUBSCRIBER,
    ChangeSim,
    Deprovision,
    NetworkDone,
    NetworkPort,
    NetworkRefused,
    NetworkRequest,
    NetworkResult,
    NetworkSubscriber,
    NetworkUnknown,
    Provision,
    Resume,
    SubscriberState,
)

_AWAY = NetworkUnknown("the network was put away")


class MemoryNetwork:
    """NetworkPort in memory."""

    def __init__(self) -> None:
        self.is_away = False
        """no call does anything, and nobody hears why"""
        self.reply_is_lost = False
        """the next request is done, and the caller doesn't hear of it"""
        self.refuses: NetworkRefused | None = None
        """what the next request is refused with"""
        self.sent: list[NetworkRequest] = []
        """every request that came, repeats too: what a dry run would do"""
        self._subscribers: dict[str, NetworkSubscriber] = {}
        self._done: dict[str, tuple[NetworkRequest, NetworkDone]] = {}

    def send(self, request: NetworkRequest) -> NetworkResult:
        """See NetworkPort."""
        if self.is_away:
            return _AWAY
        self.sent.append(request)
        if self.refuses is not None:
            refused, self.refuses = self.refuses, None
            return refused
        known = self._done.get(request.key)
        result: NetworkDone | NetworkRefused
        if known is None:
            result = self._do(request)
            if isinstance(result, NetworkDone):
                self._done[request.key] = (request, result)
        elif known[0] == request:
            result = known[1]
        else:
            result = NetworkRefused(KEY_USED, f"key {request.key} was used for another request: choose another")
        if self.reply_is_lost:
            self.reply_is_lost = False
            return NetworkUnknown("the reply was lost")
        return result

    def read_subscriber(self, imsi: str) -> NetworkSubscriber | NetworkUnknown | None:
        """See NetworkPort."""
        return _AWAY if self.is_away else self._subscribers.get(imsi)

    def _do(self, request: NetworkRequest) -> NetworkDone | NetworkRefused:
        if isinstance(request, Provision):
            return self._provision(request)
        subscriber = self._subscribers.get(request.imsi)
        if subscriber is None:
            return NetworkRefused(UNKNOWN_SUBSCRIBER, f"no subscriber has IMSI {request.imsi}")
        if isinstance(request, Deprovision):
            del self._subscribers[request.imsi]
            return NetworkDone(None)
        if isinstance(request, ChangeSim):
            if request.new_imsi in self._subscribers:
                return NetworkRefused(ALREADY_PROVISIONED, f"IMSI {request.new_imsi} has a subscriber")
            del self._subscribers[request.imsi]
            return self._keep(replace(subscriber, imsi=request.new_imsi))
        state = SubscriberState.ACTIVE if isinstance(request, Resume) else SubscriberState.SUSPENDED
        return self._keep(replace(subscriber, state=state))

    def _provision(self, request: Provision) -> NetworkDone | NetworkRefused:
        if request.imsi in self._subscribers:
            return NetworkRefused(ALREADY_PROVISIONED, f"IMSI {request.imsi} has a subscriber")
        if any(other.msisdn == request.msisdn for other in self._subscribers.values()):
            return NetworkRefused(NUMBER_IN_USE, f"number {request.msisdn} is another subscriber's")
        return self._keep(NetworkSubscriber(request.imsi, request.msisdn, request.profile, SubscriberState.ACTIVE))

    def _keep(self, subscriber: NetworkSubscriber) -> NetworkDone:
        self._subscribers[subscriber.imsi] = subscriber
        return NetworkDone(subscriber)


if TYPE_CHECKING:
    _KEPT_CONTRACT: type[NetworkPort] = MemoryNetwork
