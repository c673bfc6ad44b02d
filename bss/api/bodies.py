"""Bodies of requests: JSON to values that domains take, and merge patches (RFC 7396) of what is there.

Numbers with decimals become Decimals as they are decoded: no float is ever made of a client's money.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from bss.api.kinds import Fault, WithExponent
from bss.api.limits import BODY_OCTETS_MAX, NESTING_MAX
from bss.api.problems import Problem, Refusal
from bss.api.resource import Document, Field, Resource, Values, Writable, read_members

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
_FAULTS_NAMED_MAX: Final = 20


def _number_of(text: str) -> Decimal:
    """A number that JSON has decimals or an exponent of. As a Decimal alone 1.5e1 couldn't be told from 15."""
    return WithExponent(text) if "e" in text.lower() else Decimal(text)


_DECODER: Final = msgspec.json.Decoder(float_hook=_number_of)


def check_content_type(header: str | None, expected: str) -> None:
    """Refusal: the body is of another type, or in another character set than UTF-8."""
    name, _, parameters = (header or "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if name.strip().lower() != expected or charset not in ("", "charset=utf-8"):
        said = f"it is {header!r}" if header else "the request has none"
        raise Refusal(Problem.WRONG_CONTENT_TYPE, f"Content-Type has to be {expected}, {said}")


def check_length(octets: int) -> None:
    """Refusal: a body may not be so long."""
    if octets > BODY_OCTETS_MAX:
        raise Refusal(
            Problem.BODY_TOO_LONG, f"a body may have {BODY_OCTETS_MAX} octets, this one has at least {octets}"
        )


def decode(body: bytes) -> Document:
    """A JSON object. Refusal: it is none, or nested too deeply."""
    try:
        found = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, ValueError) as error:
        raise Refusal(Problem.MALFORMED_BODY, f"the body is no JSON: {error}") from None
    except RecursionError:
        raise Refusal(Problem.MALFORMED_BODY, f"the body is nested more than {NESTING_MAX} deep") from None
    if not isinstance(found, dict):
        raise Refusal(Problem.MALFORMED_BODY, "the body has to be a JSON object: {...}")
    if _is_deeper(found, NESTING_MAX):
        raise Refusal(Problem.MALFORMED_BODY, f"the body is nested more than {NESTING_MAX} deep")
    return found


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in members)


def hash_of(*parts: bytes) -> str:
    """What tells one request of an idempotency key from another."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def read_new(resource: Resource, body: Document) -> Values:
    """Values of a body that creates. Refusal: with every fault of it."""
    faults: list[Fault] = []
    rest = dict(body)
    for one in resource.fields:
        if one.writable is Writable.NEVER and one.name in rest:
            value = rest.pop(one.name)
            if one.name != "@type":
                faults.append(Fault(one.name, "is said by the server: leave it out"))
            else:
                one.kind.read(value, one.name, faults)
    writable = [one for one in resource.fields if one.writable is not Writable.NEVER]
    found = read_members(writable, resource.not_served, rest, "", faults)
    refuse(faults)
    return found


def read_patch(resource: Resource, current: Document, patch: Document) -> Values:
    """Values of the members that a patch changes; None for those it takes away. Refusal: with every fault of it.

    What the patch would make of `current` is checked as a whole: a list is replaced, an object merged, null removes.
    """
    patched = merged(current, patch)
    faults: list[Fault] = []
    writable = {one.name: one for one in resource.fields if one.writable is Writable.ALWAYS}
    for one in resource.fields:
        if one.writable is not Writable.ALWAYS and one.name in patch and patched.get(one.name) != current.get(one.name):
            faults.append(Fault(one.name, _why_fixed(one)))
    kept = {one.name for one in resource.fields if one.writable is not Writable.ALWAYS}
    rest = {name: value for name, value in patched.items() if name not in kept}
    found = read_members(list(writable.values()), resource.not_served, rest, "", faults)
    refuse(faults)
    changed = {name for name in writable if patched.get(name) != current.get(name)}
    return {name: found.get(name) for name in changed}


def _why_fixed(one: Field) -> str:
    return (
        "is said by the server and can't be changed"
        if one.writable is Writable.NEVER
        else "is said as the resource is created and can't be changed"
    )


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396 §2."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def refuse(faults: Sequence[Fault]) -> None:
    """Refusal: there are faults."""
    if faults:
        named = "; ".join(map(str, faults[:_FAULTS_NAMED_MAX]))
        more = f"; and {len(faults) - _FAULTS_NAMED_MAX} more" if len(faults) > _FAULTS_NAMED_MAX else ""
        raise Refusal(Problem.INVALID_BODY, named + more)


def as_json(document: Document) -> Document:
    """A document as a client would have read it: what a patch is merged into."""
    return _DECODER.decode(msgspec.json.encode(document))  # type: ignore[no-any-return]
