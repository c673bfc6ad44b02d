"""Search in the stacked tables against the search in plain objects (tests/reference/tariffs.py)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from balances.arena import index_sections, new_arena
from charging.batch import new_usage_batch
from charging.rating.tariff_lookup import look_up_price, refusal_of, release_in_force
from charging.tariff_tables import ABSENT, ANY, Control
from tests.reference.account import Account, Product
from tests.reference.record_octets import encode_account
from tests.reference.tariffs import Catalogue, Price, Release, tariff_tables
from vocabulary.outcomes import Outcome

BATCH = new_usage_batch(1, 1, 8)
ARENA = new_arena(1, 4096)
groups = st.sampled_from((1, 2, 2**32 - 1, ANY, ABSENT))
some_prices = st.lists(
    st.builds(
        Price,
        rating_group=groups,
        service_identifier=st.sampled_from((ANY, 5, 6)),
        service_context=st.sampled_from((32251, 32260)),
        number=st.integers(1, 1000),
    ),
    max_size=6,
    unique_by=lambda price: (price.service_context, price.rating_group, price.service_identifier),
).map(tuple)
offers = st.dictionaries(st.integers(1, 3), some_prices, max_size=3)
catalogues = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 4), offers), max_size=5, unique_by=lambda row: row[:2]
).map(
    lambda rows: Catalogue(
        tuple(Release(place + 1, effective, tenant, own) for place, (tenant, effective, own) in enumerate(rows))
    )
)
periods = st.tuples(st.integers(0, 4), st.integers(0, 6))
products = st.lists(
    st.builds(
        lambda offer, release, period, priority: Product(offer, release, *period, priority),
        st.integers(1, 3),
        st.integers(0, 5),
        periods,
        st.integers(0, 2),
    ),
    max_size=4,
)


@settings(max_examples=150)
@given(
    catalogues,
    products,
    st.integers(1, 2),
    st.sampled_from((32251, 32260)),
    st.sampled_from((None, 1, 2, 3, 2**32 - 1)),
    st.sampled_from((None, 5, 7)),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_the_price_that_decides_is_the_plain_search_s(
    catalogue: Catalogue,
    own: list[Product],
    tenant: int,
    context: int,
    group: int | None,
    identifier: int | None,
    now_ns: int,
    release_ns: int,
) -> None:
    """Same price, offer and release, or the same refusal, for any catalogue, products and instant."""
    account = Account(1, tenant=tenant, products=own)
    record = encode_account(account)
    ARENA.octets[: len(record)] = list(record)
    ARENA.length[0] = len(record) // 8
    assert index_sections(ARENA, 0)
    tables = tariff_tables(catalogue)
    request, mscc = BATCH.requests[0], BATCH.msccs[0]
    request["service_context"] = context
    mscc["rating_group"] = -1 if group is None else group
    mscc["service_identifier"] = -1 if identifier is None else identifier
    outcome, price_row, offer_row = look_up_price(ARENA, 0, tables, request, mscc, now_ns, release_ns)
    found = catalogue.price_for(account, context, group, identifier, now_ns, release_ns)
    if found.price is None:
        assert (outcome, price_row, offer_row) == (found.refusal, -1, -1)
    else:
        assert outcome == Outcome.GRANTED
        assert tables.prices[price_row]["price"] == found.price.number
        assert (tables.offers[offer_row]["offer"], tables.offers[offer_row]["release"]) == (found.offer, found.release)
    in_force = catalogue.release_for(tenant, 0, now_ns)
    assert release_in_force(tables, tenant, now_ns) == (0 if in_force is None else in_force.number)


def test_what_each_control_refuses() -> None:
    """Charged and free prices refuse nothing; the others have an outcome of their own."""
    refused = {}
    for control in Control:
        tables = tariff_tables(Catalogue((Release(1, offers={1: (Price(1, control=control),)}),)))
        refused[control] = refusal_of(tables.prices[0])
    assert refused == {
        Control.CHARGED: Outcome.GRANTED,
        Control.FREE: Outcome.GRANTED,
        Control.NOT_APPLICABLE: Outcome.CREDIT_CONTROL_NOT_APPLICABLE,
        Control.DENIED: Outcome.END_USER_SERVICE_DENIED,
    }
