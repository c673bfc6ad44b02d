"""The nodes of a release's files to a `Release`. What can't be read is noted and replaced by something harmless.

A release with faults never leaves this package; what is put in the place of an unreadable value only has to keep the
rules (catalog_loader/rules.py) from complaining about what follows from it.
"""

from collections.abc import Sequence
from itertools import product
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from catalog_loader.faults import FaultList, Path, suggestion
from catalog_loader.fields import Fields
from catalog_loader.nodes import ListNode, MapNode, Node, Scalar
from catalog_loader.parse_bands import read_bands
from catalog_loader.parse_terms import read_terms
from catalog_loader.release import Allowance, Offer, Price, Release, Renewal, Service
from catalog_loader.schema import (
    CONTEXTS,
    GRANT_SIZES,
    KEYS_WITHOUT_SENSE,
    PRIORITY,
    SPECIAL_WORDS,
    TENANT,
    UNIT_WORDS,
    UNITS,
    USUAL_UNITS,
    VALIDITY_S,
    GrantSizes,
)
from charging.tariff_tables import ABSENT, ANY
from vocabulary.limits import SERVICES_PER_PRICE_MAX

_NOT_KNOWN: Final = ""
"""Unit of what has a fault there; rules about units pass it over."""


class _Header(NamedTuple):
    """What stands under `release`."""

    number: int
    name: str
    description: str
    tenant: str
    currency: str | None
    time_zone: str
    effective_ns: int
    retired_offers: tuple[str, ...]
    retired_allowances: tuple[str, ...]


def parse_documents(documents: Sequence[Node], faults: FaultList, *, is_whole: bool = True) -> Release:
    """The release that the documents are together; `faults` gets what is wrong and the places of all values.

    is_whole   are these all its files? Otherwise `release` may be in one that can't be read
    """
    files = [Fields(document, "file", ("file", index), faults) for index, document in enumerate(documents)]
    faults.places[()] = documents[0].place  # of what is missing altogether
    header = _header(files, faults, is_whole)
    reader = _Reader(header.currency, faults)
    for file in files:
        for node, _ in file.items("allowances"):
            reader.read_allowance(node)
        for node, _ in file.items("prices"):
            reader.read_price(node)
        for node, _ in file.items("offers"):
            reader.read_offer(node)
    return Release(
        number=header.number,
        name=header.name,
        description=header.description,
        tenant=header.tenant,
        currency=header.currency or "EUR",
        time_zone=header.time_zone,
        effective_ns=header.effective_ns,
        offers=tuple(reader.offers),
        prices=tuple(reader.prices),
        allowances=tuple(reader.allowances),
        retired_offers=header.retired_offers,
        retired_allowances=header.retired_allowances,
    )


def _header(files: Sequence[Fields], faults: FaultList, is_whole: bool) -> _Header:
    """The one `release` of the files."""
    holders = [file for file in files if file.has("release")]
    for file in holders[1:]:
        first = holders[0].nodes["release"].place
        file.fault("release", f"release stands in {first.file} too (line {first.line})", "Keep one of the two")
    if holders:
        node: Node = holders[0].nodes["release"]
    else:
        if is_whole and any(file.is_readable for file in files):
            example = "number: 1, name: Spring, currency: EUR, time_zone: Europe/Berlin, effective: 2026-01-01"
            files[0].fault("release", "no file says which release this is", f"Write release: {{{example}}}")
        faults.excuse(("release",))
        return _Header(0, "", "", TENANT, None, "UTC", 0, (), ())
    fields = Fields(node, "release", ("release",), faults)
    zone = fields.zone("time_zone")
    retired_offers: tuple[str, ...] = ()
    retired_allowances: tuple[str, ...] = ()
    if fields.has("retires"):
        retires = Fields(fields.nodes["retires"], "retires", ("release", "retires"), faults)
        retired_offers, retired_allowances = retires.ids("offers"), retires.ids("allowances")
    return _Header(
        number=fields.number("number") or 0,
        name=fields.name("name"),
        description=fields.description(),
        tenant=fields.id("tenant") or TENANT,
        currency=fields.currency("currency"),
        time_zone=zone or "UTC",
        effective_ns=fields.instant("effective", zone) or 0,
        retired_offers=retired_offers,
        retired_allowances=retired_allowances,
    )


def _id_in(node: Node) -> str:
    """The id that stands in a mapping, for naming it before it is read."""
    for key, value in node.pairs if isinstance(node, MapNode) else ():
        if isinstance(key, Scalar) and key.text == "id" and isinstance(value, Scalar):
            return value.text[:80]
    return ""


class _Reader:
    """Reads entries of the lists, in the order of the files; their paths count through all files."""

    def __init__(self, currency: str | None, faults: FaultList) -> None:
        self.allowances: list[Allowance] = []
        self.prices: list[Price] = []
        self.offers: list[Offer] = []
        self._currency = currency
        self._faults = faults

    def _open(self, node: Node, kind: str, path: Path) -> Fields:
        self._faults.subjects[path] = f"{kind} {_id_in(node)}".strip()
        return Fields(node, kind, path, self._faults)

    # --- allowances and offers ---------------------------------------------------------------------------------------

    def read_allowance(self, node: Node) -> None:
        """An entry of `allowances`."""
        fields = self._open(node, "allowance", ("allowances", len(self.allowances)))
        unit = fields.word("unit")
        amount = fields.amount("amount", UNITS[unit] if unit else None)
        if amount is not None:
            unit = UNIT_WORDS[amount[0]]
        elif unit is None:
            fields.excuse("unit")
        priority = fields.number("priority")
        allowance_id = fields.id() or ""
        self.allowances.append(
            Allowance(
                id=allowance_id,
                unit=unit or _NOT_KNOWN,
                amount=amount[1] if amount else 1,
                name=fields.name("name") or allowance_id,
                description=fields.description(),
                valid_for_s=fields.duration("valid_for"),
                priority=PRIORITY if priority is None else priority,
                granted_by=fields.word("granted_by") or "opening",
            )
        )

    def read_offer(self, node: Node) -> None:
        """An entry of `offers`; prices that are written out in it are added to the release's."""
        path = ("offers", len(self.offers))
        fields = self._open(node, "offer", path)
        money = 0
        allowances: tuple[str, ...] = ()
        if fields.has("grants"):
            grants = Fields(fields.nodes["grants"], "grants", (*path, "grants"), self._faults)
            money = grants.money("money", self._currency) or 0
            allowances = grants.ids("allowances")
        limit = fields.money("credit_limit", self._currency)
        if limit == 0:
            fields.fault("credit_limit", "credit_limit is nothing", "Write a sum above zero, or leave credit_limit out")
        offer_id = fields.id() or ""
        self.offers.append(
            Offer(
                id=offer_id,
                name=fields.name("name") or offer_id,
                description=fields.description(),
                money_micros=money,
                allowances=allowances,
                credit=limit or UNSET,
                renewal=self._renewal(fields),
                prices=tuple(self._price_id(item, item_path) for item, item_path in fields.items("prices")),
            )
        )

    def _renewal(self, fields: Fields) -> Renewal | UnsetType:
        """Fee and period of an offer."""
        fee, period_s = fields.money("fee", self._currency), fields.duration("period")
        if fields.has("fee") and not fields.has("period"):
            remedy = "Write period: 30 d, or another time, or remove fee"
            fields.fault("period", "period is missing: a fee is for a period", remedy)
        return UNSET if period_s is None else Renewal(period_s=period_s, fee_micros=fee or 0)

    def _price_id(self, node: Node, path: Path) -> str:
        """Id of a price that an offer names or writes out."""
        if isinstance(node, MapNode):
            self.read_price(node)
            return self.prices[-1].id
        if isinstance(node, Scalar) and node.text:
            return node.text
        self._faults.add(path, "this is neither a price nor the id of one", "Write a price, or the id of one in prices")
        return ""

    # --- prices ------------------------------------------------------------------------------------------------------

    def read_price(self, node: Node) -> None:
        """A price, in an offer or in `prices`."""
        path = ("prices", len(self.prices))
        fields = self._open(node, "price", path)
        services = self._services(fields, path)
        control = fields.word("control") or "charged"
        self._refuse_senseless(fields, control)
        is_charged = control == "charged"
        unit, block_units = self._unit(fields, services)
        grant = Fields(fields.nodes["grant"], "grant", (*path, "grant"), self._faults) if fields.has("grant") else None
        sizes = self._grant_sizes(grant, unit)
        price_micros = fields.money("price", self._currency)
        if price_micros is None and fields.has("price"):
            price_micros = 0
        if fields.has("price") and not fields.has("block") and is_charged:
            fields.fault("block", "block is missing: a price is for an amount", "Write block: 1 MiB, 1 min or 1 event")
        validity_s = fields.duration("validity")
        bands = read_bands(fields, self._currency, self._faults)
        terms = read_terms(fields, grant, unit)
        price_id = fields.id() or ""
        name, description = fields.name("name") or price_id, fields.description()
        rounding, rounding_over = fields.word("rounding"), fields.word("rounding_over")
        final_action, allowances = fields.word("final_action"), fields.ids("allowances")
        settled_by = fields.word("settled_by")
        self.prices.append(
            Price(
                id=price_id,
                name=name,
                description=description,
                services=services,
                unit=unit,
                control=control,
                block_units=block_units if is_charged else 1,
                price_micros=price_micros if is_charged else None,
                rounding=(rounding if is_charged else None) or "up",
                rounding_over=(rounding_over if is_charged else None) or "session",
                grant_units=sizes.default,
                grant_units_min=sizes.min,
                grant_units_max=sizes.max,
                validity_s=VALIDITY_S if validity_s is None else validity_s,
                said=terms,
                by_time=bands if is_charged else UNSET,
                allowances=allowances if is_charged else (),
                final_action=(final_action or "terminate") if is_charged else "none",
                settled_by=(settled_by if is_charged else None) or "balance",
            )
        )

    def _refuse_senseless(self, fields: Fields, control: str) -> None:
        for key in KEYS_WITHOUT_SENSE.get(control, ()):
            if fields.has(key):
                remedy = f"Remove {key}, or write control: charged"
                fields.fault(key, f"{key} has no sense where control is {control}", remedy)

    def _unit(self, fields: Fields, services: tuple[Service, ...]) -> tuple[str, int]:
        """(unit, units of a block): as said, as the block or a grant says, or as the context usually counts."""
        unit = fields.word("unit")
        block = fields.amount("block", UNITS[unit] if unit else None)
        if unit is None and block is not None:
            unit = UNIT_WORDS[block[0]]
        if unit is None and services:
            usual = {USUAL_UNITS.get(service.context) for service in services}
            unit = usual.pop() if len(usual) == 1 else None
        if unit is None and services and not fields.has("unit") and not fields.has("block"):
            fields.fault("unit", "unit is missing", "Write unit: octets, seconds or events")
        if unit is None:
            fields.excuse("unit")
        return unit or _NOT_KNOWN, block[1] if block else 1

    def _grant_sizes(self, grant: Fields | None, unit: str) -> GrantSizes:
        """Sizes as given; the others so that they don't contradict those."""
        usual = GRANT_SIZES.get(unit, GRANT_SIZES["octets"])
        if grant is None:
            return usual
        given: dict[str, int | None] = {}
        for key in GrantSizes._fields:
            amount = grant.amount(key, UNITS.get(unit))
            given[key] = amount[1] if amount else None
        low, high = given["min"], given["max"]
        default = given["default"]
        if default is None:
            default = usual.default if low is None else max(usual.default, low)
            default = default if high is None else min(default, high)
        if low is None:
            low = min(usual.min, default, usual.min if high is None else high)
        if high is None:
            high = max(usual.max, default, low)
        return GrantSizes(default, low, high)

    def _services(self, fields: Fields, path: Path) -> tuple[Service, ...]:
        """Every service that the price names."""
        if not fields.has("service"):
            return ()
        service = Fields(fields.nodes["service"], "service", (*path, "service"), self._faults)
        contexts = self._contexts(service)
        groups = self._service_numbers(service, "rating_group")
        identifiers = (
            self._service_numbers(service, "service_identifier") if service.has("service_identifier") else [ANY]
        )
        if ABSENT in identifiers:
            remedy = "Leave service_identifier out: the price then holds with any and without"
            service.fault(
                "service_identifier", "there is no price for requests without service identifier alone", remedy
            )
            return ()
        count = len(contexts) * len(groups) * len(identifiers)
        if count > SERVICES_PER_PRICE_MAX:
            problem = f"{count} services, more than {SERVICES_PER_PRICE_MAX}"
            service.fault("rating_group", problem, "Split the price, or use any")
            return ()
        return tuple(Service(*one) for one in product(contexts, groups, identifiers))

    def _contexts(self, service: Fields) -> list[int]:
        """Numbers of one word or number, or a list of them; nothing where one of them is faulty."""
        node = service.nodes.get("context")
        items = node.items if isinstance(node, ListNode) else () if node is None else (node,)
        if isinstance(node, ListNode) and not items:
            service.fault("context", "context is an empty list", f"Write {', '.join(CONTEXTS)}, or a number")
        contexts = [self._context(service, item) for item in items]
        return [] if None in contexts else [context for context in contexts if context is not None]

    def _context(self, service: Fields, node: Node) -> int | None:
        if not isinstance(node, Scalar):
            service.fault("context", "context has no single value", f"Write {', '.join(CONTEXTS)}, or a number")
            return None
        if node.reads_as == "int":
            return service.whole("context", node)
        if node.text not in CONTEXTS:
            otherwise = f"Write {', '.join(CONTEXTS)}, or a number"
            service.fault(
                "context", f'context is "{node.text[:40]}"', suggestion(node.text, CONTEXTS, otherwise=otherwise)
            )
            return None
        return CONTEXTS[node.text]

    def _service_numbers(self, service: Fields, key: str) -> list[int]:
        """Numbers, ABSENT or ANY, of one value or a list; nothing where one of them is faulty."""
        node = service.nodes.get(key)
        if node is None:
            return []
        items = node.items if isinstance(node, ListNode) else (node,)
        if not items:
            service.fault(key, f"{key} is an empty list", "Write a number, absent or any")
        numbers = []
        for item in items:
            number = None
            if isinstance(item, Scalar) and item.text in SPECIAL_WORDS:
                number = SPECIAL_WORDS[item.text]
            elif isinstance(item, Scalar) and item.reads_as == "int" and not item.text.startswith("-"):
                number = service.whole(key, item)
            else:
                shown = item.text[:40] if isinstance(item, Scalar) else "..."
                service.fault(key, f'{key} is "{shown}"', "Write a number of 0 or more, a list of them, absent or any")
            if number is None:
                return []
            numbers.append(number)
        return numbers
