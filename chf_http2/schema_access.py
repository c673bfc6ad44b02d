"""Registration, connections of N2 and reports of location (TS 32.256, TS 32.291 §6.1.6.2)."""

from msgspec import field

from chf_http2.schema_data_types import (
    CagId,
    HexText,
    JsonObject,
    PlmnIdNid,
    Snssai,
    Tac,
    Uinteger,
)
from chf_http2.schema_enumerations import (
    CoreNetworkType,
    MICOModeIndication,
    RatType,
    RegistrationMessageType,
    RestrictionType,
    SmsIndication,
)
from chf_http2.schema_user import (
    GlobalRanNodeId,
    PresenceInfo,
    PSCellInformation,
    Tai,
    UserInformation,
    UserLocation,
)


class Area(JsonObject, frozen=True, kw_only=True):
    """Tracking areas, or a code for some."""

    tacs: tuple[Tac, ...] | None = None
    area_code: str | None = None


class ServiceAreaRestriction(JsonObject, frozen=True, kw_only=True):
    """Where the user may or may not be served."""

    restriction_type: RestrictionType | None = None
    areas: tuple[Area, ...] | None = None
    max_num_of_tas: Uinteger | None = field(default=None, name="maxNumOfTAs")
    max_num_of_tas_for_not_allowed_areas: Uinteger | None = field(default=None, name="maxNumOfTAsForNotAllowedAreas")


class NSSAIMap(JsonObject, frozen=True, kw_only=True):
    """A slice here, and the one it stands for at home."""

    serving_snssai: Snssai
    home_snssai: Snssai


class RegistrationChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A registration."""

    registration_messagetype: RegistrationMessageType
    user_information: UserInformation | None = None
    user_locationinfo: UserLocation | None = None
    ps_cell_information: PSCellInformation | None = field(default=None, name="pSCellInformation")
    uetime_zone: str | None = None
    rat_type: RatType | None = field(default=None, name="rATType")
    mm_capability_5g: bytes | None = field(default=None, name="5GMMCapability")
    mico_mode_indication: MICOModeIndication | None = field(default=None, name="mICOModeIndication")
    sms_indication: SmsIndication | None = None
    tai_list: tuple[Tai, ...] | None = None
    service_area_restriction: tuple[ServiceAreaRestriction, ...] | None = None
    requested_nssai: tuple[Snssai, ...] | None = field(default=None, name="requestedNSSAI")
    allowed_nssai: tuple[Snssai, ...] | None = field(default=None, name="allowedNSSAI")
    rejected_nssai: tuple[Snssai, ...] | None = field(default=None, name="rejectedNSSAI")
    nssai_map_list: tuple[NSSAIMap, ...] | None = field(default=None, name="nSSAIMapList")
    amf_ue_ngap_id: int | None = None
    ran_ue_ngap_id: int | None = None
    ran_node_id: GlobalRanNodeId | None = None
    snpn_id: PlmnIdNid | None = field(default=None, name="sNPNID")
    cag_id_list: tuple[CagId, ...] | None = field(default=None, name="cAGIDList")


class N2ConnectionChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A connection of N2."""

    n2_connection_message_type: int
    user_information: UserInformation | None = None
    user_locationinfo: UserLocation | None = None
    ps_cell_information: PSCellInformation | None = field(default=None, name="pSCellInformation")
    uetime_zone: str | None = None
    rat_type: RatType | None = field(default=None, name="rATType")
    amf_ue_ngap_id: int | None = None
    ran_ue_ngap_id: int | None = None
    ran_node_id: GlobalRanNodeId | None = None
    restricted_rat_list: tuple[RatType, ...] | None = None
    forbidden_area_list: tuple[Area, ...] | None = None
    service_area_restriction: tuple[ServiceAreaRestriction, ...] | None = None
    restricted_cn_list: tuple[CoreNetworkType, ...] | None = None
    allowed_nssai: tuple[Snssai, ...] | None = field(default=None, name="allowedNSSAI")
    nssai_map_list: tuple[NSSAIMap, ...] | None = field(default=None, name="nSSAIMapList")
    rrc_est_cause: HexText | None = None


class LocationReportingChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A report of location."""

    location_reporting_message_type: int
    user_information: UserInformation | None = None
    user_locationinfo: UserLocation | None = None
    ps_cell_information: PSCellInformation | None = field(default=None, name="pSCellInformation")
    uetime_zone: str | None = None
    rat_type: RatType | None = field(default=None, name="rATType")
    presence_reporting_area_information: dict[str, PresenceInfo] | None = None
