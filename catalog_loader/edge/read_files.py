"""Files and folders of a release, from disk. What can't be opened is a fault among the others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from catalog_loader.check import CheckReport, Source, check_sources
from catalog_loader.faults import Fault, Place
from catalog_loader.release import Release
from vocabulary.limits import CATALOG_FILE_OCTETS_MAX, CATALOG_FILES_MAX

SUFFIXES: Final = (".yaml", ".yml", ".json")


def check(paths: Sequence[str | Path], published: Sequence[Release] = ()) -> CheckReport:
    """Check the one release that the files and folders hold together.

    published   releases of its tenant that the store has; () checks the release alone
    """
    sources, faults = read_sources(paths)
    return check_sources(sources, published, already=faults)


def read_sources(paths: Sequence[str | Path]) -> tuple[list[Source], list[Fault]]:
    """Octets of all files, of a folder those with a suffix of ours, by name; and what could not be read."""
    sources: list[Source] = []
    faults: list[Fault] = []
    for file in _files_of(paths, faults):
        if len(sources) == CATALOG_FILES_MAX:
            remedy = "Join some of them"
            faults.append(Fault(Place(str(file), 1, 1), "", f"more than {CATALOG_FILES_MAX} files", remedy))
            break
        try:
            with file.open("rb") as opened:
                # One octet more than the limit shows that there is more; a huge file is not read whole.
                sources.append(Source(str(file), opened.read(CATALOG_FILE_OCTETS_MAX + 1)))
        except OSError as error:
            problem = f"the file can't be read: {error.strerror}"
            faults.append(Fault(Place(str(file), 1, 1), "", problem, "Correct the path or its permissions"))
    return sources, faults


def _files_of(paths: Sequence[str | Path], faults: list[Fault]) -> list[Path]:
    files: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.is_dir():
            files[path] = None
            continue
        within = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
        if not within:
            problem = f"the folder has no file that ends in {', '.join(SUFFIXES)}"
            faults.append(Fault(Place(str(path), 1, 1), "", problem, "Name the folder or file of a release"))
        files.update(dict.fromkeys(within))
    return list(files)
