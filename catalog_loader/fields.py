"""One mapping of a release file: its keys held against the schema's, its values read as what the schema says they are.

Every reader returns the value, or None after noting a fault, so that reading goes on and all faults are found at once.
"""

import re
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from catalog_loader.amounts import EXAMPLES, AmountInvalid, parse_money, parse_part, parse_units
from catalog_loader.faults import FaultList, Path, suggestion
from catalog_loader.instants import InstantInvalid, parse_instant
from catalog_loader.nodes import ListNode, MapNode, Node, Scalar
from catalog_loader.schema import KEYS_OF, WORDS
from catalog_loader.week import DAYS, parse_days, parse_time
from vocabulary.currencies import CURRENCY_NUMBERS
from vocabulary.limits import (
    CATALOG_DESCRIPTION_OCTETS_MAX,
    CATALOG_ID_OCTETS_MAX,
    CATALOG_NAME_OCTETS_MAX,
)
from vocabulary.units import Unit

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class Fields:
    """The keys of one mapping, by name; what is unknown, missing or doubled is noted as it is opened."""

    def __init__(self, node: Node, mapping: str, path: Path, faults: FaultList) -> None:
        self.path = path
        self.nodes: dict[str, Node] = {}
        self._faults = faults
        rows = KEYS_OF[mapping]
        faults.places[path] = node.place
        if not isinstance(node, MapNode):
            faults.add(path, f"this is not a mapping of {', '.join(rows)}", "Write `key: value` lines")
            self.is_readable = False
            return
        self.is_readable = True
        for key_node, value in node.pairs:
            key = key_node.text if isinstance(key_node, Scalar) else ""
            if key not in rows:
                remedy = suggestion(key, rows, otherwise=f"Known here are {', '.join(rows)}")
                if key == "<<":
                    remedy = "Write the keys out: merge keys are not read"
                shown = f"unknown key {key}" if key else "a key is no plain word"
                faults.add((*path, f"?{key}"), shown, remedy, place=key_node.place)
            elif key in self.nodes:
                line = self.nodes[key].place.line
                remedy = "Remove one of the two"
                faults.add(
                    (*path, f"?{key}"), f"{key} stands here twice, first at line {line}", remedy, place=key_node.place
                )
            else:
                self.nodes[key] = value
                faults.places[(*path, key)] = value.place
        for row in rows.values():
            if row.required and row.key not in self.nodes:
                faults.add((*path, row.key), f"{row.key} is missing", f"Add {row.key}: {row.expected}")

    def has(self, key: str) -> bool:
        """Does the key stand there?"""
        return key in self.nodes

    def fault(self, key: str, problem: str, remedy: str) -> None:
        """Note a fault of a key."""
        self._faults.add((*self.path, key), problem, remedy)

    def excuse(self, key: str) -> None:
        """Let rules pass the key over: its value isn't known because of a fault elsewhere."""
        self._faults.excuse((*self.path, key))

    # --- values ------------------------------------------------------------------------------------------------------

    def id(self, key: str = "id") -> str | None:
        """An id."""
        text = self._text(key)
        if text is None:
            return None
        return text if self._is_id(key, text) else None

    def name(self, key: str, octets_max: int = CATALOG_NAME_OCTETS_MAX) -> str:
        """A text for people on one line; '' where it is left out."""
        text = self._text(key) or ""
        if not text.isprintable():
            self.fault(key, f"{key} has line ends or characters that can't be shown", "Remove them")
            return ""
        return self._short(key, text, octets_max)

    def description(self) -> str:
        """A text for people, of several lines."""
        text = self._text("description") or ""
        if not all(character.isprintable() or character == "\n" for character in text):
            self.fault("description", "description has characters that can't be shown", "Remove them")
            return ""
        return self._short("description", text.strip(), CATALOG_DESCRIPTION_OCTETS_MAX)

    def number(self, key: str) -> int | None:
        """A whole number, in digits."""
        node = self._scalar(key)
        return None if node is None else self.whole(key, node)

    def whole(self, key: str, node: Scalar) -> int | None:
        """The whole number that a value of the key is."""
        if node.is_quoted or not _NUMBER.fullmatch(node.text):
            self.fault(
                key, f'{key} is "{node.text[:40]}", not a whole number', "Write digits, without quotes and signs"
            )
            return None
        return int(node.text)

    def word(self, key: str) -> str | None:
        """One of the schema's words for the key."""
        text = self._text(key)
        known = WORDS.get(key, ())
        if text is None or text in known:
            return text
        otherwise = f"Write {' or '.join(known)}"
        self.fault(key, f'{key} is "{text[:40]}"', suggestion(text, known, otherwise=otherwise))
        return None

    def money(self, key: str, currency: str | None) -> int | None:
        """Micros of a sum."""
        node = self._scalar(key)
        if node is None:
            return None
        if node.reads_as in ("float", "int"):
            problem = f"{key} is {node.text} without quotes, which YAML reads as a binary number"
            self.fault(key, problem, f'Write "{node.text}" or {node.text} {currency or "EUR"}')
            return None
        try:
            return parse_money(node.text, currency)
        except AmountInvalid as error:
            self.fault(key, f"{key}: {error.problem}", error.remedy)
            return None

    def amount(self, key: str, wanted: Unit | None = None) -> tuple[Unit, int] | None:
        """(unit, count) of an amount."""
        node = self._scalar(key)
        if node is None:
            return None
        try:
            return parse_units(node.text, wanted)
        except AmountInvalid as error:
            self.fault(key, f"{key}: {error.problem}", error.remedy)
            return None

    def part(self, key: str, wanted: Unit | None = None) -> tuple[int, int] | None:
        """(units, percent) of an amount or a share; one of the two is 0."""
        node = self._scalar(key)
        if node is None:
            return None
        try:
            return parse_part(node.text, wanted)
        except AmountInvalid as error:
            self.fault(key, f"{key}: {error.problem}", error.remedy)
            return None

    def duration(self, key: str) -> int | None:
        """Seconds of a time."""
        node = self._scalar(key)
        if node is not None and node.text.isdigit():
            self.fault(key, f'{key}: "{node.text[:40]}" has no unit', f"Write a time such as {EXAMPLES[Unit.SECONDS]}")
            return None
        amount = self.amount(key, Unit.SECONDS)
        return None if amount is None else amount[1]

    def time_of_day(self, key: str) -> int | None:
        """Minutes since midnight."""
        text = self._text(key)
        if text is None:
            return None
        minutes = parse_time(text)
        if minutes is None:
            self.fault(key, f'{key} is "{text[:40]}", not a time of day', 'Write "00:00" to "24:00", in quotes')
        return minutes

    def days(self, key: str) -> tuple[int, ...]:
        """Days of the week, 0 is Monday, each once and in order; nothing where one of them is faulty."""
        node = self.nodes.get(key)
        found: set[int] = set()
        for item in node.items if isinstance(node, ListNode) else () if node is None else (node,):
            text = item.text if isinstance(item, Scalar) else "..."
            days = parse_days(text)
            if not days:
                remedy = f"Write days such as mon-fri, or a list of {', '.join(DAYS)}"
                self.fault(
                    key, f'{key} is "{text[:40]}"', remedy if "-" in text else suggestion(text, DAYS, otherwise=remedy)
                )
                return ()
            found.update(days)
        return tuple(sorted(found))

    def currency(self, key: str) -> str | None:
        """ISO 4217 letters."""
        text = self._text(key)
        if text is None or text in CURRENCY_NUMBERS:
            return text
        remedy = suggestion(text, CURRENCY_NUMBERS, otherwise="Write the three letters of ISO 4217, such as EUR")
        self.fault(key, f"{key} {text[:40]} is not known", remedy)
        return None

    def zone(self, key: str) -> str | None:
        """An IANA time zone that this machine knows."""
        text = self._text(key)
        if text is None:
            return None
        try:
            ZoneInfo(text)
        except (KeyError, ValueError, OSError):  # unknown, no name at all, a folder of zones
            remedy = "Write an IANA name such as Europe/Berlin (pip install tzdata where the system has no zones)"
            self.fault(key, f'{key} "{text[:60]}" is not known', remedy)
            return None
        return text

    def instant(self, key: str, zone: str | None) -> int | None:
        """Instant in ns; a date is its midnight in the zone."""
        node = self._scalar(key)
        if node is None:
            return None
        try:
            return parse_instant(node.text, zone or "UTC")
        except InstantInvalid as error:
            self.fault(key, f"{key} {error}", error.remedy)
            return None

    def ids(self, key: str) -> tuple[str, ...]:
        """A list of ids; '' for an entry that is none, so that places in the list stay what they are."""
        found = []
        for item, path in self.items(key):
            if isinstance(item, Scalar) and item.reads_as == "str":
                found.append(item.text if self._is_id(key, item.text, path) else "")
            else:
                self._faults.add(path, f"an entry of {key} is no id", "Write the id of one thing, as a text")
                found.append("")
        return tuple(found)

    def items(self, key: str) -> Sequence[tuple[Node, Path]]:
        """A list's values with their paths; nothing where the key is left out or `[]`."""
        node = self.nodes.get(key)
        if node is None:
            return ()
        if not isinstance(node, ListNode):
            self.fault(key, f"{key} is not a list", "Write `- ` before each entry, or [a, b]")
            return ()
        paths = [(*self.path, key, index) for index in range(len(node.items))]
        self._faults.places.update((path, item.place) for path, item in zip(paths, node.items, strict=True))
        return list(zip(node.items, paths, strict=True))

    # --- inside ------------------------------------------------------------------------------------------------------

    def _scalar(self, key: str) -> Scalar | None:
        """A single value with something in it."""
        node = self.nodes.get(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.reads_as == "null" or not node.text.strip():
            self.fault(key, f"{key} has no single value", "Write one value, or leave the key out")
            return None
        return node

    def _text(self, key: str) -> str | None:
        """A text: what YAML takes for something else must be quoted, so that other tools read the same."""
        node = self._scalar(key)
        if node is None:
            return None
        if node.reads_as not in ("str", "merge", "value"):
            problem = f"{key} is {node.text[:40]}, which YAML reads as {node.reads_as} and not as a text"
            self.fault(key, problem, f'Write "{node.text[:40]}" in quotes')
            return None
        return node.text

    def _is_id(self, key: str, text: str, path: Path | None = None) -> bool:
        if _ID.fullmatch(text) and len(text) <= CATALOG_ID_OCTETS_MAX:
            return True
        remedy = f'Use letters, digits, ".", "_" and "-", at most {CATALOG_ID_OCTETS_MAX}, a letter or digit first'
        self._faults.add(path or (*self.path, key), f'"{text[:80]}" is no id', remedy)
        return False

    def _short(self, key: str, text: str, octets_max: int) -> str:
        octets = len(text.encode())
        if octets > octets_max:
            self.fault(key, f"{key} has {octets} octets", f"Use at most {octets_max}")
            return ""
        return text
