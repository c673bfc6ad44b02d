"""Sockets for this user alone: there once they listen, replaced in one step, removed by who made them and nobody else."""

import socket
from pathlib import Path

import pytest

from balances.edge.embedded_socket import SOCKET_PATH_OCTETS_MAX, socket_path
from runtime.private_socket import PrivateSocket, private_socket


def listening_at(path: Path) -> PrivateSocket:
    with private_socket(path) as made:
        assert not path.exists() or path.stat().st_ino != made.inode, "nobody finds it before it listens"
        made.listening.listen()
    return made


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def test_it_is_for_this_user_alone_and_takes_connections(tmp_path: Path) -> None:
    path = tmp_path / "run" / "engine.engine"
    made = listening_at(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert can_connect(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name], "the name that it had before is gone"
    made.listening.close()


def test_a_folder_with_a_long_path_is_made_where_it_is_missing(tmp_path: Path) -> None:
    """Such a one is reached by a link that is there before the folder is."""
    folder = tmp_path / ("a" * SOCKET_PATH_OCTETS_MAX) / "run"
    path = socket_path(folder, "engine.engine")
    assert path.parent != folder
    made = listening_at(path)
    assert can_connect(path)
    assert [each.name for each in folder.iterdir()] == [path.name]
    made.listening.close()
    made.remove()
    path.parent.unlink()


def test_a_later_one_takes_the_place_and_is_left_there(tmp_path: Path) -> None:
    path = tmp_path / "engine.engine"
    path.write_text("left by somebody")
    first = listening_at(path)
    second = listening_at(path)
    first.listening.close()
    first.remove()
    assert can_connect(path), "it is the second's"
    second.listening.close()
    second.remove()
    assert not path.exists()
    second.remove()


def test_one_that_fails_leaves_nothing_and_the_earlier_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "engine.engine"
    first = listening_at(path)
    with pytest.raises(OSError, match="no backlog"), private_socket(path) as made:
        raise OSError("no backlog")
    assert made.listening.fileno() == -1, "closed"
    assert can_connect(path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    first.listening.close()
