"""/hub: registrations are rows of the outbox's table, of one API and one tenant."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.api.apis import APIS, api_of
from bss.api.customer import CUSTOMER_API
from bss.api.party import PARTY_API
from bss.api.party_interaction import PARTY_INTERACTION_API
from bss.api.serving import Apis, application
from bss.api.tokens import Tokens
from bss.api.trouble_ticket import TROUBLE_TICKET_API
from bss.edge.database import Database
from bss.outbox import HUB, OUTBOX
from tests.bss.api.conftest import PUBLIC_URL, Server
from tests.bss.api.sample_api import SAMPLE
from tests.bss.conftest import NOW_NS
from tests.bss.edge.relaying import relaying
from tests.bss.edge.webhook_target import webhook_target
from tests.bss.everything import rows_of_other_tenant
from vocabulary.networks import DEFAULT, PRIVATE, read_networks

HUB_AT = f"{SAMPLE.path}/hub"
CALLBACK = "https://shop.example/events"


def test_a_callback_is_registered_and_removed(client: httpx.Client, database: Database, caller: Caller) -> None:
    answer = client.post(HUB_AT, json={"callback": CALLBACK, "query": "eventType=GadgetCreateEvent"})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert found == {"id": found["id"], "callback": CALLBACK, "query": "eventType=GadgetCreateEvent"}
    assert answer.headers["location"] == f"{HUB_AT}/{found['id']}"
    (row,) = database.read(caller, lambda work: work.rows(HUB.select()))
    assert (row["id"], row["api"], row["callback"]) == (found["id"], "sample", CALLBACK)
    assert row["secrets"] == [answer.headers["webhook-secret"]]
    assert answer.headers["webhook-secret"].startswith("whsec_")
    assert client.delete(f"{HUB_AT}/{found['id']}").status_code == 204
    assert client.delete(f"{HUB_AT}/{found['id']}").status_code == 404
    assert database.read(caller, lambda work: work.count(HUB.select())) == 0


def test_all_events_are_sent_where_no_query_is(client: httpx.Client) -> None:
    answer = client.post(HUB_AT, json={"callback": CALLBACK})
    assert answer.json() == {"id": answer.json()["id"], "callback": CALLBACK}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "callback is missing"),
        ({"callback": 1}, "callback has to be text"),
        ({"callback": "shop.example"}, "URI"),
        ({"callback": "ftp://shop.example/"}, "http or https"),
        ({"callback": "https:///events"}, "http or https"),
        ({"callback": "https://[::1/"}, "http or https"),
        ({"callback": "https://shop.example:99999/"}, "http or https"),
        ({"callback": "https://ann:pass@shop.example/"}, "user or password"),
        ({"callback": "https://shop.example/" + "x" * 2000}, "characters"),
        ({"callback": CALLBACK, "query": "eventType=OtherEvent"}, "there are GadgetCreateEvent"),
        ({"callback": CALLBACK, "query": "status=active"}, "eventType=…"),
        ({"callback": CALLBACK, "query": "eventType=%ff"}, "UTF-8"),
        ({"callback": CALLBACK, "id": "1"}, "the server says it"),
    ],
)
def test_registrations_that_cant_be(client: httpx.Client, body: dict[str, Any], says: str) -> None:
    answer = client.post(HUB_AT, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidBody")
    assert says in answer.json()["message"]


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0", "[::ffff:127.0.0.1]"])
def test_no_spelling_of_an_address_that_messages_may_not_go_to_is_registered(
    server: Server,
    client: httpx.Client,
    database: Database,
    caller: Caller,
    tokens: Tokens,
    host: str,
) -> None:
    networks = read_networks([DEFAULT], excluded=PRIVATE)
    shared = Apis(database, tokens, now_ns=database.now_ns, public_url=PUBLIC_URL, networks=networks)
    server.application = application((CUSTOMER_API,), shared, tokens)
    answer = client.post(f"{CUSTOMER_API.path}/hub", json={"callback": f"http://{host}:8000/events"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidBody"), answer.text
    assert "callback" in answer.json()["message"]
    assert "webhooks.allowed_networks" in answer.json()["message"]
    assert database.read(caller, lambda work: work.count(HUB.select())) == 0


def test_others_registrations_are_not_there(client: httpx.Client, authorization: Callable[..., dict[str, str]]) -> None:
    at = f"{HUB_AT}/{client.post(HUB_AT, json={'callback': CALLBACK}).json()['id']}"
    assert client.delete(at, headers=authorization(of="somebody else")).status_code == 404
    assert client.delete(at, headers=authorization("gadget:write")).status_code == 403
    assert client.post(HUB_AT, json={"callback": CALLBACK}, headers=authorization("gadget:read")).status_code == 403
    assert client.delete(f"{HUB_AT}/%00").status_code == 404
    assert client.delete(at).status_code == 204


def test_listeners_hear_of_what_is_made_over_their_api(
    server: Server, database_at: sa.URL, tokens: Tokens, authorization: Callable[..., dict[str, str]]
) -> None:
    database = Database(database_at, now_ns=lambda: NOW_NS)
    shared = Apis(database, tokens, now_ns=database.now_ns, public_url=PUBLIC_URL)
    server.application = application(APIS, shared, tokens)
    ticket = {"description": "x", "severity": "low", "ticketType": "other"}
    contact = {
        "direction": "inbound",
        "reason": "x",
        "status": "opened",
        "interactionDate": {},
        "channel": [{"id": "x"}],
    }
    with (
        webhook_target() as target,
        relaying(database, api_of=api_of) as relay,
        httpx.Client(base_url=server.url, headers=authorization(), timeout=30) as client,
    ):

        def made(at: str, body: dict[str, Any]) -> str:
            answer = client.post(at, json=body)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        for api in (PARTY_API, CUSTOMER_API, TROUBLE_TICKET_API, PARTY_INTERACTION_API):
            made(f"{api.path}/hub", {"callback": target.url(api.name)})
        party = made(f"{PARTY_API.path}/individual", {"givenName": "Ann", "familyName": "Lee"})
        engaged = {"id": party, "@referredType": "Individual"}
        customer = made(f"{CUSTOMER_API.path}/customer", {"name": "Ann", "engagedParty": engaged})
        ticket_id = made(f"{TROUBLE_TICKET_API.path}/troubleTicket", ticket)
        contact_id = made(f"{PARTY_INTERACTION_API.path}/partyInteraction", contact)
        relay.wake()
        told = {message.path.strip("/"): message.body for message in (target.next() for _ in range(4))}
    database.close()
    assert {name: (body["eventType"], body["event"]) for name, body in told.items()} == {
        "party": ("IndividualCreateEvent", {"individual": {"id": party}}),
        "customerManagement": ("CustomerCreateEvent", {"customer": {"id": customer}}),
        "troubleTicket": ("TroubleTicketCreateEvent", {"troubleTicket": {"id": ticket_id, "status": "acknowledged"}}),
        "partyInteraction": ("PartyInteractionCreateEvent", {"partyInteraction": {"id": contact_id}}),
    }


def test_operations_tell_of_resources_by_their_names(database: Database, caller: Caller) -> None:
    """What an operation calls otherwise would reach no hub."""
    declared = {row.name: resource.name for api in APIS for resource in api.resources for row in resource.events}
    database.write(caller, rows_of_other_tenant)
    told = {(row["kind"], row["resource"]) for row in database.read(caller, lambda work: work.rows(OUTBOX.select()))}
    known = {(kind, resource) for kind, resource in told if kind in declared}
    assert known == {(kind, declared[kind]) for kind, _ in known}
    assert {resource for _, resource in known} >= {"customer", "product", "troubleTicket", "partyInteraction"}
