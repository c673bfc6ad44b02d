"""The data directory: who has it, and what a running `farebox up` says of itself there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.data_folder import (
    DataFolder,
    DataFolderTaken,
    UpState,
    lock_data_folder,
    read_up_state,
    write_up_state,
)
from runtime.ready_file import write_ready_file


def test_state_comes_back_as_it_was_written(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert read_up_state(folder) is None
    state = UpState(os.getpid(), "unix:///s", {"engine": 3}, {"gy": 3868}, {"engine": "ready"}, True)
    write_up_state(folder, state)
    assert read_up_state(folder) == state
    assert [path.name for path in tmp_path.iterdir()] == ["up.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "store_url": ""}', '{"more": 1}'])
def test_what_is_no_state_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "up.json").write_text(text)
    assert read_up_state(DataFolder(tmp_path)) is None


def test_state_of_a_killed_one_is_not_believed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_up_state(DataFolder(tmp_path), UpState(ended.pid, "unix:///s"))
    assert read_up_state(DataFolder(tmp_path)) is None


def test_directory_has_one_holder_until_it_lets_go(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "new" / "data")
    lock = lock_data_folder(folder)
    write_up_state(folder, UpState(os.getpid(), "unix:///s"))
    with pytest.raises(DataFolderTaken, match=rf"used by process {os.getpid()}: stop that, or give another"):
        lock_data_folder(folder)
    folder.up_file.unlink()
    with pytest.raises(DataFolderTaken, match="used by another farebox up"):
        lock_data_folder(folder)
    os.close(lock)
    os.close(lock_data_folder(folder))


def test_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderTaken, match=r"file is a file: give a folder with --data-dir"):
        lock_data_folder(DataFolder(tmp_path / "file"))


def test_ready_file_is_there_whole(tmp_path: Path) -> None:
    write_ready_file(tmp_path / "engine.ready", 3868, 9464)
    assert (tmp_path / "engine.ready").read_text() == f"3868 9464 {os.getpid()}\n"
    assert len(list(tmp_path.iterdir())) == 1
