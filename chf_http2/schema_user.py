"""Who a user is and where (TS 32.291 §6.1.6.2, TS 29.571 §5.4): part of the information of every service."""

from msgspec import field

from chf_http2.schema_data_types import (
    AgeOfLocation,
    DateTime,
    ENbId,
    EutraCellId,
    GeodeticInformation,
    GeographicalInformation,
    GNbBitLength,
    Gpsi,
    Hex2,
    Hex4,
    Hex6To8,
    HexText,
    HfcNId,
    Ipv4Addr,
    Ipv6Addr,
    JsonObject,
    NgeNbId,
    Nid,
    NrCellId,
    Pei,
    PlmnId,
    PlmnIdNid,
    Tac,
    Uinteger,
)
from chf_http2.schema_enumerations import (
    LineType,
    PresenceState,
    RoamerInOut,
    TransportProtocol,
)


class UserInformation(JsonObject, frozen=True, kw_only=True):
    """The user by number and device."""

    served_gpsi: Gpsi | None = field(default=None, name="servedGPSI")
    served_pei: Pei | None = field(default=None, name="servedPEI")
    unauthenticated_flag: bool | None = None
    roamer_in_out: RoamerInOut | None = None


class GNbId(JsonObject, frozen=True, kw_only=True):
    """A base station of 5G."""

    bit_length: GNbBitLength
    gnb_value: Hex6To8 = field(name="gNBValue")


class GlobalRanNodeId(JsonObject, frozen=True, kw_only=True):
    """A node of a radio network; one of its identifiers is given."""

    plmn_id: PlmnId
    n3iwf_id: HexText | None = field(default=None, name="n3IwfId")
    g_nb_id: GNbId | None = None
    ngenb_id: NgeNbId | None = field(default=None, name="ngeNbId")
    wagf_id: HexText | None = None
    tngf_id: HexText | None = None
    nid: Nid | None = None
    enb_id: ENbId | None = field(default=None, name="eNbId")


class Tai(JsonObject, frozen=True, kw_only=True):
    """A tracking area."""

    plmn_id: PlmnId
    tac: Tac
    nid: Nid | None = None


class Ecgi(JsonObject, frozen=True, kw_only=True):
    """A cell of 4G."""

    plmn_id: PlmnId
    eutra_cell_id: EutraCellId
    nid: Nid | None = None


class Ncgi(JsonObject, frozen=True, kw_only=True):
    """A cell of 5G."""

    plmn_id: PlmnId
    nr_cell_id: NrCellId
    nid: Nid | None = None


class NtnTaiInfo(JsonObject, frozen=True, kw_only=True):
    """Tracking areas that a satellite's cell broadcasts."""

    plmn_id: PlmnIdNid
    tac_list: tuple[Tac, ...]
    derived_tac: Tac | None = None


class TnapId(JsonObject, frozen=True, kw_only=True):
    """A trusted access point."""

    ss_id: str | None = None
    bss_id: str | None = None
    civic_address: bytes | None = None


class TwapId(JsonObject, frozen=True, kw_only=True):
    """A trusted WLAN access point."""

    ss_id: str
    bss_id: str | None = None
    civic_address: bytes | None = None


class HfcNodeId(JsonObject, frozen=True, kw_only=True):
    """A node of a cable network."""

    hfc_nid: HfcNId = field(name="hfcNId")


class CellGlobalId(JsonObject, frozen=True, kw_only=True):
    """A cell of 2G or 3G."""

    plmn_id: PlmnId
    lac: Hex4
    cell_id: Hex4


class ServiceAreaId(JsonObject, frozen=True, kw_only=True):
    """A service area of 3G."""

    plmn_id: PlmnId
    lac: Hex4
    sac: Hex4


class LocationAreaId(JsonObject, frozen=True, kw_only=True):
    """A location area of 2G or 3G."""

    plmn_id: PlmnId
    lac: Hex4


class RoutingAreaId(JsonObject, frozen=True, kw_only=True):
    """A routing area of 2G or 3G."""

    plmn_id: PlmnId
    lac: Hex4
    rac: Hex2


class EutraLocation(JsonObject, frozen=True, kw_only=True):
    """Where in 4G."""

    tai: Tai
    ecgi: Ecgi
    ignore_tai: bool | None = None
    ignore_ecgi: bool | None = None
    age_of_location_information: AgeOfLocation | None = None
    ue_location_timestamp: DateTime | None = None
    geographical_information: GeographicalInformation | None = None
    geodetic_information: GeodeticInformation | None = None
    global_ngenb_id: GlobalRanNodeId | None = None
    global_enb_id: GlobalRanNodeId | None = field(default=None, name="globalENbId")


class NrLocation(JsonObject, frozen=True, kw_only=True):
    """Where in 5G."""

    tai: Tai
    ncgi: Ncgi
    ignore_ncgi: bool | None = None
    age_of_location_information: AgeOfLocation | None = None
    ue_location_timestamp: DateTime | None = None
    geographical_information: GeographicalInformation | None = None
    geodetic_information: GeodeticInformation | None = None
    global_gnb_id: GlobalRanNodeId | None = None
    ntn_tai_info: NtnTaiInfo | None = None


class N3gaLocation(JsonObject, frozen=True, kw_only=True):
    """Where in a network that is none of 3GPP's."""

    n_3gpp_tai: Tai | None = field(default=None, name="n3gppTai")
    n3iwf_id: HexText | None = field(default=None, name="n3IwfId")
    ue_ipv4_addr: Ipv4Addr | None = None
    ue_ipv6_addr: Ipv6Addr | None = None
    port_number: Uinteger | None = None
    protocol: TransportProtocol | None = None
    tnap_id: TnapId | None = None
    twap_id: TwapId | None = None
    hfc_node_id: HfcNodeId | None = None
    gli: bytes | None = None
    w5gban_line_type: LineType | None = None
    gci: str | None = None


class UtraLocation(JsonObject, frozen=True, kw_only=True):
    """Where in 3G."""

    cgi: CellGlobalId | None = None
    sai: ServiceAreaId | None = None
    lai: LocationAreaId | None = None
    rai: RoutingAreaId | None = None
    age_of_location_information: AgeOfLocation | None = None
    ue_location_timestamp: DateTime | None = None
    geographical_information: GeographicalInformation | None = None
    geodetic_information: GeodeticInformation | None = None


class GeraLocation(JsonObject, frozen=True, kw_only=True):
    """Where in 2G."""

    location_number: str | None = None
    cgi: CellGlobalId | None = None
    rai: RoutingAreaId | None = None
    sai: ServiceAreaId | None = None
    lai: LocationAreaId | None = None
    vlr_number: str | None = None
    msc_number: str | None = None
    age_of_location_information: AgeOfLocation | None = None
    ue_location_timestamp: DateTime | None = None
    geographical_information: GeographicalInformation | None = None
    geodetic_information: GeodeticInformation | None = None


class UserLocation(JsonObject, frozen=True, kw_only=True):
    """Where the user is, by the kind of access."""

    eutra_location: EutraLocation | None = None
    nr_location: NrLocation | None = None
    n3ga_location: N3gaLocation | None = None
    utra_location: UtraLocation | None = None
    gera_location: GeraLocation | None = None


class PresenceInfo(JsonObject, frozen=True, kw_only=True):
    """Whether the user is in an area that presence is reported for."""

    pra_id: str | None = None
    additional_pra_id: str | None = None
    presence_state: PresenceState | None = None
    tracking_area_list: tuple[Tai, ...] | None = None
    ecgi_list: tuple[Ecgi, ...] | None = None
    ncgi_list: tuple[Ncgi, ...] | None = None
    global_ran_node_id_list: tuple[GlobalRanNodeId, ...] | None = None
    globalenb_id_list: tuple[GlobalRanNodeId, ...] | None = field(default=None, name="globaleNbIdList")


class PSCellInformation(JsonObject, frozen=True, kw_only=True):
    """The primary cell of the second radio access."""

    nrcgi: Ncgi | None = None
    ecgi: Ecgi | None = None
