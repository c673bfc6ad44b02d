"""Whole processes: clients of rating groups that were refused before they had quota are told when a product or a price serves
them.
"""

from collections.abc import Iterator

import msgspec
import pytest

from catalog_loader.check import CheckedRelease, check_release
from catalog_loader.release import Price, Service
from tests.catalog_loader.sample_release import checked_sample
from tests.chf_http2.edge.notify_target import notify_target
from tests.runtime.notices.test_told_clients import QUICK, assert_nothing_is_held, farebox, open_sessions
from tests.runtime.notices.told_clients import MIB, SUCCESS, ToldSmf, told_packet_core
from tests.runtime.notices.told_store import ToldStore
from tests.runtime.running_up import RunningUp, open_account, running_up, wait_until
from vocabulary.instants import NS_PER_S

REJECTED = 5003
"""Other offers of the sample have a price for any rating group."""
OF_THE_PASS, UNPRICED, GENERAL = 40, 50, 10


@pytest.fixture
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """Everything, with a front end for Diameter and one for 5G."""
    with running_up(tmp_path_factory.mktemp("told") / "data", "--front-ends", "1", "--chf", "1", **QUICK) as running:
        yield running


@pytest.fixture
def smf(up: RunningUp) -> Iterator[ToldSmf]:
    """An SMF."""
    one = ToldSmf(up.state.ports["chf"])
    yield one
    one.close()


def release_with(number: int, group: int, *, of_a_pass: bool) -> CheckedRelease:
    """The sample with a price for one more rating group: of everybody, or of an offer of its own."""
    plain = checked_sample().release
    like = next(price for price in plain.prices if price.id == "data-general")
    services = (Service(32251, group), Service(32255, group))
    price: Price = msgspec.structs.replace(like, id="further", services=services)
    start = next(offer for offer in plain.offers if offer.id == "prepaid-start")
    if of_a_pass:
        sold = msgspec.structs.replace(
            start, id="pass", name="Pass", prices=("further",), allowances=(), money_micros=0
        )
        offers = (*plain.offers, sold)
    else:
        served = msgspec.structs.replace(start, prices=(*start.prices, "further"))
        offers = (served, *(offer for offer in plain.offers if offer is not start))
    changed = msgspec.structs.replace(
        plain, number=number, effective_ns=plain.effective_ns + NS_PER_S, prices=(*plain.prices, price), offers=offers
    )
    report = check_release(changed)
    assert report.checked is not None, report.lines()
    return report.checked


def test_clients_that_were_refused_from_the_beginning_are_told_of_a_product(up: RunningUp, smf: ToldSmf) -> None:
    over_gy, over_nchf, session = "001010000000201", "001010000000202", "pgw.visited.example;pass"
    for imsi in (over_gy, over_nchf):
        open_account(up, imsi)
    with ToldStore(up.state.store_url) as store:
        store.publish_for_all(release_with(2, OF_THE_PASS, of_a_pass=True))
    with told_packet_core(up.state.ports["gy"]) as core, notify_target() as target:
        assert core.ask(1, 0, session, over_gy, asked=MIB, rating_group=OF_THE_PASS).result == REJECTED
        farebox(up, "subscriber", "apply", over_gy, "--offer", "pass", "--yes")
        rar = core.next()
        assert rar.session_id == session
        assert [avp.value for avp in rar.find_avps((432, 0))] == [OF_THE_PASS]
        answer = core.ask(2, 1, session, over_gy, asked=10 * MIB, rating_group=OF_THE_PASS)
        assert answer.granted_octets == 10 * MIB
        assert core.ask(3, 2, session, over_gy, used=MIB, rating_group=OF_THE_PASS).result == SUCCESS

        uri = smf.create(over_nchf, 201, target.uri("pass"), OF_THE_PASS)
        assert smf.update(uri, 1, 0, rating_group=OF_THE_PASS).result == "END_USER_SERVICE_REJECTED"
        farebox(up, "subscriber", "apply", over_nchf, "--offer", "pass", "--yes")
        notification = target.next()
        assert notification.body == {
            "notificationType": "REAUTHORIZATION",
            "reauthorizationDetails": [{"ratingGroup": OF_THE_PASS}],
        }
        assert smf.update(uri, 2, 0, rating_group=OF_THE_PASS).granted_octets == 10 * MIB
        wait_until("nothing more is owed", lambda: open_sessions(up, over_nchf)[0]["owed"] is None)
        assert smf.release(uri, 3) == 204
    assert_nothing_is_held(up, over_nchf)


def test_clients_that_were_refused_from_the_beginning_are_told_of_a_price(up: RunningUp, smf: ToldSmf) -> None:
    """A session that asked for nothing isn't."""
    over_gy, over_nchf, session = "001010000000211", "001010000000212", "pgw.visited.example;price"
    bare = "001010000000213"
    for imsi in (over_gy, over_nchf, bare):
        open_account(up, imsi)
    with (
        ToldStore(up.state.store_url) as store,
        told_packet_core(up.state.ports["gy"]) as core,
        notify_target() as target,
        notify_target() as bare_target,
    ):
        assert core.ask(1, 0, session, over_gy, asked=MIB, rating_group=UNPRICED).result == REJECTED
        assert core.ask(2, 1, session, over_gy, asked=MIB, rating_group=GENERAL).granted_octets == MIB
        uri = smf.create(over_nchf, 211, target.uri("price"), UNPRICED)
        bare_uri = smf.create(bare, 212, bare_target.uri("bare"), None)
        for imsi in (over_gy, over_nchf, bare):
            wait_until("what is in force is known", lambda imsi=imsi: store.is_watched(imsi))
        store.publish(release_with(2, UNPRICED, of_a_pass=False))
        rar = core.next()
        assert (rar.header.command_code, rar.session_id) == (258, session)
        assert core.ask(2, 2, session, over_gy, asked=10 * MIB, rating_group=UNPRICED).granted_octets == 10 * MIB
        assert target.next().body == {
            "notificationType": "REAUTHORIZATION",
            "reauthorizationDetails": [{"ratingGroup": UNPRICED}],
        }
        assert smf.update(uri, 1, 0, rating_group=UNPRICED).granted_octets == 10 * MIB
        assert smf.release(uri, 2) == 204
        assert core.ask(3, 3, session, over_gy, used=MIB, rating_group=UNPRICED).result == SUCCESS
        assert smf.release(bare_uri, 1) == 204
        assert bare_target.got.empty()
    for imsi in (over_gy, over_nchf):
        assert_nothing_is_held(up, imsi)
