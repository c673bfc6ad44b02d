"""/hub of each API: who wants to be told of its events (TMF630 §5). Rows of the outbox's table; the relay delivers.

The answer to a registration has the secret that deliveries are signed with (Standard Webhooks), once, in the header
Webhook-Secret.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from bss.access import requires
from bss.api.bodies import JSON, check_content_type, decode, refuse
from bss.api.headers import not_permitted
from bss.api.kinds import Fault, Text
from bss.api.limits import CALLBACK_LENGTH_MAX
from bss.api.problems import Problem, Refusal
from bss.api.requests import Answer, Asked, encoded
from bss.api.resource import Api, Field, NotServed, Structure, Writable, read_members
from bss.api.selections import parameters_of, read_nothing
from bss.errors import NotFound
from bss.hubs import register_hub, unregister_hub
from bss.outbox import HUB
from bss.work import Row, Transactions, Work
from vocabulary.networks import EVERYWHERE, AllowedNetworks

PERMISSION: Final = "hub:write"
_CALLBACK: Final = Field(
    "callback",
    Text(CALLBACK_LENGTH_MAX, length_min=1, is_uri=True),
    required=True,
    meaning="where events are sent: http or https",
)
_QUERY: Final = Field(
    "query", Text(CALLBACK_LENGTH_MAX), meaning="which: eventType=…, several between commas; all where it is left out"
)
SUBSCRIPTION_INPUT: Final = Structure("EventSubscriptionInput", (_CALLBACK, _QUERY))
SUBSCRIPTION: Final = Structure(
    "EventSubscription", (Field("id", Text(64), required=True, writable=Writable.NEVER), _CALLBACK, _QUERY)
)


@requires(PERMISSION)
def unregister(work: Work, *, api: str, hub_id: str) -> None:
    """The row goes. NotFound: it isn't there, or is another API's."""
    if work.get(HUB, hub_id)["api"] != api:
        raise NotFound("id", f"there is no registration {hub_id!r} at this hub", "Name one of this API")
    unregister_hub(work, hub_id=hub_id)


def answer_to_hub(api: Api, store: Transactions, asked: Asked, networks: AllowedNetworks = EVERYWHERE) -> Answer:
    """POST /hub and DELETE /hub/{id}. Refusal, and errors of bss/errors.py.

    networks   where messages may go to
    """
    allowed = "POST" if asked.resource_id is None else "DELETE"
    if asked.method != allowed:
        message = f"{asked.method} is not served here; there is {allowed}"
        raise Refusal(Problem.METHOD_NOT_SERVED, message, (("Allow", allowed),))
    if not asked.caller.may(PERMISSION):
        raise not_permitted(PERMISSION)
    read_nothing(asked.query)
    hub_id = asked.resource_id
    if hub_id is not None:
        if not hub_id.isprintable():
            raise Refusal(Problem.NOT_FOUND, "there is no registration of this id")
        store.write(asked.caller, lambda work: unregister(work, api=api.name, hub_id=hub_id))
        return Answer(204)
    check_content_type(asked.headers.get("content-type"), JSON)
    found = _read(api, decode(asked.body))
    callback, query = found["callback"], found.get("query", "")

    def register(work: Work) -> Row:
        return register_hub(work, api=api.name, callback=callback, query=query, allowed=networks)

    row = store.write(asked.caller, register)
    answer = {"id": row["id"], "callback": callback} | ({"query": query} if query else {})
    headers = (("Location", f"{api.path}/hub/{row['id']}"), ("Webhook-Secret", row["secrets"][0]))
    return Answer(201, headers, encoded(answer))


def _read(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    faults: list[Fault] = []
    found = read_members(SUBSCRIPTION_INPUT.fields, (NotServed("id", "the server says it"),), body, "", faults)
    refuse(faults)
    if remedy := _callback_remedy(found["callback"]):
        faults.append(Fault("callback", remedy))
    if remedy := _query_remedy(api, found.get("query", "")):
        faults.append(Fault("query", remedy))
    refuse(faults)
    return found


def _callback_remedy(callback: str) -> str:
    try:
        parts = urlsplit(callback)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host or parts.scheme.lower() not in ("http", "https"):
        return "has to be an address of http or https, such as https://example.net/events"
    if parts.username is not None or parts.password is not None:
        return "has a user or password: deliveries are signed instead (Webhook-Secret)"
    return ""


def _query_remedy(api: Api, query: str) -> str:
    names = event_names(api)
    try:
        parameters = parameters_of(query.encode())
    except Refusal as error:
        return str(error)
    for name, value in parameters:
        if name != "eventType":
            return "has to be eventType=… with names of events; other conditions are not served"
        for one in value.split(","):
            if one not in names:
                return f"has {one!r}, which is no event here; there are {', '.join(names)}"
    return ""


def event_names(api: Api) -> tuple[str, ...]:
    """What can be subscribed to."""
    return tuple(row.name for resource in api.resources for row in resource.events)
