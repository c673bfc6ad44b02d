"""Hubs: who is told of events (TMF630 §5), at which callback, of which kinds, and with which secrets messages are signed."""

import re
from typing import Any, Final

import httpx
import sqlalchemy as sa

from bss.access import requires
from bss.errors import Invalid
from bss.outbox import HUB, OUTBOX
from bss.webhook_signature import SECRET_OCTETS, SECRETS_MAX, secret_text
from bss.work import Row, Work
from vocabulary.networks import EVERYWHERE, AllowedNetworks, address_of, ends_in_a_number

CALLBACK_CHARACTERS_MAX: Final = 2000
HUBS_PER_API_MAX: Final = 100
FROM_THE_FIRST: Final = ""
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
"""Of a name. Nothing in it is percent-encoded: who decodes it would see another host than who doesn't."""
_PORT_MAX: Final = 65535
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,79}")


def check_callback(text: str, allowed: AllowedNetworks = EVERYWHERE) -> None:
    """Invalid where a text is no URL that messages can be posted to, or is of an address outside of the allowed networks.

    What addresses a name has is seen when messages are posted.
    """
    remedy = "Write such as https://example.org/events"
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > CALLBACK_CHARACTERS_MAX:
        raise Invalid("callback", f"{text[:80]!r} is no URL of at most {CALLBACK_CHARACTERS_MAX} characters", remedy)
    try:
        url = httpx.URL(text)
        host = url.host and url.raw_host.decode()  # `host` alone finds what is no name of IDNA
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Invalid("callback", f"{text[:80]!r} is no URL: {error}", remedy) from None
    is_port = url.port is None or 1 <= url.port <= _PORT_MAX
    if url.scheme not in ("http", "https") or not host or not is_port:
        raise Invalid("callback", f"{text[:80]!r} is no http or https URL", remedy)
    if url.userinfo or url.fragment:
        raise Invalid("callback", "a user name or a fragment stands in the URL", "Leave both out: messages are signed")
    _check_host(host, allowed)


def _check_host(host: str, allowed: AllowedNetworks) -> None:
    """Invalid where a host can't be one, or is an address, in whichever spelling, that messages don't go to."""
    address = address_of(host)
    if address is not None and not allowed.allows(address):
        said = host if host == address else f"{host} ({address})"
        raise Invalid("callback", f"{said} isn't in webhooks.allowed_networks", "Name a host that may be reached")
    if address is None and (ends_in_a_number(host) or not _HOST.fullmatch(host)):
        raise Invalid("callback", f"{host[:80]!r} is no host", "Write its name in letters, digits, points and hyphens")


def kinds_of(query: str) -> frozenset[str] | None:
    """Kinds of events that a hub's query selects, as `eventType=A,B` or `eventType=A&eventType=B`; None: all. Invalid."""
    if not query:
        return None
    kinds: set[str] = set()
    for name, value in httpx.QueryParams(query).multi_items():
        if name != "eventType":
            raise Invalid("query", f"{name[:40]!r} selects no events", "Write eventType=<kind>, or leave the query out")
        kinds |= set(value.split(","))
    wrong = [kind for kind in kinds if not _KIND.fullmatch(kind)]
    if wrong or not kinds:
        raise Invalid("query", f"{query[:80]!r} names no kinds", "Write eventType=ProductOrderStateChangeEvent")
    return frozenset(kinds)


@requires("hub:write")
def register_hub(work: Work, *, api: str, callback: str, query: str = "", allowed: AllowedNetworks = EVERYWHERE) -> Row:
    """A new hub; its only secret is in the row, which is the one time that it is told. Invalid.

    allowed   where messages may go to
    """
    check_callback(callback, allowed)
    kinds_of(query)
    if work.count(sa.select(HUB.c.id).where(HUB.c.api == api)) >= HUBS_PER_API_MAX:
        raise Invalid("callback", f"{HUBS_PER_API_MAX} hubs listen to {api}", "Unregister one that nobody needs")
    return work.insert(HUB, api=api, callback=callback, query=query, secrets=[_new_secret(work)])


@requires("hub:write")
def unregister_hub(work: Work, *, hub_id: str) -> None:
    """It is told nothing more; what is under way ends. NotFound."""
    work.remove(HUB, hub_id)


@requires("hub:write")
def rotate_secret(work: Work, *, hub_id: str) -> str:
    """A new secret; messages are signed with the one before as well, until the next rotation. NotFound."""
    row = work.get(HUB, hub_id)
    secret = _new_secret(work)
    work.change(HUB, hub_id, secrets=[secret, *row["secrets"]][:SECRETS_MAX])
    return secret


@requires("hub:write")
def replay_hub(work: Work, *, hub_id: str, after: str = FROM_THE_FIRST) -> None:
    """Have every event behind the one of this id delivered again, with the ids that they had. NotFound."""
    if after != FROM_THE_FIRST and work.row(sa.select(OUTBOX.c.id).where(OUTBOX.c.id == after)) is None:
        raise Invalid("after", f"there is no event {after[:80]!r}", "Name the last event that arrived")
    work.change(HUB, hub_id, replay_after=after)


@requires("hub:read")
def list_hubs(work: Work, *, api: str = "") -> list[dict[str, Any]]:
    """The hubs of an API, or all, without their secrets."""
    columns = [column for column in HUB.columns if not column.info.get("secret")]
    statement = sa.select(*columns).order_by(HUB.c.id)
    return list(work.rows(statement.where(HUB.c.api == api) if api else statement))


def _new_secret(work: Work) -> str:
    return secret_text(work.random_octets(SECRET_OCTETS))
