"""Hundreds of requests that schemathesis makes of the sample API's document; each answer is one of it."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.bss.api.conftest import Server
from tests.bss.api.generated_requests import Conversation, Walk
from tests.bss.api.sample_api import SAMPLE


def test_every_answer_is_one_of_the_document(
    server: Server, walk: Walk, client: httpx.Client, made: Callable[..., dict[str, Any]]
) -> None:
    headers = {"Authorization": client.headers["authorization"]}

    def hub() -> str:
        answer = client.post(f"{SAMPLE.path}/hub", json={"callback": "https://shop.example/"})
        return str(answer.json()["id"])

    creates = {"gadget": lambda: str(made()["id"]), "gadgetView": lambda: str(made()["id"]), "hub": hub}
    parent = {"id": made()["id"]}
    valid, whole = {"gadget": {"parent": parent}}, {"POST gadget": {"name": "lamp", "parent": parent}}
    walk(Conversation(SAMPLE, server.url, headers, creates, valid, whole), 9)
