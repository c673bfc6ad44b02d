"""The control of the inventory against engine and network: what differs is found, and repaired where that is safe."""

from functools import partial

import pytest

from balances.commands import Change
from balances.record import AccountStatus
from bss.access import Caller
from bss.edge.database import Database
from bss.engine_port import Identity, MoveIdentities
from bss.inventory.operations import add_number
from bss.inventory.queries import product
from bss.network_port import Deprovision, Provision, Suspend
from bss.orders.records import Action
from bss.views.assurance import Difference, PortAway, find_differences, repair
from tests.bss.orchestration.world import World
from vocabulary.ids import IdentityKind


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def differences(world: World) -> list[Difference]:
    read = partial(world.database.read, world.caller)
    return list(find_differences(read, world.engine, world.network, tenant="default"))


def repaired(world: World) -> list[str]:
    """What was found, after which nothing is left."""
    found = differences(world)
    assert all(repair(each, world.engine, world.network) for each in found)
    assert differences(world) == []
    return [each.what for each in found]


def test_all_kinds_of_products_agree(world: World) -> None:
    _, suspended, ended = (world.ordered().items[0].product_id or "" for _ in range(3))
    world.ordered(Action.SUSPEND, suspended)
    world.ordered(Action.TERMINATE, ended)
    assert differences(world) == []


def test_what_the_network_lost_or_has_too_much_is_found(world: World) -> None:
    view = world.ordered()
    has = world.do(product, view.items[0].product_id)
    world.network.send(Deprovision("x", has.imsi))
    assert repaired(world) == ["subscriber"]
    world.network.send(Suspend("y", has.imsi))
    assert repaired(world) == ["subscriber"]
    world.network.send(Provision("z", "260030000000002", "48600100002"))
    assert repaired(world) == ["subscriber of IMSI 260030000000002"]


def test_what_the_engine_has_otherwise_is_found(world: World) -> None:
    view = world.ordered()
    has = world.do(product, view.items[0].product_id)
    world.engine.send(Change("x", 1, has.engine_account_id, status=AccountStatus.BARRED))
    number = Identity(IdentityKind.E164, has.number)
    world.engine.send(MoveIdentities("y", 1, has.engine_account_id, remove=(number,)))
    assert repaired(world) == ["account status", f"account of E164 {has.number}"]


def test_an_account_that_nobody_has_is_found(world: World) -> None:
    view = world.ordered()
    has = world.do(product, view.items[0].product_id)
    free = Identity(IdentityKind.E164, "48600100002")
    world.engine.send(MoveIdentities("x", 1, has.engine_account_id, add=(free,)))
    assert repaired(world) == ["account of E164 48600100002"]


def test_a_number_of_another_account_needs_a_person(world: World) -> None:
    world.do(add_number, number="48600100009")
    first, second = (world.do(product, world.ordered().items[0].product_id) for _ in range(2))
    number = Identity(IdentityKind.E164, first.number)
    world.engine.send(MoveIdentities("x", 1, first.engine_account_id, remove=(number,)))
    world.engine.send(MoveIdentities("y", 1, second.engine_account_id, add=(number,)))
    [found] = differences(world)
    assert (found.product_id, found.found, found.repair) == (first.id, str(second.engine_account_id), None)
    assert not repair(found, world.engine, world.network)


def test_an_order_under_way_is_left_out(world: World) -> None:
    world.engine.is_away = True
    assert world.run(world.place().id).order.state == "held"
    world.engine.is_away = False
    assert differences(world) == []


@pytest.mark.parametrize("port", ["engine", "network"])
def test_nothing_is_said_of_who_is_away(world: World, port: str) -> None:
    world.ordered()
    getattr(world, port).is_away = True
    with pytest.raises(PortAway):
        differences(world)
