"""Texts of a release to a report: every fault at once, or the release with its canonical text and hash."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog_loader.faults import Fault, FaultList, Path, Place
from catalog_loader.nodes import Node, read_nodes
from catalog_loader.parse import parse_documents
from catalog_loader.release import Release, release_text, text_hash
from catalog_loader.rules import find_faults, named_things
from catalog_loader.succession import find_succession_faults


class Source(NamedTuple):
    """A file of a release: the name that faults give, and its octets."""

    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class CheckedRelease:
    """A release without faults, and where its values stand (empty where it came from no file)."""

    release: Release
    text: bytes
    """canonical (catalog_loader.release)"""
    hash: str
    places: dict[Path, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check came to: a release, or faults in order of place."""

    checked: CheckedRelease | None
    faults: tuple[Fault, ...]
    fault_count: int
    """also of those that are not listed"""

    @property
    def is_sound(self) -> bool:
        """Can the release be published?"""
        return self.checked is not None

    def lines(self) -> list[str]:
        """A line a fault, and one about those that are not listed."""
        lines = [str(fault) for fault in self.faults]
        if self.fault_count > len(self.faults):
            lines.append(f"... and {self.fault_count - len(self.faults)} faults more")
        return lines


def check_sources(
    sources: Sequence[Source], published: Sequence[Release] = (), already: Iterable[Fault] = ()
) -> CheckReport:
    """Check the files of one release, also against releases of its tenant that are published.

    already   faults that were found before reading, such as files that could not be opened
    """
    faults = FaultList()
    for fault in already:
        faults.add_fault(fault)
    nodes: list[Node] = []
    for name, octets in sources:
        node = read_nodes(name, octets)
        if isinstance(node, Fault):
            faults.add_fault(node)
        else:
            nodes.append(node)
    if not sources and not len(faults):
        faults.add((), "no files of a release were given", "Name a file, or a folder with .yaml, .yml or .json files")
    is_whole = len(faults) == 0
    if not nodes:
        return _report(None, faults)
    release = parse_documents(nodes, faults, is_whole=is_whole)
    if is_whole:  # what a file that can't be read defines would be missed everywhere
        faults.add_findings(find_faults(release))
        faults.add_findings(find_succession_faults(release, published))
    return _report(release, faults)


def check_release(release: Release, published: Sequence[Release] = ()) -> CheckReport:
    """Check a release that came from no file: faults have subjects instead of places."""
    faults = FaultList()
    for kind, list_name, ids in named_things(release):
        faults.subjects.update(((list_name, index), f"{kind} {thing_id}") for index, thing_id in enumerate(ids))
    faults.subjects[()] = f"release {release.number}"
    faults.add_findings(find_faults(release))
    faults.add_findings(find_succession_faults(release, published))
    return _report(release, faults)


def succession_faults(
    checked: CheckedRelease, published: Sequence[Release], releases_of_all: int, now_ns: int
) -> tuple[Fault, ...]:
    """What is wrong with a checked release as the next one of those that are published, with places."""
    faults = FaultList(places=checked.places)
    for kind, list_name, ids in named_things(checked.release):
        faults.subjects.update(((list_name, index), f"{kind} {thing_id}") for index, thing_id in enumerate(ids))
    faults.add_findings(find_succession_faults(checked.release, published, releases_of_all, now_ns=now_ns))
    return tuple(faults)


def _report(release: Release | None, faults: FaultList) -> CheckReport:
    if release is None or len(faults):
        return CheckReport(None, tuple(faults), len(faults))
    text = release_text(release)
    return CheckReport(CheckedRelease(release, text, text_hash(text), faults.places), (), 0)
