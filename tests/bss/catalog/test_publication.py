"""From files to the working copy to a release: equal hashes, nothing lost, nobody stranded, and safe to repeat."""

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from bss.access import Caller
from bss.catalog.faults import CatalogFaulty
from bss.catalog.operations import change_head, change_resource, create_resource, put_tariff_part, set_lifecycle_status
from bss.catalog.publication import (
    confirm_release,
    discard_edits,
    discard_everything,
    import_release,
    prepare_release,
    refuse_release,
)
from bss.catalog.queries import (
    import_diff,
    publication_diff,
    release_in_force,
    releases,
    working_copy_file,
    working_copy_status,
)
from bss.catalog.records import Offering, ReleaseRow
from bss.catalog.release import CatalogRelease, catalog_hash, catalog_text, engine_part
from bss.catalog.working_copy import NOTHING_SHOWN
from bss.edge.database import Database
from bss.errors import Conflict, NotFound, Stale
from bss.outbox import OUTBOX
from catalog_loader.check import check_release
from tests.bss.catalog import test_documents
from tests.bss.catalog.sample import changed_offering, import_into, offering_of, renumbered, sample_release


def publish(database: Database, caller: Caller, in_use: dict[str, int] | None = None, **migrations: str) -> ReleaseRow:
    named = {source.replace("_", "-"): target for source, target in migrations.items()}
    prepared = database.write(caller, lambda work: prepare_release(work, in_use=in_use or {}, migrations=named))
    return database.write(caller, lambda work: confirm_release(work, release_id=prepared.id))


def edit_offering(database: Database, caller: Caller, offering_id: str = "prepaid-start", **changes: object) -> None:
    offering = offering_of(sample_release(), offering_id)
    changed = msgspec.structs.replace(offering, **changes)
    database.write(caller, lambda work: change_resource(work, resource=changed))


def hash_of_copy(database: Database, caller: Caller) -> str:
    status = database.read(caller, working_copy_status)
    assert status is not None
    return status.hash


def faults_of(refused: pytest.ExceptionInfo[CatalogFaulty]) -> list[tuple[str, str, str]]:
    return [(fault.kind, fault.id, fault.field) for fault in refused.value.faults]


def test_files_to_working_copy_to_release_have_one_hash(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    published = publish(database, anyone)
    assert published.hash == catalog_hash(catalog_text(sample_release()))
    assert published.engine_hash == engine_part(sample_release()).hash
    assert check_release(sample_release().engine).is_sound
    release = database.read(anyone, release_in_force)
    assert catalog_text(release) == catalog_text(sample_release())
    status = database.read(anyone, working_copy_status)
    assert status == (1, 0, 0, published.hash, ())


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(release=test_documents.releases())
def test_any_release_after_any_other_comes_out_as_it_went_in(
    database: Database, anyone: Caller, release: CatalogRelease
) -> None:
    import_into(database, anyone, release)
    assert hash_of_copy(database, anyone) == catalog_hash(catalog_text(release))


def test_an_edit_makes_the_next_release(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    publish(database, anyone)
    with pytest.raises(Conflict, match="nothing was edited since release 1"):
        publish(database, anyone)
    edit_offering(database, anyone, name="Prepaid Start XL")
    rows = database.read(anyone, publication_diff)
    assert ("offerings prepaid-start", "name", "Prepaid Start", "Prepaid Start XL") in rows
    assert [row.what for row in rows if row.thing == "release"] == ["number", "effective"]
    assert publish(database, anyone).number == 2
    release = database.read(anyone, release_in_force)
    assert offering_of(release, "prepaid-start").name == "Prepaid Start XL"
    assert release.engine.number == 2


def test_a_release_of_the_future_is_not_in_force_yet(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    publish(database, anyone)
    later_ns = database.now_ns() + 10**12
    database.write(anyone, lambda work: change_head(work, values={"effective_ns": later_ns, "name": "Summer"}))
    publish(database, anyone)
    assert database.read(anyone, release_in_force).engine.name == "Mobile, spring"
    assert database.read(anyone, lambda work: release_in_force(work, at_ns=later_ns)).engine.name == "Summer"


def test_an_import_does_not_overwrite_edits(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    publish(database, anyone)
    edit_offering(database, anyone, name="Prepaid Start XL")
    with pytest.raises(Conflict, match="1 edits since release 1 and 0 drafts would be lost"):
        import_into(database, anyone, renumbered(sample_release(), 2))
    database.write(anyone, discard_edits)
    assert hash_of_copy(database, anyone) == catalog_hash(catalog_text(sample_release()))
    import_into(database, anyone, renumbered(sample_release(), 2))
    assert publish(database, anyone).number == 2


def test_drafts_are_not_lost_in_an_import_and_no_part_of_a_release(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    draft = msgspec.structs.replace(offering_of(sample_release(), "prepaid-start"), id="prepaid-max", eligibility="")
    database.write(anyone, lambda work: create_resource(work, resource=draft))
    assert hash_of_copy(database, anyone) == catalog_hash(catalog_text(sample_release()))
    publish(database, anyone)
    with pytest.raises(Conflict, match="0 edits since release 1 and 1 drafts would be lost"):
        import_into(database, anyone, renumbered(sample_release(), 2))
    database.write(
        anyone,
        lambda work: set_lifecycle_status(work, kind=Offering, resource_id="prepaid-max", status="active"),
    )
    publish(database, anyone)
    assert database.read(anyone, release_in_force).offering("prepaid-max") is not None


def test_a_diff_that_has_become_old_is_not_imported(database: Database, anyone: Caller) -> None:
    other = changed_offering(sample_release(), "prepaid-start", name="Other")
    shown = database.read(anyone, lambda work: import_diff(work, release=other))
    assert shown.shown_against == NOTHING_SHOWN
    import_into(database, anyone, sample_release())
    with pytest.raises(Stale, match="Look at the diff again"):
        database.write(anyone, lambda work: import_release(work, release=other, shown_against=shown.shown_against))
    rows = database.read(anyone, lambda work: import_diff(work, release=other)).rows
    assert rows == (("offerings prepaid-start", "name", "Prepaid Start", "Other"),)


def test_a_first_import_can_be_given_up(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    edit_offering(database, anyone, name="Prepaid Start XL")
    with pytest.raises(Conflict, match="no release to go back to"):
        database.write(anyone, discard_edits)
    database.write(anyone, discard_everything)
    assert database.read(anyone, working_copy_status) is None
    with pytest.raises(NotFound, match="farebox catalog import"):
        publish(database, anyone)
    import_into(database, anyone, sample_release())
    publish(database, anyone)
    with pytest.raises(Conflict, match="it has a base release"):
        database.write(anyone, discard_everything)


def test_the_compilers_faults_come_at_the_field(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    (entry,) = [each for each in database.read(anyone, working_copy_file)["prices"] if each["id"] == "sms-national"]
    with pytest.raises(CatalogFaulty) as refused:
        database.write(anyone, lambda work: put_tariff_part(work, kind="prices", body=entry | {"price": "0.09 USD"}))
    assert faults_of(refused) == [("prices", "sms-national", "price")]
    assert "Write the sum in EUR" in refused.value.faults[0].remedy
    wrong = entry | {"grant": {"default": "5 events", "min": "1 event", "max": "2 events"}, "allowances": ["no-such"]}
    database.write(anyone, lambda work: put_tariff_part(work, kind="prices", body=wrong))
    status = database.read(anyone, working_copy_status)
    assert status is not None
    assert {(fault.kind, fault.id, fault.field) for fault in status.faults} == {
        ("prices", "sms-national", "grant.default"),
        ("prices", "sms-national", "allowances.0"),
    }
    assert all(fault.place is None for fault in status.faults)
    with pytest.raises(CatalogFaulty):
        publish(database, anyone)


def test_what_follows_a_release_keeps_its_promises(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    publish(database, anyone)
    kept = [each for each in sample_release().engine.offers if each.id != "prepaid-plus"]
    given = ("data-1gib", "data-10gib", "voice-100min")
    engine_offers = (*kept[1:], msgspec.structs.replace(kept[0], allowances=given))
    without = msgspec.structs.replace(
        renumbered(sample_release(), 2, offers=engine_offers),
        offerings=tuple(each for each in sample_release().offerings if each.id == "prepaid-start"),
    )
    import_into(database, anyone, without)
    with pytest.raises(CatalogFaulty, match="offer prepaid-plus of release 1 is missing"):
        publish(database, anyone)


def test_who_has_an_offering_is_not_stranded(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    publish(database, anyone)
    edit_offering(database, anyone, offer="prepaid-plus")
    with pytest.raises(CatalogFaulty) as refused:
        publish(database, anyone, {"prepaid-start": 3, "itemised-usage": 1})
    assert faults_of(refused) == [("offerings", "prepaid-start", "offer")]
    assert "3 products of customers are of it" in str(refused.value)
    published = publish(database, anyone, {"prepaid-start": 3}, prepaid_start="prepaid-plus")
    assert published.migrations == {"prepaid-start": "prepaid-plus"}
    events = database.read(anyone, lambda work: work.rows(sa.select(OUTBOX).order_by(OUTBOX.c.sequence)))
    assert (events[-1]["kind"], events[-1]["resource_id"], events[-1]["ids"]["target"]) == (
        "ProductOfferingMigrationEvent",
        "prepaid-start",
        "prepaid-plus",
    )


def test_a_prepared_release_is_finished_first(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    first = database.write(anyone, lambda work: prepare_release(work, in_use={}))
    assert database.write(anyone, lambda work: prepare_release(work, in_use={})) == first
    with pytest.raises(NotFound, match="no catalogue release is in force"):
        database.read(anyone, release_in_force)
    edit_offering(database, anyone, name="Prepaid Start XL")
    with pytest.raises(Conflict, match="release 1 is prepared"):
        database.write(anyone, lambda work: prepare_release(work, in_use={}))
    for _ in range(2):
        assert database.write(anyone, lambda work: confirm_release(work, release_id=first.id)).state == "published"
    status = database.read(anyone, working_copy_status)
    assert status is not None
    assert (status.base_release, status.edit_count) == (1, 1)
    assert publish(database, anyone).number == 2


def test_a_refused_release_leaves_its_number(database: Database, anyone: Caller) -> None:
    import_into(database, anyone, sample_release())
    refused = database.write(anyone, lambda work: prepare_release(work, in_use={}))
    database.write(anyone, lambda work: refuse_release(work, release_id=refused.id))
    with pytest.raises(Conflict, match="release 1 is refused"):
        database.write(anyone, lambda work: confirm_release(work, release_id=refused.id))
    assert publish(database, anyone).number == 1
    assert [row.state for row in database.read(anyone, releases)] == ["published", "refused"]
