"""Faults of a catalogue: where, what is wrong, and what to do; collected until everything has been looked at.

A path says which value of the release is meant, such as ("prices", 3, "block"); the files that were read say where it
stands. Rules therefore work alike on a release from files and on one from a database, which has no lines.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

from vocabulary.limits import CATALOG_FAULTS_MAX

Path = tuple[str | int, ...]


class CatalogError(Exception):
    """A catalogue can't be read, published or loaded; the message names the cause and the remedy."""


class Place(NamedTuple):
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `place` is None where the release came from no file."""

    place: Place | None
    subject: str
    """what it is about, such as "price data-general"; empty where the place says it all"""
    problem: str
    remedy: str
    path: Path = field(default=(), compare=False)
    """which value of the release; () where that isn't known, or the release is unreadable"""

    def __str__(self) -> str:
        about = f"{self.subject}: " if self.subject else ""
        where = f"{self.place}: " if self.place else ""
        end = "" if self.remedy.endswith("?") else "."
        return f"{where}{about}{self.problem}. {self.remedy}{end}"


class Finding(NamedTuple):
    """What a rule says about a path."""

    path: Path
    problem: str
    remedy: str


@dataclass(slots=True)
class FaultList:
    """Collects faults, each once; afterwards in order of place."""

    places: dict[Path, Place] = field(default_factory=dict)
    subjects: dict[Path, str] = field(default_factory=dict)
    """names of paths for people: ("prices", 3) -> "price data-general" """
    _faults: dict[tuple[Fault, Path], None] = field(default_factory=dict)
    """behind each its path where it has no place: two entries of a working copy may have the same fault"""
    _faulty: set[Path] = field(default_factory=set)

    def add(self, path: Path, problem: str, remedy: str, *, place: Place | None = None) -> None:
        """Note a fault at a path; its place is the nearest known one unless another is given."""
        self._faulty.update(path[:length] for length in range(min(len(path), 3), len(path) + 1))
        fault = Fault(place or self.place_of(path), self.subject_of(path), problem, remedy, path)
        self.add_fault(fault)

    def add_fault(self, fault: Fault) -> None:
        """Note a fault that is ready, such as a file that can't be read."""
        self._faults.setdefault((fault, () if fault.place else fault.path))

    def excuse(self, path: Path) -> None:
        """Let rules pass a value over that is not known because of a fault elsewhere."""
        self._faulty.add(path)

    def add_findings(self, findings: Iterable[Finding]) -> None:
        """Note what rules found, except about values that are known to be faulty: what they say follows from that."""
        faulty_before = set(self._faulty)
        for path, problem, remedy in findings:
            if faulty_before.isdisjoint((path[:1], path[:2], path)):
                self.add(path, problem, remedy)

    def place_of(self, path: Path) -> Place | None:
        """Where the value stands, or where the nearest thing around it does."""
        for length in range(len(path), -1, -1):
            place = self.places.get(path[:length])
            if place is not None:
                return place
        return None

    def subject_of(self, path: Path) -> str:
        """Name for people of the nearest thing that has one."""
        for length in range(len(path), -1, -1):
            subject = self.subjects.get(path[:length])
            if subject is not None:
                return subject
        return ""

    def sorted(self) -> list[Fault]:
        """All faults, by file, line and column; what has no place comes last, as it was found."""
        nowhere = Place("\U0010ffff", 0, 0)
        return sorted((fault for fault, _ in self._faults), key=lambda fault: fault.place or nowhere)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.sorted()[:CATALOG_FAULTS_MAX])

    def __len__(self) -> int:
        return len(self._faults)


def near_match(word: str, known: Iterable[str]) -> str | None:
    """The known word that was likely meant."""
    words = sorted(known)
    for other in words:
        if other.casefold() == word.casefold().replace(" ", "_").replace("-", "_"):
            return other
    by_fold = {other.casefold(): other for other in words}
    close = get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[close[0]] if close else None


def suggestion(word: str, known: Iterable[str], *, otherwise: str) -> str:
    """The remedy for an unknown word: the near match, or what the caller says."""
    match = near_match(word, known)
    return f"Did you mean {match}?" if match else otherwise
