"""Publishing over catalogue, inventory and engine: nobody is stranded, and what dies on the way is finished by asking again."""

from typing import Any

import msgspec
import pytest

from bss.access import Caller
from bss.catalog.faults import CatalogFaulty
from bss.catalog.operations import change_resource
from bss.catalog.queries import releases
from bss.catalog.release import engine_part
from bss.edge.database import Database
from bss.engine_in_memory import MemoryEngine
from bss.engine_port import Unknown
from bss.inventory.product_operations import set_product_status
from bss.inventory.states import ProductStatus
from bss.orchestration.catalog_publication import Published, Waiting, finish_release, publish_catalog
from catalog_loader.check import CheckedRelease
from tests.bss.catalog.sample import import_into, offering_of, sample_release
from tests.bss.customers import a_product


class LateEngine(MemoryEngine):
    """Takes a release and is heard of too late."""

    def publish_release(self, checked: CheckedRelease, *, now_ns: int) -> Any:
        answer = super().publish_release(checked, now_ns=now_ns)
        return Unknown("too late") if getattr(answer, "is_new", False) else answer


def publish(database: Database, caller: Caller, engine: MemoryEngine, **migrations: str) -> Published | Waiting:
    named = {source.replace("_", "-"): target for source, target in migrations.items()}
    return publish_catalog(database, caller, engine, migrations=named)


def change_offer(database: Database, caller: Caller) -> None:
    changed = msgspec.structs.replace(offering_of(sample_release(), "prepaid-start"), offer="prepaid-plus")
    database.write(caller, lambda work: change_resource(work, resource=changed))


def test_the_engine_has_what_is_published(database: Database, anyone: Caller) -> None:
    engine = MemoryEngine(database.now_ns)
    import_into(database, anyone, sample_release())
    published = publish(database, anyone, engine)
    assert isinstance(published, Published)
    assert published.release.state == "published"
    repeated = engine.publish_release(engine_part(sample_release()), now_ns=database.now_ns())
    assert getattr(repeated, "is_new", None) is False


def test_without_an_engine_the_release_waits_and_is_finished_later(database: Database, anyone: Caller) -> None:
    engine = MemoryEngine(database.now_ns)
    engine.is_away = True
    import_into(database, anyone, sample_release())
    waiting = publish(database, anyone, engine)
    assert isinstance(waiting, Waiting)
    assert [row.state for row in database.read(anyone, releases)] == ["prepared"]
    engine.is_away = False
    assert isinstance(finish_release(database, anyone, engine, waiting.release), Published)
    assert [row.state for row in database.read(anyone, releases)] == ["published"]


def test_what_the_engine_did_unheard_is_finished_by_asking_again(database: Database, anyone: Caller) -> None:
    engine = LateEngine(database.now_ns)
    import_into(database, anyone, sample_release())
    waiting = publish(database, anyone, engine)
    assert waiting == Waiting(waiting.release, "too late")
    again = publish(database, anyone, engine)
    assert isinstance(again, Published)
    assert again.release.id == waiting.release.id


def test_what_the_engine_refuses_is_not_published(database: Database, anyone: Caller) -> None:
    engine = MemoryEngine(database.now_ns)
    other = msgspec.structs.replace(sample_release().engine, name="Another of this number")
    engine.publish_release(
        engine_part(msgspec.structs.replace(sample_release(), engine=other)), now_ns=database.now_ns()
    )
    import_into(database, anyone, sample_release())
    with pytest.raises(CatalogFaulty):
        publish(database, anyone, engine)
    assert [row.state for row in database.read(anyone, releases)] == ["refused"]


def test_products_of_customers_stop_what_would_strand_them(database: Database, anyone: Caller) -> None:
    engine = MemoryEngine(database.now_ns)
    import_into(database, anyone, sample_release())
    publish(database, anyone, engine)
    product = database.write(anyone, a_product)
    change_offer(database, anyone)
    with pytest.raises(CatalogFaulty, match="1 product of customers is of it"):
        publish(database, anyone, engine)
    database.write(anyone, lambda work: set_product_status(work, product.id, status=ProductStatus.CANCELLED))
    assert isinstance(publish(database, anyone, engine), Published)


def test_a_migration_lets_them_follow(database: Database, anyone: Caller) -> None:
    engine = MemoryEngine(database.now_ns)
    import_into(database, anyone, sample_release())
    publish(database, anyone, engine)
    database.write(anyone, a_product)
    change_offer(database, anyone)
    published = publish(database, anyone, engine, prepaid_start="prepaid-start")
    assert published.release.migrations == {"prepaid-start": "prepaid-start"}
