"""Lists that belong to a party as a whole: how it is reached, documents that say who it is. They are replaced
together; what is in both lists stays as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bss.access import requires
from bss.crm.checks import check_address, check_columns, check_given, check_period
from bss.crm.operations import MEDIUM_VALUES, present_party
from bss.crm.tables import CONTACT_MEDIUM, IDENTIFICATION
from bss.errors import Invalid
from bss.work import Work

_MEDIUM_COLUMNS: Final = frozenset({"is_preferred", "medium_type"} | MEDIUM_VALUES)
_IDENTIFICATION_COLUMNS: Final = frozenset({"document_number", "from_ns", "issuing_authority", "kind", "to_ns"})


@requires("customer:write")
def put_contact_media(work: Work, party_id: str, media: Sequence[Mapping[str, Any]]) -> None:
    """These are the ways to reach a party, and no others. NotFound, Invalid. The party's own change raises its revision.

    media   a mapping each: medium_type, is_preferred, MEDIUM_VALUES
    """
    present_party(work, party_id)
    given = [{"is_preferred": False, **one} for one in media]
    for one in given:
        check_columns(CONTACT_MEDIUM, one, _MEDIUM_COLUMNS)
        check_address(one["medium_type"], one)
    if sum(one["is_preferred"] for one in given) > 1:
        raise Invalid("preferred", "several ways are preferred", "Prefer one at most")
    _put(work, CONTACT_MEDIUM, party_id, given, _MEDIUM_COLUMNS, from_ns=work.now_ns)


@requires("customer:write")
def put_identifications(work: Work, party_id: str, documents: Sequence[Mapping[str, Any]]) -> None:
    """These are a party's documents, and no others. NotFound, Invalid; Conflict where a period ends before it begins.

    documents   a mapping each: kind, document_number, issuing_authority, from_ns, to_ns
    """
    present_party(work, party_id)
    for one in documents:
        check_columns(IDENTIFICATION, one, _IDENTIFICATION_COLUMNS)
        check_given("kind", one.get("kind"))
        check_given("document_number", one.get("document_number"))
        if one.get("from_ns") is not None:
            check_period(one["from_ns"], one.get("to_ns"))
    _put(work, IDENTIFICATION, party_id, documents, _IDENTIFICATION_COLUMNS)


def _put(
    work: Work,
    table: sa.Table,
    party_id: str,
    given: Sequence[Mapping[str, Any]],
    columns: frozenset[str],
    **more: Any,
) -> None:
    waiting = [{name: one.get(name) for name in columns} for one in given]
    for row in work.rows(sa.select(table).where(table.c.party_id == party_id)):
        kept = {name: row[name] for name in columns}
        if kept in waiting:
            waiting.remove(kept)
        else:
            work.remove(table, row["id"])
    for one in waiting:
        work.insert(table, party_id=party_id, **one, **more)
