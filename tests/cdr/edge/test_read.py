"""Records read back: by the manifest, each row once, later ones with the next call."""

import sqlite3

import pytest

from cdr.edge.manifest_file import MANIFEST_NAME
from cdr.edge.read import RecordReader
from cdr.manifest import ManifestError
from tests.cdr.edge.writing import (
    Clock,
    event,
    settings_of,
    work_off,
    write_all,
    writing,
)


def test_readers_follow_the_manifest_and_go_on_where_they_were(journal, tmp_path):
    settings = settings_of(tmp_path, file_rows_max=1)
    with RecordReader(settings.folder) as reader:
        assert list(reader.rows()) == []
        settings.folder.mkdir()
        sqlite3.connect(settings.folder / MANIFEST_NAME).close()
        assert list(reader.rows()) == [], "the writer is about to lay its tables down"
        journal.add([event(1)])
        write_all(settings, Clock())
        stray = settings.folder / "tenant=acme" / "day=2026-09-21" / "0000000099.parquet"
        stray.write_bytes(b"not in the manifest")
        assert [row["session_id"] for row in reader.rows()] == ["sms;1"]
        journal.add([event(2)])
        write_all(settings, Clock())
        found = []

        def wait():
            found.append(reader.position)
            if len(found) == 1:
                journal.add([event(3)])
                write_all(settings, Clock())
            return len(found) < 2

        assert [row["session_id"] for row in reader.follow(wait)] == ["sms;2", "sms;3"]
        position = reader.position
    with RecordReader(settings.folder, after=position) as later:
        assert list(later.files()) == []


def test_a_missing_file_is_named_unless_it_may_still_come(journal, tmp_path):
    settings = settings_of(tmp_path, file_rows_max=1)
    journal.add([event(1)])
    with writing(settings, Clock()) as writer:
        work_off(writer)
    (path,) = settings.folder.rglob("0000000001.parquet")
    aside = path.rename(path.with_suffix(".aside"))
    with RecordReader(settings.folder) as reader:
        assert list(reader.files()) == []
        aside.rename(path)
        assert len(list(reader.files())) == 1
    journal.add([event(2)])
    write_all(settings, Clock())
    path.unlink()
    with RecordReader(settings.folder) as reader, pytest.raises(ManifestError, match="is missing: restore it"):
        list(reader.files())
