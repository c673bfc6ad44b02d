"""`farebox customer`: add, find, look at, close and erase customers."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.business import Business, Found, finds, on_business, refuse, rows_of, shown, table_of
from runtime.cli.contexts import add_group
from runtime.cli.options import fail
from runtime.cli.tables import print_pairs, print_table

if TYPE_CHECKING:
    from bss.crm.records import BillingAccount, Customer, Ticket, TimelineEntry
    from bss.inventory.records import Product
    from bss.views.customer_search import Hit
    from bss.work import Work

CustomerArgument = Annotated[
    str, typer.Argument(help="Id, number, IMSI or the beginning of a name; it has to mean one.")
]

BILLING_ACCOUNT_NAME: Final = "main"
"""Of the account that a new customer gets. Not the person's name: what an account is called outlives an erasure."""

_HELP: Final = """Customers: who they are, what they have, who pays. Kept in the business side's database (bss.url).

\b
    farebox customer add --given-name Anna --family-name Weber --email anna@example.net
    farebox customer search weber
    farebox customer show 491700000001
    farebox customer audit 491700000001

Exit codes: 1 refused, 2 could not be asked.
"""


def register(app: typer.Typer) -> None:
    """Add `farebox customer`."""
    commands = (
        ("add", add),
        ("search", search),
        ("show", show),
        ("audit", audit),
        ("close", close),
        ("erase", erase),
    )
    add_group(app, "customer", _HELP, commands)


@on_business
def add(
    business: Business,
    given_name: Annotated[str, typer.Option("--given-name", help="Of a person.", show_default=False)] = "",
    family_name: Annotated[str, typer.Option("--family-name", help="Of a person.", show_default=False)] = "",
    organization: Annotated[
        str, typer.Option("--organization", help="Trading name, instead of a person's.", show_default=False)
    ] = "",
    email: Annotated[str, typer.Option("--email", help="Where they are written to.", show_default=False)] = "",
    phone: Annotated[str, typer.Option("--phone", help="Where they are called.", show_default=False)] = "",
    currency: Annotated[str, typer.Option("--currency", help="Of their billing account.")] = "EUR",
    account_type: Annotated[str, typer.Option("--account-type", help="prepaid or postpaid.")] = "prepaid",
) -> None:
    """Add a person or an organisation as a customer, with a billing account."""
    if bool(organization) == bool(given_name or family_name):
        fail("name either a person (--given-name, --family-name) or an organisation (--organization)")

    def make(work: "Work") -> tuple[str, str]:
        from bss.crm.customer_operations import add_billing_account, add_customer
        from bss.crm.operations import add_contact_medium, add_individual, add_organization

        party = (
            add_organization(work, trading_name=organization)
            if organization
            else add_individual(work, given_name=given_name, family_name=family_name)
        )
        if email:
            add_contact_medium(work, party_id=party.id, medium_type="email", email_address=email, is_preferred=True)
        if phone:
            add_contact_medium(work, party_id=party.id, medium_type="phone", phone_number=phone)
        made = add_customer(work, party_id=party.id, name=party.full_name)
        account = add_billing_account(
            work, customer_id=made.id, name=BILLING_ACCOUNT_NAME, currency=currency, account_type=account_type
        )
        return made.id, account.id

    customer_id, account_id = business.write(make)
    print_pairs((("customer", customer_id), ("billing account", account_id)))


@finds
def search(
    business: Business,
    text: Annotated[str, typer.Argument(help="Beginning of a number, an IMSI, an ICCID or a name.")],
    limit: Annotated[int, typer.Option("--limit", help="Lines at most.", min=1, max=100)] = 20,
) -> Found:
    """Find customers by the beginning of a number, an IMSI, an ICCID or a name; names without case and accents."""
    found = _search(business, text, limit)
    columns = ("customer", "name", "status", "number", "imsi", "product", "product_status")
    rows = (
        (hit.customer_id, hit.name, hit.customer_status, hit.number, hit.imsi, hit.product_id, hit.product_status)
        for hit in found
    )
    return table_of([hit._asdict() for hit in found], "customers", columns, rows)


@finds
def show(business: Business, who: CustomerArgument) -> Found:
    """Show a customer: who it is, how it is reached, billing accounts, products, tickets, what happened last."""
    from bss.crm.queries import billing_accounts_of, contact_media_of, tickets_of_customer, timeline
    from bss.inventory.queries import products_of_customer

    customer = _customer(business, who)
    accounts = business.read(lambda work: billing_accounts_of(work, [customer.id]))
    media = business.read(lambda work: contact_media_of(work, [customer.party_id]))
    products = business.read(lambda work: products_of_customer(work, customer.id))
    tickets = business.read(lambda work: tickets_of_customer(work, customer.id))
    entries = business.read(lambda work: timeline(work, customer.id, limit=10))
    pairs = (
        ("customer", customer.id),
        ("name", customer.name or "-"),
        ("status", customer.status),
        ("since", shown(customer.from_ns)),
        ("party", customer.party_id),
        *((medium.medium_type, medium.email_address or medium.phone_number or medium.city or "-") for medium in media),
    )

    def show_all() -> None:
        print_pairs(pairs)
        _print_lists(accounts, products, tickets, entries)

    records = {
        "customer": customer,
        "contact_media": media,
        "billing_accounts": accounts,
        "products": products,
        "tickets": tickets,
        "timeline": [entry._asdict() for entry in entries],
    }
    return Found(records, show_all)


@finds
def audit(
    business: Business,
    who: CustomerArgument,
    limit: Annotated[int, typer.Option("--limit", help="Changes at most.", min=1, max=500)] = 50,
) -> Found:
    """Show who changed what of a customer, when, and what was before and after: party, contacts, accounts and tickets, too."""
    from bss.views.customer_changes import changes_of_customer

    customer = _customer(business, who)
    entries = business.read(lambda work: changes_of_customer(work, customer.id, limit=limit))
    rows = []
    for entry in entries:
        for name in sorted({*(entry.before or {}), *(entry.after or {})}):
            before, after = (entry.before or {}).get(name), (entry.after or {}).get(name)
            rows.append((shown(entry.at_ns), entry.subject, entry.operation, f"{entry.resource}.{name}", before, after))
    return table_of(entries, "changes", ("at", "by", "operation", "what", "before", "after"), rows)


@on_business
def close(
    business: Business,
    who: CustomerArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why.", show_default=False)] = "",
) -> None:
    """Close a customer that has no product and no order under way, and its billing accounts. It can't be opened again."""
    customer = _customer(business, who)

    from bss.orchestration.customer_closing import close_customer

    business.write(lambda work: close_customer(work, customer.id, reason=reason or None))
    print(f"customer {customer.id} is closed")


@on_business
def erase(
    business: Business,
    who: CustomerArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask: it can't be undone.")] = False,
) -> None:
    """Erase the person behind a closed customer: names, contacts, documents, texts, and the audit trail's key to them."""
    from bss.orchestration.person_erasure import erase_person

    customer = _customer(business, who)
    if not yes:
        typer.confirm(f"Erase {customer.name or customer.id} for ever?", abort=True)
    business.write(lambda work: erase_person(work, customer.party_id))
    print(f"the person of customer {customer.id} is erased")


def _print_lists(
    accounts: "list[BillingAccount]", products: "list[Product]", tickets: "list[Ticket]", entries: "list[TimelineEntry]"
) -> None:
    print_table(
        "billing accounts",
        ("id", "name", "type", "state", "currency"),
        rows_of((row.id, row.name, row.account_type, row.state, row.currency) for row in accounts),
    )
    print_table(
        "products",
        ("id", "name", "status", "number", "iccid", "account", "since"),
        rows_of(
            (row.id, row.name, row.status, row.number, row.iccid, row.engine_account_id, shown(row.start_ns))
            for row in products
        ),
    )
    print_table(
        "tickets",
        ("id", "type", "severity", "status", "due"),
        rows_of((row.id, row.ticket_type, row.severity, row.status, shown(row.due_ns)) for row in tickets),
    )
    print_table(
        "timeline",
        ("at", "what", "text", "by"),
        rows_of((shown(row.at_ns), row.title, row.text, row.subject) for row in entries),
    )


def _search(business: Business, text: str, limit: int) -> "list[Hit]":
    from bss.views.customer_search import search_customers

    return business.read(lambda work: search_customers(work, text, limit=limit))


def _customer(business: Business, who: str) -> "Customer":
    """The only customer that is meant; ends where there is none, or several."""
    from bss.crm.queries import customer, customers_by_id

    found = business.read(lambda work: customers_by_id(work, [who]))
    if found:
        return found[0]
    ids = {hit.customer_id for hit in _search(business, who, 20)}
    if not ids:
        refuse(f"there is no customer {who!r}: name an id, or the beginning of a number, an IMSI or a name")
    if len(ids) > 1:
        refuse(f"{who!r} means {len(ids)} customers: `farebox customer search {who}` lists them with their ids")
    return business.read(lambda work: customer(work, ids.pop()))
