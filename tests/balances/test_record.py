"""The layout table: no field lies on another or outside its row, and what a typical update writes stays small."""

from collections import defaultdict

import pytest

from balances.queries import FIELDS_OF, decode_record
from balances.record import FIELDS, HEADER_DIRECTORY, HEADER_WORDS, SECTION_COUNT, STRIDES, Section
from balances.stored_record import to_stored
from charging.batch import INITIAL, TERMINATION, UPDATE
from tests.reference.engine_alone import EngineAlone
from tests.reference.requests import Credit, CreditControl, Mscc, Open
from tests.reference.tariffs import Catalogue, Price, Release, tariff_tables
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ENDED_SESSIONS_KEPT_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

TYPICAL_OCTETS_MAX = 416
TYPICAL_STORED_OCTETS_MAX = 240
NOW_NS = 1_790_000_000 * NS_PER_S
ALLOWANCE = 11


def row_octets(section):
    return 8 * (HEADER_WORDS if section == "header" else STRIDES[Section[section.upper()]])


@pytest.mark.parametrize("section", FIELDS_OF)
def test_fields_lie_apart_and_inside_their_row(section):
    taken = defaultdict(list)
    for field in FIELDS_OF[section]:
        start = field.index * field.width
        assert field.width in (1, 4, 8)
        assert 0 <= start <= start + field.width <= row_octets(section), field.name
        for octet in range(start, start + field.width):
            taken[octet].append(field.name)
    if section == "header":
        for octet in range(HEADER_DIRECTORY, HEADER_DIRECTORY + 2 * SECTION_COUNT):
            taken[octet].append("directory")
    assert {octet: names for octet, names in taken.items() if len(names) > 1} == {}


def test_fields_are_named_once_and_said():
    assert len({(field.section, field.name) for field in FIELDS}) == len(FIELDS)
    assert {field.section for field in FIELDS} == set(FIELDS_OF)
    assert all(field.meaning and field.name.isidentifier() for field in FIELDS)
    assert len(STRIDES) == SECTION_COUNT


def test_directory_ends_where_rows_begin():
    assert HEADER_DIRECTORY + 2 * SECTION_COUNT == 8 * HEADER_WORDS


def session_of(number):
    """Requests of a session that asks, reports and asks, and ends: what a packet core sends, one service."""
    used, asked = {Unit.OCTETS: 40}, {Unit.OCTETS: 100}
    steps = (
        (INITIAL, Mscc(10, None, asked, None)),
        (UPDATE, Mscc(10, None, asked, used)),
        (UPDATE, Mscc(10, None, asked, used)),
        (TERMINATION, Mscc(10, None, None, used)),
    )
    return [
        CreditControl(1, (number << 48, number), kind, place, 1000 * number + place, NOW_NS, msccs=(mscc,))
        for place, (kind, mscc) in enumerate(steps)
    ]


def test_typical_update_writes_at_most_the_budget():
    """Money, one bucket, one session with a service and its last two answers, and as many ended sessions as are kept."""
    price = Price(rating_group=10, allowances=(ALLOWANCE,), price_micros=7)
    engine = EngineAlone(tariff_tables(Catalogue((Release(1, offers={1: (price,)}),))))
    credits = (Credit(10**9), Credit(10**9, Unit.OCTETS, ALLOWANCE))
    engine.decide([Open(1, NOW_NS, credits=credits)], NOW_NS)
    for number in range(1, ENDED_SESSIONS_KEPT_MAX + 3):
        for request in session_of(number):
            (answer,), _ = engine.decide([request], NOW_NS)
            assert answer.outcome == Outcome.GRANTED
            if request.type == UPDATE:
                (record,) = engine.records.values()
                view = decode_record(record)
                assert (len(view.buckets), len(view.sessions), len(view.sessions[0].services)) == (2, 1, 1)
                assert view.sessions[0].previous.body_hash == 1000 * number + request.number - 1
                assert len(record) <= TYPICAL_OCTETS_MAX
                assert len(to_stored(record)) <= TYPICAL_STORED_OCTETS_MAX, "what is written"
    assert len(view.ended) == ENDED_SESSIONS_KEPT_MAX, "the budget holds the whole ring"


def test_bare_account_is_small():
    engine = EngineAlone()
    engine.decide([Open(1, NOW_NS, credits=(Credit(1), Credit(1, Unit.OCTETS, ALLOWANCE)))], NOW_NS)
    (record,) = engine.records.values()
    assert len(record) <= 8 * (HEADER_WORDS + 4 + 2 * 6)
