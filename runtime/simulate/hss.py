"""A simulated HSS/UDM: a server of its own that the business side provisions over HTTP, with faults on demand.

    POST   /subscribers                {"imsi", "msisdn", "profile"}
    POST   /subscribers/<imsi>/sim     {"imsi": the new one}
    POST   /subscribers/<imsi>/suspend | resume
    DELETE /subscribers/<imsi>
    GET    /subscribers[/<imsi>]
    POST   /faults                     {"operation", "fault", "times", "seconds"};  DELETE /faults takes all back

What changes something has an Idempotency-Key. It knows nothing of ours but this: what the business side says of it is a
witness's word (docs/operating/simulators.md).
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from runtime.simulate.hss_faults import FaultInvalid, FaultPlan, Planned
from runtime.simulate.hss_subscribers import Answered, Asked, Subscribers

BODY_OCTETS_MAX: Final = 64 * 1024
IDLE_S: Final = 60.0
_SILENT_S: Final = 30.0
"""So long a request that is not answered keeps its connection: longer than whoever asks should wait."""


class BadRequest(ValueError):
    """A request that can't be understood; the message names the field."""


class Hss:
    """The server's state: subscribers, faults, and what is done late."""

    def __init__(self, subscribers: Subscribers) -> None:
        self.subscribers = subscribers
        self.faults = FaultPlan()
        self.stopping = threading.Event()
        self._late: list[Asked] = []
        self._lock = threading.Lock()

    def do(self, asked: Asked) -> tuple[Answered | None, Planned | None]:
        """(the answer, or none; the fault that the request met)."""
        planned = self.faults.next(asked.operation)
        fault = "" if planned is None else planned.fault
        if fault == "late":
            with self._lock:
                self._late.append(asked)
            return None, planned
        if fault == "timeout_before":
            return None, planned
        if fault == "refuses":
            return Answered(409, {"code": "refused", "detail": "the network refuses, as it was told to"}), planned
        if fault == "busy":
            return Answered(503, {"code": "busy", "detail": "the network is busy, as it was told to be"}), planned
        answered = self.subscribers.do(asked)
        self._do_late()
        return None if fault == "timeout_after" else answered, planned

    def _do_late(self) -> None:
        with self._lock:
            late, self._late = self._late, []
        for asked in late:
            self.subscribers.do(asked)


class HssServer(ThreadingHTTPServer):
    """Listens on loopback unless told otherwise; port 0: any free one, which is `server_port` then."""

    daemon_threads = True

    def __init__(self, host: str, port: int, subscribers: Subscribers) -> None:
        """OSError: the port can't be had."""
        self.hss = Hss(subscribers)
        super().__init__((host, port), _Handler)

    def stop(self) -> None:
        """Take no request more; who waits for an answer that doesn't come hears the end of the connection."""
        self.hss.stopping.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    server: HssServer

    def do_GET(self) -> None:
        """Subscribers, and what is alive."""
        match self._parts():
            case ["health"]:
                self._answer(Answered(200, {"status": "up"}))
            case ["subscribers"]:
                self._answer(Answered(200, {"subscribers": self.server.hss.subscribers.read_all()}))
            case ["subscribers", imsi]:
                found = self.server.hss.subscribers.read(imsi)
                missing = {"code": "unknown_subscriber", "detail": f"no subscriber has IMSI {imsi}"}
                self._answer(Answered(404, missing) if found is None else Answered(200, dict(found)))
            case _:
                self._answer(_nothing_there(self.path))

    def do_POST(self) -> None:
        """Requests that change something, and faults."""
        try:
            body = self._body()
            match self._parts():
                case ["faults"]:
                    self._plan(body)
                    self._answer(Answered(204, {}))
                case ["subscribers"]:
                    row = {"imsi": _digits(body, "imsi"), "msisdn": _digits(body, "msisdn")}
                    self._do("provision", row["imsi"], row | {"profile": str(body.get("profile", "default"))})
                case ["subscribers", imsi, "sim"]:
                    self._do("sim", imsi, {"imsi": _digits(body, "imsi")})
                case ["subscribers", imsi, ("suspend" | "resume") as operation]:
                    self._do(operation, imsi, {})
                case _:
                    self._answer(_nothing_there(self.path))
        except (BadRequest, FaultInvalid) as error:
            self._answer(Answered(400, {"code": "bad_request", "detail": str(error)}))

    def do_DELETE(self) -> None:
        """A subscriber, or all faults to come."""
        match self._parts():
            case ["faults"]:
                self.server.hss.faults.clear()
                self._answer(Answered(204, {}))
            case ["subscribers", imsi]:
                try:
                    self._do("deprovision", imsi, {})
                except BadRequest as error:
                    self._answer(Answered(400, {"code": "bad_request", "detail": str(error)}))
            case _:
                self._answer(_nothing_there(self.path))

    def _parts(self) -> list[str]:
        return [part for part in self.path.partition("?")[0].split("/") if part]

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY_OCTETS_MAX:
            self.close_connection = True
            raise BadRequest(f"Content-Length is {length[:20]!r}: at most {BODY_OCTETS_MAX} octets fit")
        octets = self.rfile.read(int(length))
        try:
            body = json.loads(octets) if octets else {}
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"the body is no JSON: {error}") from None
        if not isinstance(body, dict):
            raise BadRequest("the body is no object")
        return body

    def _plan(self, body: dict[str, Any]) -> None:
        times, seconds = body.get("times", 1), body.get("seconds", 0.5)
        if not isinstance(seconds, int | float):
            raise BadRequest("seconds is no number")
        self.server.hss.faults.add(str(body.get("operation")), str(body.get("fault")), times=times, seconds=seconds)

    def _do(self, operation: str, imsi: str, body: dict[str, str]) -> None:
        key = self.headers.get("Idempotency-Key", "")
        if not key:
            raise BadRequest("Idempotency-Key is missing: name the request, so that it is done once")
        answered, planned = self.server.hss.do(Asked(operation, key, imsi, body))
        fault = "" if planned is None else planned.fault
        if answered is None:
            self.server.hss.stopping.wait(_SILENT_S)
            self.close_connection = True
            return
        if planned is not None and fault == "slow":
            time.sleep(planned.seconds)
        if fault == "broken":
            self._send(200, b"<html>")
            return
        self._answer(answered)
        if fault == "twice":
            self._answer(answered)

    def _answer(self, answered: Answered) -> None:
        self._send(answered.status, json.dumps(answered.body).encode() if answered.body else b"")

    def _send(self, status: int, octets: bytes) -> None:
        self.send_response(status)
        if octets:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: who asked what is in the store's table `request`."""


def _digits(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or not 3 <= len(value) <= 15:
        raise BadRequest(f"{name} is {value!r}: write 3 to 15 digits in quotes")
    return value


def _nothing_there(path: str) -> Answered:
    return Answered(404, {"code": "no_such_path", "detail": f"nothing is served at {path[:200]}"})
