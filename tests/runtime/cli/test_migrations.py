"""`farebox catalog release --dry-run` and `catalog migrations`: how many products a release moves, and how far that is."""

import re
from pathlib import Path

from bss.access import Caller
from bss.catalog.publication import confirm_release, prepare_release
from bss.edge.database import Database, database_url
from bss.orders.batches import open_batch
from bss.orders.operations import place
from bss.orders.records import Action, NewItem, PlannedStep
from tests.bss.catalog.sample import SAMPLE
from tests.bss.conftest import NOW_NS
from tests.bss.customers import a_product
from tests.runtime.typed_words import Result, typed

ANYONE = Caller("default", "test", frozenset({"*"}))


def farebox(folder: Path, *words: str) -> Result:
    return typed("catalog", *words, "--data-dir", str(folder))


def test_products_are_counted_before_and_seen_afterwards(tmp_path: Path) -> None:
    farebox(tmp_path, "import", str(SAMPLE), "--yes")
    database = Database(database_url("", tmp_path), now_ns=lambda: NOW_NS)
    database.write(ANYONE, lambda work: confirm_release(work, release_id=prepare_release(work, in_use={}).id))
    for _ in range(2):
        database.write(ANYONE, a_product)
    waits = NewItem(action=Action.ADD, offering_id="prepaid-start", steps=(PlannedStep(kind="activate"),))
    database.write(ANYONE, lambda work: place(work, customer_id="c-1", items=[waits], requested_start_ns=2 * NOW_NS))
    path = tmp_path / "changed.yaml"
    text = SAMPLE.read_text().replace("number: 1", "number: 2").replace("2025-01-01", "2025-02-01")
    path.write_text(
        re.sub(
            r"(- id: prepaid-start\n.*\n.*product_specification_id.*\n +offer: )prepaid-start", r"\1prepaid-plus", text
        )
    )
    assert farebox(tmp_path, "import", str(path), "--yes").exit_code == 0
    stranded = farebox(tmp_path, "release", "--dry-run")
    assert stranded.exit_code == 1
    assert "3 products of customers are of it, or ordered" in stranded.output
    looked = farebox(tmp_path, "release", "--dry-run", "--migrate", "prepaid-start=prepaid-start")
    assert looked.exit_code == 0, looked.output
    assert "2 products of prepaid-start follow its changes" in looked.output
    assert "1 that are ordered and not made yet follow its changes, as they are made" in looked.output
    assert "Migrations: none" in farebox(tmp_path, "migrations").output
    batch = database.write(
        ANYONE,
        lambda work: open_batch(
            work, release=2, source="prepaid-start", target="prepaid-plus", total_count=2, from_ns=NOW_NS
        ),
    )
    shown = farebox(tmp_path, "migrations", "--retry", batch.id)
    assert "prepaid-start to prepaid-plus" in shown.output
    assert farebox(tmp_path, "migrations", "--retry", "none").exit_code == 1
    database.close()
