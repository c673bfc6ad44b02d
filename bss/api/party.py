"""TMF632 Party: individuals and organisations of bss/crm."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bss.api.kinds import Day, Flag, OneOf, Text
from bss.api.resource import (
    OF_SUBTYPES,
    OF_SUBTYPES_WITHIN,
    Api,
    Document,
    Domain,
    EventRow,
    Field,
    Many,
    NotServed,
    Resource,
    Structure,
    Values,
    Writable,
    identity,
)
from bss.api.rows import Row, TableRows
from bss.api.structures import PERIOD, period_columns
from bss.crm.checks import MEDIUM_FIELDS
from bss.crm.operations import (
    ERASED_STATUS,
    INDIVIDUAL,
    ORGANIZATION,
    add_individual,
    add_organization,
    change_individual,
    change_organization,
    remove_party,
)
from bss.crm.party_details import put_contact_media, put_identifications
from bss.crm.queries import contact_media_of, identifications_of
from bss.crm.records import ContactMedium, Identification
from bss.crm.tables import PARTY
from bss.work import Work

READ: Final = "customer:read"
WRITE: Final = "customer:write"
_NAME: Final = Text(200, length_min=1)
_MEDIUM_COLUMNS: Final = {
    "city": "city",
    "contactType": "contact_type",
    "country": "country",
    "emailAddress": "email_address",
    "faxNumber": "fax_number",
    "phoneNumber": "phone_number",
    "postCode": "post_code",
    "socialNetworkId": "social_network_id",
    "stateOrProvince": "state_or_province",
    "street1": "street1",
    "street2": "street2",
}
"""Members of a MediumCharacteristic and the columns that hold them."""
_MEDIUM_LENGTHS: Final = {"emailAddress": 254, "street1": 200, "street2": 200, "socialNetworkId": 200, "city": 100}
_MEDIUM_LENGTHS_ELSE: Final = 32
MEDIUM_CHARACTERISTIC: Final = Structure(
    "MediumCharacteristic",
    tuple(Field(name, Text(_MEDIUM_LENGTHS.get(name, _MEDIUM_LENGTHS_ELSE))) for name in _MEDIUM_COLUMNS),
    OF_SUBTYPES_WITHIN,
)
CONTACT_MEDIUM: Final = Structure(
    "ContactMedium",
    (
        Field("mediumType", OneOf(tuple(MEDIUM_FIELDS)), required=True, meaning="each needs a member of its own"),
        Field("preferred", Flag(), meaning="of one way at most"),
        Field("characteristic", MEDIUM_CHARACTERISTIC, required=True),
        Field("validFor", PERIOD, writable=Writable.NEVER, meaning="since when"),
    ),
    OF_SUBTYPES_WITHIN,
)
_NO_ATTACHMENT: Final = NotServed("attachment", "documents are not kept")
_IDENTIFICATION_FIELDS: Final = (
    Field("identificationType", Text(64, length_min=1), required=True, meaning="passport, company register …"),
    Field("identificationId", Text(100, length_min=1), required=True),
    Field("issuingAuthority", Text(200)),
    Field("validFor", PERIOD),
)
_IDENTIFICATION_REST: Final = (
    NotServed("issuingDate", "validFor says from when on"),
    _NO_ATTACHMENT,
    *OF_SUBTYPES_WITHIN,
)
INDIVIDUAL_IDENTIFICATION: Final = Structure("IndividualIdentification", _IDENTIFICATION_FIELDS, _IDENTIFICATION_REST)
ORGANIZATION_IDENTIFICATION: Final = Structure(
    "OrganizationIdentification", _IDENTIFICATION_FIELDS, _IDENTIFICATION_REST
)
LANGUAGE: Final = Structure(
    "LanguageAbility",
    (
        Field(
            "languageCode", Text(16, length_min=2), required=True, meaning="that we write to the person in: en, de-AT"
        ),
    ),
    (
        NotServed("isFavouriteLanguage", "one language is kept, which is that"),
        NotServed("languageName", "the code says it"),
        NotServed("listeningProficiency", "we don't judge it"),
        NotServed("readingProficiency", "we don't judge it"),
        NotServed("speakingProficiency", "we don't judge it"),
        NotServed("writingProficiency", "we don't judge it"),
        NotServed("validFor", "one language is kept, the one that holds"),
        *OF_SUBTYPES_WITHIN,
    ),
)
_NOT_KEPT: Final = "it is nothing that charging or care needs, so it isn't kept (data minimisation)"
_NEITHER: Final = (
    NotServed("creditRating", "there is no credit agency behind this; a billing account has a credit limit (TMF666)"),
    NotServed("externalReference", "customers and tickets carry what other systems call them"),
    NotServed("otherName", "one name is kept; former ones are in the audit trail"),
    NotServed("partyCharacteristic", "what is particular is a characteristic of the customer (TMF629)"),
    NotServed("relatedParty", "who is what to whom is said of customers (TMF629 relatedParty)"),
    NotServed("taxExemptionCertificate", "taxes come with billing"),
)


def _columns(values: Values, names: Mapping[str, str]) -> dict[str, Any]:
    return {column: values[name] for name, column in names.items() if name in values}


_INDIVIDUAL_COLUMNS: Final = {
    "birthDate": "birth_date",
    "familyName": "family_name",
    "gender": "gender",
    "givenName": "given_name",
    "middleName": "middle_name",
    "nationality": "nationality",
    "status": "status",
    "title": "title",
}
_ORGANIZATION_COLUMNS: Final = {
    "name": "legal_name",
    "organizationType": "organization_type",
    "status": "status",
    "tradingName": "trading_name",
}


def _individual_columns(values: Values) -> dict[str, Any]:
    found = _columns(values, _INDIVIDUAL_COLUMNS)
    if "languageAbility" in values:
        languages = values["languageAbility"]
        found["language"] = languages[0]["languageCode"] if languages else None
    return found


def _organization_columns(values: Values) -> dict[str, Any]:
    return _columns(values, _ORGANIZATION_COLUMNS)


class _Party(NamedTuple):
    """What differs between individuals and organisations. `identification`: the member with documents."""

    kind: str
    add: Callable[..., Any]
    change: Callable[..., Any]
    columns: Callable[[Values], dict[str, Any]]
    identification: str

    def domain(self) -> Domain:
        """The functions of it."""

        def create(work: Work, values: Values) -> str:
            party_id: str = self.add(work, **self.columns(values)).id
            _put_lists(work, party_id, values, self.identification)
            return party_id

        def change(work: Work, party_id: str, if_revision: int | None, values: Values) -> None:
            # Always, also where lists alone change: it raises the revision, and with it the ETag.
            self.change(work, party_id, if_revision=if_revision, **self.columns(values))
            _put_lists(work, party_id, values, self.identification)

        def remove(work: Work, party_id: str, if_revision: int | None) -> None:
            remove_party(work, party_id, if_revision=if_revision)

        def fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
            _fill(self.identification, work, rows, documents)

        only = {"kind": self.kind}
        return Domain(TableRows(PARTY, only), READ, WRITE, fill=fill, create=create, change=change, remove=remove)


def _put_lists(work: Work, party_id: str, values: Values, member: str) -> None:
    if "contactMedium" in values:
        put_contact_media(work, party_id, [_medium_columns(one) for one in values["contactMedium"] or ()])
    if member in values:
        put_identifications(work, party_id, [_identification_columns(one) for one in values[member] or ()])


def _medium_columns(one: Values) -> dict[str, Any]:
    said = {column: one["characteristic"].get(name) for name, column in _MEDIUM_COLUMNS.items()}
    return {"medium_type": one["mediumType"], "is_preferred": one.get("preferred", False), **said}


def _identification_columns(one: Values) -> dict[str, Any]:
    return {
        "kind": one["identificationType"],
        "document_number": one["identificationId"],
        "issuing_authority": one.get("issuingAuthority"),
        **period_columns(one.get("validFor")),
    }


def _fill(member: str, work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    by_id = {document["id"]: document for document in documents}
    for medium in contact_media_of(work, list(by_id)):
        by_id[medium.party_id].setdefault("contactMedium", []).append(_medium_document(medium))
    for identification in identifications_of(work, list(by_id)):
        by_id[identification.party_id].setdefault(member, []).append(_identification_document(identification))
    for row in rows:
        document = by_id[row["id"]]
        if row["language"]:
            document["languageAbility"] = [LANGUAGE.write({"languageCode": row["language"]})]
        names = [row[name] for name in ("given_name", "middle_name", "family_name") if row[name]]
        if row["kind"] == INDIVIDUAL and names:
            document["fullName"] = " ".join(names)


def _medium_document(medium: ContactMedium) -> Document:
    characteristic = {name: getattr(medium, column) for name, column in _MEDIUM_COLUMNS.items()}
    return CONTACT_MEDIUM.write(
        {
            "mediumType": medium.medium_type,
            "preferred": medium.is_preferred,
            "characteristic": characteristic,
            "validFor": {"startDateTime": medium.from_ns, "endDateTime": medium.to_ns},
        }
    )


def _identification_document(one: Identification) -> Document:
    has_period = one.from_ns is not None or one.to_ns is not None
    return INDIVIDUAL_IDENTIFICATION.write(
        {
            "identificationType": one.kind,
            "identificationId": one.document_number,
            "issuingAuthority": one.issuing_authority,
            "validFor": {"startDateTime": one.from_ns, "endDateTime": one.to_ns} if has_period else None,
        }
    )


def _events(name: str) -> tuple[EventRow, ...]:
    kinds = ("CreateEvent", "AttributeValueChangeEvent", "StateChangeEvent", "DeleteEvent")
    return tuple(EventRow(name + kind, name + kind) for kind in kinds)


INDIVIDUALS: Final = Resource(
    name="individual",
    type_name="Individual",
    meaning="A person, whatever they are to us: customer, user, contact",
    fields=(
        *identity("Individual"),
        Field("givenName", _NAME, required=True, is_filter=True),
        Field("familyName", _NAME, required=True, is_filter=True),
        Field("middleName", Text(200)),
        Field("fullName", Text(602), column="", writable=Writable.NEVER, meaning="the names in one"),
        Field("title", Text(32)),
        Field("gender", Text(32)),
        Field("birthDate", Day(), meaning="the date counts, in the zone that it is said in"),
        Field("nationality", Text(64)),
        Field(
            "status",
            OneOf(("initialized", "validated", "deceaded"), (ERASED_STATUS,), {"deceaded": "deceased"}),
            is_filter=True,
            meaning="erased: the person asked to be forgotten",
        ),
        Field("contactMedium", Many(CONTACT_MEDIUM)),
        Field("individualIdentification", Many(INDIVIDUAL_IDENTIFICATION)),
        Field("languageAbility", Many(LANGUAGE, 1)),
    ),
    not_served=(
        NotServed("aristocraticTitle", "title is for that"),
        NotServed("countryOfBirth", _NOT_KEPT),
        NotServed("deathDate", "status says it, since when is in the audit trail"),
        NotServed("disability", _NOT_KEPT),
        NotServed("familyNamePrefix", "it is part of familyName"),
        NotServed("formattedName", "fullName is that"),
        NotServed("generation", "it is part of familyName"),
        NotServed("legalName", "givenName and familyName are the legal ones"),
        NotServed("location", "contactMedium of the type postal has the address"),
        NotServed("maritalStatus", _NOT_KEPT),
        NotServed("placeOfBirth", _NOT_KEPT),
        NotServed("preferredGivenName", "givenName is what we call the person"),
        NotServed("skill", _NOT_KEPT),
        *_NEITHER,
        *OF_SUBTYPES,
    ),
    domain=_Party(
        INDIVIDUAL, add_individual, change_individual, _individual_columns, "individualIdentification"
    ).domain(),
    next_states={
        "initialized": ("validated", "deceaded"),
        "validated": ("initialized", "deceaded"),
        "deceaded": ("initialized", "validated"),
        ERASED_STATUS: (),
    },
    events=_events("Individual"),
)
ORGANIZATIONS: Final = Resource(
    name="organization",
    type_name="Organization",
    meaning="A company or another body",
    fields=(
        *identity("Organization"),
        Field("tradingName", _NAME, required=True, is_filter=True),
        Field("name", Text(200), column="legal_name", meaning="the legal name"),
        Field("organizationType", Text(64)),
        Field("status", OneOf(("initialized", "validated", "closed"), (ERASED_STATUS,)), is_filter=True),
        Field("contactMedium", Many(CONTACT_MEDIUM)),
        Field("organizationIdentification", Many(ORGANIZATION_IDENTIFICATION)),
    ),
    not_served=(
        NotServed("existsDuring", _NOT_KEPT),
        NotServed("isHeadOffice", "branches are not kept"),
        NotServed("isLegalEntity", "name, the legal name, is there where it is one"),
        NotServed("nameType", "organizationType has it"),
        NotServed("organizationChildRelationship", "branches are not kept"),
        NotServed("organizationParentRelationship", "branches are not kept"),
        *_NEITHER,
        *OF_SUBTYPES,
    ),
    domain=_Party(
        ORGANIZATION, add_organization, change_organization, _organization_columns, "organizationIdentification"
    ).domain(),
    next_states={
        "initialized": ("validated", "closed"),
        "validated": ("initialized", "closed"),
        "closed": ("initialized", "validated"),
        ERASED_STATUS: (),
    },
    events=_events("Organization"),
)
PARTY_API: Final = Api("TMF632", "party", "Party", "4.0.0", (INDIVIDUALS, ORGANIZATIONS))
