"""Data sessions (TS 32.255, TS 32.291 §6.1.6.2). Charging reads none of it but what its tariffs are chosen by."""

from msgspec import field

from chf_http2.schema_data_types import (
    AccessType,
    ChargingCharacteristics,
    ChargingId,
    DateTime,
    DurationSec,
    GroupId,
    Hex6,
    IpAddr,
    Ipv4Addr,
    Ipv6Addr,
    Ipv6Prefix,
    JsonObject,
    Nid,
    PlmnId,
    PlmnIdNid,
    Qfi,
    Snssai,
    Uint8,
    Uint32,
    Uint64,
)
from chf_http2.schema_enumerations import (
    ChargingCharacteristicsSelectionMode,
    DnnSelectionMode,
    MaPduIndication,
    MbsDeliveryMethod,
    PduSessionType,
    PSDataOffStatus3GPP,
    RatType,
    RedundantTransmissionType,
    SscMode,
    SteeringFunctionality,
    TrafficForwardingWay,
)
from chf_http2.schema_network_function import (
    RanNasRelCause,
    ServingNetworkFunctionID,
)
from chf_http2.schema_qos import (
    Ambr,
    AuthorizedDefaultQos,
    QosCharacteristics,
    QosData,
    QosMonitoringReport,
    SteeringMode,
    SubscribedDefaultQos,
)
from chf_http2.schema_user import (
    PresenceInfo,
    UserInformation,
    UserLocation,
)


class PDUAddress(JsonObject, frozen=True, kw_only=True):
    """Addresses of a session."""

    pdu_ipv4_address: Ipv4Addr | None = field(default=None, name="pduIPv4Address")
    pdu_ipv6_address_with_prefix: Ipv6Addr | None = field(default=None, name="pduIPv6AddresswithPrefix")
    pdu_addressprefixlength: int | None = None
    ipv4_dynamic_address_flag: bool | None = field(default=None, name="iPv4dynamicAddressFlag")
    ipv6_dynamic_prefix_flag: bool | None = field(default=None, name="iPv6dynamicPrefixFlag")
    add_ipv6_addr_prefixes: Ipv6Prefix | None = None
    add_ipv6_addr_prefix_list: tuple[Ipv6Prefix, ...] | None = None


class CalleeInfo(JsonObject, frozen=True, kw_only=True):
    """Who is called."""

    called_party_addr: str | None = None
    request_party_addrs: tuple[str, ...] | None = None
    called_assert_ids: tuple[str, ...] | None = None


class CallInfo(JsonObject, frozen=True, kw_only=True):
    """Who calls whom, in a session that carries a call."""

    calling_party_addrs: tuple[str, ...] | None = None
    callee_info: CalleeInfo | None = None


class NetworkSlicingInfo(JsonObject, frozen=True, kw_only=True):
    """The slice of a session."""

    snssai: Snssai = field(name="sNSSAI")
    h_plmn_snssai: Snssai | None = field(default=None, name="hPlmnSNSSAI")


class AtsssCapability(JsonObject, frozen=True, kw_only=True):
    """What a session over several accesses can do."""

    atsss_ll: bool | None = field(default=None, name="atsssLL")
    mptcp: bool | None = None
    rtt_without_pmf: bool | None = None


class MAPDUSessionInformation(JsonObject, frozen=True, kw_only=True):
    """A session over several accesses."""

    ma_pdu_session_indicator: MaPduIndication | None = field(default=None, name="mAPDUSessionIndicator")
    atsss_capability: AtsssCapability | None = field(default=None, name="aTSSSCapability")


class LANTypeService5G(JsonObject, frozen=True, kw_only=True):
    """The virtual network that a session belongs to."""

    internal_group_identifier: GroupId | None = None


class SNPNInformation(JsonObject, frozen=True, kw_only=True):
    """The private network of a session."""

    snpn_id: PlmnIdNid = field(name="sNPNID")
    access_type: AccessType | None = None


class Tmgi(JsonObject, frozen=True, kw_only=True):
    """A group of multicast."""

    mbs_service_id: Hex6
    plmn_id: PlmnId


class Ssm(JsonObject, frozen=True, kw_only=True):
    """A multicast by source and destination."""

    source_ip_addr: IpAddr
    dest_ip_addr: IpAddr


class MbsSessionId(JsonObject, frozen=True, kw_only=True):
    """A session of multicast."""

    tmgi: Tmgi | None = None
    ssm: Ssm | None = None
    nid: Nid | None = None


class MulticastService5G(JsonObject, frozen=True, kw_only=True):
    """Sessions of multicast that were joined."""

    mbs_session_id_list: tuple[MbsSessionId, ...] | None = field(default=None, name="mBSSessionIdList")


class QosFlowsUsageReport(JsonObject, frozen=True, kw_only=True):
    """Usage of a flow over a second radio access."""

    qfi: Qfi | None = field(default=None, name="qFI")
    start_timestamp: DateTime | None = None
    end_timestamp: DateTime | None = None
    uplink_volume: Uint64 | None = None
    downlink_volume: Uint64 | None = None


class RANSecondaryRATUsageReport(JsonObject, frozen=True, kw_only=True):
    """Usage over a second radio access."""

    ran_secondary_rat_type: RatType | None = field(default=None, name="rANSecondaryRATType")
    qos_flows_usage_reports: tuple[QosFlowsUsageReport, ...] | None = None


class PDUSessionInformation(JsonObject, frozen=True, kw_only=True):
    """The session itself."""

    pdu_session_id: Uint8 = field(name="pduSessionID")
    dnn_id: str
    network_slicing_info: NetworkSlicingInfo | None = None
    pdu_type: PduSessionType | None = None
    ssc_mode: SscMode | None = None
    h_plmn_id: PlmnId | None = None
    serving_network_function_id: ServingNetworkFunctionID | None = field(default=None, name="servingNetworkFunctionID")
    rat_type: RatType | None = None
    ma_pdu_non_3gpp_rat_type: RatType | None = field(default=None, name="mAPDUNon3GPPRATType")
    dnn_selection_mode: DnnSelectionMode | None = None
    charging_characteristics: ChargingCharacteristics | None = None
    charging_characteristics_selection_mode: ChargingCharacteristicsSelectionMode | None = None
    start_time: DateTime | None = None
    stop_time: DateTime | None = None
    ps_data_off_status_3gpp: PSDataOffStatus3GPP | None = field(default=None, name="3gppPSDataOffStatus")
    session_stop_indicator: bool | None = None
    pdu_address: PDUAddress | None = None
    diagnostics: int | None = None
    authorized_qos_information: AuthorizedDefaultQos | None = field(default=None, name="authorizedQoSInformation")
    subscribed_qos_information: SubscribedDefaultQos | None = field(default=None, name="subscribedQoSInformation")
    authorized_session_ambr: Ambr | None = field(default=None, name="authorizedSessionAMBR")
    subscribed_session_ambr: Ambr | None = field(default=None, name="subscribedSessionAMBR")
    serving_cn_plmn_id: PlmnId | None = field(default=None, name="servingCNPlmnId")
    ma_pdu_session_information: MAPDUSessionInformation | None = field(default=None, name="mAPDUSessionInformation")
    enhanced_diagnostics: tuple[RanNasRelCause, ...] | None = None
    redundant_transmission_type: RedundantTransmissionType | None = None
    pdu_session_pair_id: Uint32 | None = field(default=None, name="pDUSessionPairID")
    cp_ciot_optimisation_indicator: bool | None = field(default=None, name="cpCIoTOptimisationIndicator")
    control_plane_only_indicator_5gs: bool | None = field(default=None, name="5GSControlPlaneOnlyIndicator")
    small_data_rate_control_indicator: bool | None = None
    lan_type_service_5g: LANTypeService5G | None = field(default=None, name="5GLANTypeService")
    snpn_information: SNPNInformation | None = field(default=None, name="sNPNInformation")
    multicast_service_5g: MulticastService5G | None = field(default=None, name="5GMulticastService")


class PDUSessionChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A session with its user, and where that is."""

    charging_id: ChargingId | None = None
    smf_charging_id: str | None = field(default=None, name="sMFchargingId")
    home_provided_charging_id: ChargingId | None = None
    smf_home_provided_charging_id: str | None = field(default=None, name="sMFHomeProvidedChargingId")
    user_information: UserInformation | None = None
    user_locationinfo: UserLocation | None = None
    ims_session_information: CallInfo | None = field(default=None, name="iMSSessionInformation")
    ma_pdu_non_3gpp_user_location_info: UserLocation | None = field(default=None, name="mAPDUNon3GPPUserLocationInfo")
    non_3gpp_user_location_time: DateTime | None = field(default=None, name="non3GPPUserLocationTime")
    ma_pdu_non_3gpp_user_location_time: DateTime | None = field(default=None, name="mAPDUNon3GPPUserLocationTime")
    presence_reporting_area_information: dict[str, PresenceInfo] | None = None
    uetime_zone: str | None = None
    pdu_session_information: PDUSessionInformation | None = None
    unit_count_inactivity_timer: DurationSec | None = None
    ran_secondary_rat_usage_report: RANSecondaryRATUsageReport | None = field(
        default=None, name="rANSecondaryRATUsageReport"
    )


class PDUContainerInformation(JsonObject, frozen=True, kw_only=True):
    """Conditions under which the usage of a container was made."""

    timeof_first_usage: DateTime | None = None
    timeof_last_usage: DateTime | None = None
    qos_information: QosData | None = field(default=None, name="qoSInformation")
    qos_characteristics: QosCharacteristics | None = field(default=None, name="qoSCharacteristics")
    af_charging_identifier: ChargingId | None = None
    af_charging_id_string: str | None = None
    user_location_information: UserLocation | None = None
    uetime_zone: str | None = None
    rat_type: RatType | None = field(default=None, name="rATType")
    serving_node_id: tuple[ServingNetworkFunctionID, ...] | None = field(default=None, name="servingNodeID")
    presence_reporting_area_information: dict[str, PresenceInfo] | None = None
    ps_data_off_status_3gpp: PSDataOffStatus3GPP | None = field(default=None, name="3gppPSDataOffStatus")
    sponsor_identity: str | None = None
    applicationservice_provider_identity: str | None = None
    charging_rule_base_name: str | None = None
    ma_pdu_steering_functionality: SteeringFunctionality | None = field(default=None, name="mAPDUSteeringFunctionality")
    ma_pdu_steering_mode: SteeringMode | None = field(default=None, name="mAPDUSteeringMode")
    traffic_forwarding_way: TrafficForwardingWay | None = None
    qos_monitoring_report: tuple[QosMonitoringReport, ...] | None = None
    mbs_session_id: MbsSessionId | None = field(default=None, name="mBSSessionID")
    mbs_delivery_method: MbsDeliveryMethod | None = field(default=None, name="mBSDeliveryMethod")
