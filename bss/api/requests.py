"""What the APIs do with one request: the methods of a resource, each within one Work, without a word of HTTP's wire.

Who asks, the body's octets and the headers come in; status, headers and the body's octets go out. Threads run it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from bss.access import Caller
from bss.api.bodies import JSON, MERGE_PATCH, as_json, check_content_type, decode, hash_of, read_new, read_patch
from bss.api.headers import etag_of, idempotency_key, not_permitted, revision_wanted
from bss.api.limits import ID_LENGTH_MAX
from bss.api.problems import Problem, Refusal
from bss.api.rows import Row
from bss.api.selections import read_nothing, read_selection, read_shown
from bss.api.served import Served
from bss.errors import NotFound
from bss.idempotency import Idempotency
from bss.work import Transactions, Work

_ID: Final = re.compile(rf"[!-~]{{1,{ID_LENGTH_MAX}}}", re.ASCII)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Asked(NamedTuple):
    """One request. Names of headers are in lower case."""

    method: str
    resource_id: str | None
    query: bytes
    headers: Mapping[str, str]
    body: bytes
    caller: Caller


class Answer(NamedTuple):
    """One answer; a body is JSON."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def answer_to(served: Served, store: Transactions, asked: Asked) -> Answer:
    """Do it. Refusal, and the errors of domains (bss/errors.py)."""
    methods = _OF_COLLECTION if asked.resource_id is None else _OF_ONE
    method = methods.get(asked.method)
    allowed = [one for one in served.resource.methods if one in methods]
    if method is None or asked.method not in allowed:
        raise _not_served(served, asked.method, allowed)
    domain = served.resource.domain
    needed = (domain.read_permission,) if asked.method == "GET" else (domain.write_permission, domain.read_permission)
    for permission in needed:
        if not asked.caller.may(permission):
            raise not_permitted(permission)
    if asked.resource_id is not None and not _ID.fullmatch(asked.resource_id):
        raise Refusal(Problem.NOT_FOUND, f"there is no {served.resource.name} of this id")
    return method(served, store, asked)


def _not_served(served: Served, method: str, allowed: list[str]) -> Refusal:
    why = served.resource.methods_not_served.get(method)
    message = f"{method} is not served here{f': {why}' if why else ''}; there is {', '.join(allowed) or 'nothing'}"
    return Refusal(Problem.METHOD_NOT_SERVED, message, (("Allow", ", ".join(allowed)),))


def _list(served: Served, store: Transactions, asked: Asked) -> Answer:
    selection = read_selection(asked.query, served.filters, served.members)
    total, documents = served.page(store, asked.caller, selection)
    headers = (("X-Total-Count", str(total)), ("X-Result-Count", str(len(documents))))
    return Answer(206 if len(documents) < total else 200, headers, _ENCODER.encode(documents))


def _show(served: Served, store: Transactions, asked: Asked) -> Answer:
    shown = read_shown(asked.query, served.members)
    found = served.one(store, asked.caller, asked.resource_id or "", shown)
    if found is None:
        raise _not_there(served, asked)
    row, document = found
    return Answer(200, (("ETag", etag_of(row["revision"])),), _ENCODER.encode(document))


def _row(served: Served, work: Work, asked: Asked) -> Row:
    found = served.row_to_change(work, asked.resource_id or "")
    if found is None:
        raise _not_there(served, asked)
    return found


def _not_there(served: Served, asked: Asked) -> Refusal:
    return Refusal(Problem.NOT_FOUND, f"there is no {served.resource.name} {asked.resource_id}")


def _create(served: Served, store: Transactions, asked: Asked) -> Answer:
    read_nothing(asked.query)
    check_content_type(asked.headers.get("content-type"), JSON)
    values = read_new(served.resource, decode(asked.body))
    create = served.resource.domain.create
    assert create is not None

    def write(work: Work) -> str:
        try:
            return create(work, values)
        except NotFound as error:  # the path has no id: it is one that the body refers to
            raise _unknown_reference(error) from None

    made = store.write(asked.caller, write, idempotency=_idempotency(served, asked))
    send = served.resource.domain.send
    if send is not None and served.engine is not None:
        send(store, served.engine, asked.caller, made)
    answer = _as_it_is(served, store, asked._replace(resource_id=made))
    return answer._replace(status=201, headers=(*answer.headers, ("Location", served.href(made))))


def _change(served: Served, store: Transactions, asked: Asked) -> Answer:
    read_nothing(asked.query)
    check_content_type(asked.headers.get("content-type"), MERGE_PATCH)
    patch = decode(asked.body)
    change = served.resource.domain.change
    assert change is not None

    def write(work: Work) -> str:
        row = _row(served, work, asked)
        revision = revision_wanted(asked.headers.get("if-match"), row["revision"])
        current = as_json(served.documents(work, [row])[0])
        values = read_patch(served.resource, current, patch)
        if values:
            try:
                change(work, row["id"], revision, values)
            except NotFound as error:  # the row is there
                raise _unknown_reference(error) from None
        return str(row["id"])

    store.write(asked.caller, write, idempotency=_idempotency(served, asked))
    return _as_it_is(served, store, asked)


def _remove(served: Served, store: Transactions, asked: Asked) -> Answer:
    read_nothing(asked.query)
    remove = served.resource.domain.remove
    assert remove is not None

    def write(work: Work) -> None:
        row = _row(served, work, asked)
        remove(work, row["id"], revision_wanted(asked.headers.get("if-match"), row["revision"]))

    store.write(asked.caller, write, idempotency=_idempotency(served, asked))
    return Answer(204)


def _as_it_is(served: Served, store: Transactions, asked: Asked) -> Answer:
    """The resource behind a write. Idempotency rows hold its id alone, no personal data: a repeat gets what is there now."""
    return _show(served, store, asked._replace(query=b""))


def _unknown_reference(error: NotFound) -> Refusal:
    return Refusal(Problem.INVALID_BODY, str(error))


def _idempotency(served: Served, asked: Asked) -> Idempotency | None:
    key = idempotency_key(asked.headers.get("idempotency-key"))
    if key is None:
        return None
    operation = f"{asked.method} {served.path}{f'/{asked.resource_id}' if asked.resource_id else ''}"
    return Idempotency(operation, key, hash_of(asked.body, asked.headers.get("if-match", "").encode()))


_Method = Callable[[Served, Transactions, Asked], Answer]
_OF_COLLECTION: Final[Mapping[str, _Method]] = {"GET": _list, "POST": _create}
_OF_ONE: Final[Mapping[str, _Method]] = {"GET": _show, "PATCH": _change, "DELETE": _remove}


def encoded(value: Any) -> bytes:
    """JSON; Decimals digit by digit."""
    return _ENCODER.encode(value)
