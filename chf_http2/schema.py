"""Bodies of Nchf_ConvergedCharging (TS 32.291 §6.1.6) as types: what charging reads of a request and writes in an answer.

Types and members have the specification's names, in Python's spelling. Decode with `json.Decoder(ChargingDataRequest)`:
a wrong type, a missing member and a value out of range raise ValidationError, which says where (`$.multipleUnitUsage[0]`).
What charging doesn't interpret is typed too, in the modules `schema_*`, so that the record can be made of it.
"""

from typing import Annotated, Any

from msgspec import field

from chf_http2.schema_data_types import (
    AmfId,
    ChargingId,
    DateTime,
    DurationSec,
    Ipv4Addr,
    Ipv6Addr,
    JsonObject,
    NfInstanceId,
    PlmnId,
    RatingGroup,
    ReportedVolume,
    ServiceId,
    Supi,
    SupportedFeatures,
    Uint32,
    Uint64,
    Uri,
    known_values,
)

FailureHandling = Annotated[str, known_values("TERMINATE CONTINUE RETRY_AND_TERMINATE")]
FinalUnitAction = Annotated[str, known_values("TERMINATE REDIRECT RESTRICT_ACCESS")]
NodeFunctionality = Annotated[
    str,
    known_values(
        "AMF SMF SMS SMSF PGW_C_SMF NEFF SGW I_SMF ePDG CEF NEF MnS_Producer SGSN V_SMF 5G_DDNMF IMS_Node MMS_Node EES "
        "PCF UDM UPF"
    ),
]
NotificationType = Annotated[str, known_values("REAUTHORIZATION ABORT_CHARGING")]
OneTimeEventType = Annotated[str, known_values("IEC PEC")]
QuotaManagementIndicator = Annotated[str, known_values("ONLINE_CHARGING OFFLINE_CHARGING QUOTA_MANAGEMENT_SUSPENDED")]
RedirectAddressType = Annotated[str, known_values("IPV4 IPV6 URL URI")]
ResultCode = Annotated[
    str,
    known_values(
        "SUCCESS END_USER_SERVICE_DENIED QUOTA_MANAGEMENT_NOT_APPLICABLE QUOTA_LIMIT_REACHED "
        "END_USER_SERVICE_REJECTED USER_UNKNOWN RATING_FAILED QUOTA_MANAGEMENT"
    ),
]
SessionFailover = Annotated[str, known_values("FAILOVER_NOT_SUPPORTED FAILOVER_SUPPORTED")]
TriggerCategory = Annotated[str, known_values("IMMEDIATE_REPORT DEFERRED_REPORT")]
TriggerType = Annotated[
    str,
    known_values(
        "QUOTA_THRESHOLD QHT FINAL QUOTA_EXHAUSTED VALIDITY_TIME OTHER_QUOTA_TYPE FORCED_REAUTHORISATION "
        "UNUSED_QUOTA_TIMER UNIT_COUNT_INACTIVITY_TIMER ABNORMAL_RELEASE QOS_CHANGE VOLUME_LIMIT TIME_LIMIT "
        "EVENT_LIMIT PLMN_CHANGE USER_LOCATION_CHANGE RAT_CHANGE SESSION_AMBR_CHANGE UE_TIMEZONE_CHANGE "
        "TARIFF_TIME_CHANGE MAX_NUMBER_OF_CHANGES_IN_CHARGING_CONDITIONS MANAGEMENT_INTERVENTION "
        "CHANGE_OF_UE_PRESENCE_IN_PRESENCE_REPORTING_AREA CHANGE_OF_3GPP_PS_DATA_OFF_STATUS SERVING_NODE_CHANGE "
        "REMOVAL_OF_UPF ADDITION_OF_UPF INSERTION_OF_ISMF REMOVAL_OF_ISMF CHANGE_OF_ISMF START_OF_SERVICE_DATA_FLOW "
        "ECGI_CHANGE TAI_CHANGE HANDOVER_CANCEL HANDOVER_START HANDOVER_COMPLETE GFBR_GUARANTEED_STATUS_CHANGE "
        "ADDITION_OF_ACCESS REMOVAL_OF_ACCESS START_OF_SDF_ADDITIONAL_ACCESS REDUNDANT_TRANSMISSION_CHANGE "
        "CGI_SAI_CHANGE RAI_CHANGE JOIN_MULTICAST MBS_DELIVERY_METHOD_CHANGE LEAVE_MULTICAST VSMF_CHANGE SIP_INVITE "
        "SIP_RE-INVITE_OR_UPDATE SIP_2XX_ACKNOWLEDGING SIP_1XX_PROVISIONAL_RESPONSE SIP_4XX_5XX_OR_6XX_RESPONSE "
        "ANY_OTHER_SIP_MESSAGE SIP_BYE_MESSAGE SIP_2XX_ACKNOWLEDGING_A_SIP_BYE ABORTING_A_SIP_SESSION_SET-UP "
        "SIP_3XX_FINAL_OR_REDIRECTION_RESPONSE SIP_4XX_5XX_OR_6XX_FINAL_RESPONSE"
    ),
]

Uninterpreted = dict[str, Any]


class InvalidParam(JsonObject, frozen=True, kw_only=True):
    """A member that a request was refused for: `param` is its JSON pointer, or names a header or a path's variable."""

    param: str
    reason: str | None = None


class ProblemDetails(JsonObject, frozen=True, kw_only=True):
    """Why a request was refused (TS 29.571 §5.2.4.1, RFC 7807)."""

    type: Uri | None = None
    title: str | None = None
    status: int | None = None
    detail: str | None = None
    instance: Uri | None = None
    cause: str | None = None
    invalid_params: tuple[InvalidParam, ...] | None = None
    supported_features: SupportedFeatures | None = None


class NFIdentification(JsonObject, frozen=True, kw_only=True):
    """Who asks for charging."""

    node_functionality: NodeFunctionality
    nf_name: NfInstanceId | None = field(default=None, name="nFName")
    nf_ipv4_address: Ipv4Addr | None = field(default=None, name="nFIPv4Address")
    nf_ipv6_address: Ipv6Addr | None = field(default=None, name="nFIPv6Address")
    nf_plmn_id: PlmnId | None = field(default=None, name="nFPLMNID")
    nf_fqdn: str | None = field(default=None, name="nFFqdn")


class Trigger(JsonObject, frozen=True, kw_only=True):
    """When usage is reported, and the limit that it is reported at."""

    trigger_category: TriggerCategory
    trigger_type: TriggerType | None = None
    time_limit: DurationSec | None = None
    volume_limit: Uint32 | None = None
    volume_limit64: Uint64 | None = None
    event_limit: Uint32 | None = None
    max_number_of_ccc: Uint32 | None = field(default=None, name="maxNumberOfccc")
    tariff_time_change: DateTime | None = None


class RequestedUnit(JsonObject, frozen=True, kw_only=True):
    """Quota that is asked for; without members, as much as the charging function thinks fit."""

    time: Uint32 | None = None
    total_volume: ReportedVolume | None = None
    uplink_volume: ReportedVolume | None = None
    downlink_volume: ReportedVolume | None = None
    service_specific_units: Uint64 | None = None


class UsedUnitContainer(JsonObject, frozen=True, kw_only=True):
    """Usage since the report before, under the conditions that held then."""

    local_sequence_number: int
    service_id: ServiceId | None = None
    quota_management_indicator: QuotaManagementIndicator | None = None
    triggers: tuple[Trigger, ...] | None = None
    trigger_timestamp: DateTime | None = None
    time: Uint32 | None = None
    total_volume: ReportedVolume | None = None
    uplink_volume: ReportedVolume | None = None
    downlink_volume: ReportedVolume | None = None
    service_specific_units: Uint64 | None = None
    event_time_stamps: tuple[DateTime, ...] | None = None
    pdu_container_information: Uninterpreted | None = field(default=None, name="pDUContainerInformation")
    nspa_container_information: Uninterpreted | None = field(default=None, name="nSPAContainerInformation")
    pc5_container_information: Uninterpreted | None = field(default=None, name="pC5ContainerInformation")


class MultipleUnitUsage(JsonObject, frozen=True, kw_only=True):
    """Usage and wishes of a rating group; without `requested_unit` no quota is wanted."""

    rating_group: RatingGroup
    requested_unit: RequestedUnit | None = None
    used_unit_container: tuple[UsedUnitContainer, ...] | None = None
    upf_id: NfInstanceId | None = field(default=None, name="uPFID")
    multihomed_pdu_address: Uninterpreted | None = field(default=None, name="multihomedPDUAddress")


class ChargingDataRequest(JsonObject, frozen=True, kw_only=True):
    """What a network function reports and asks for: to open, to update or to release charging of a session, or of an event."""

    nf_consumer_identification: NFIdentification
    invocation_time_stamp: DateTime
    invocation_sequence_number: Uint32
    subscriber_identifier: Supi | None = None
    tenant_identifier: str | None = None
    charging_id: ChargingId | None = None
    mns_consumer_identifier: str | None = field(default=None, name="mnSConsumerIdentifier")
    retransmission_indicator: bool | None = None
    one_time_event: bool | None = None
    one_time_event_type: OneTimeEventType | None = None
    notify_uri: Uri | None = None
    supported_features: SupportedFeatures | None = None
    service_specification_info: str | None = None
    multiple_unit_usage: tuple[MultipleUnitUsage, ...] | None = None
    triggers: tuple[Trigger, ...] | None = None
    easid: str | None = None
    ednid: str | None = None
    eas_provider_identifier: str | None = field(default=None, name="eASProviderIdentifier")
    amf_id: AmfId | None = field(default=None, name="aMFId")
    pdu_session_charging_information: Uninterpreted | None = field(default=None, name="pDUSessionChargingInformation")
    roaming_qbc_information: Uninterpreted | None = field(default=None, name="roamingQBCInformation")
    sms_charging_information: Uninterpreted | None = field(default=None, name="sMSChargingInformation")
    nef_charging_information: Uninterpreted | None = field(default=None, name="nEFChargingInformation")
    registration_charging_information: Uninterpreted | None = None
    n2_connection_charging_information: Uninterpreted | None = None
    location_reporting_charging_information: Uninterpreted | None = None
    nspa_charging_information: Uninterpreted | None = field(default=None, name="nSPAChargingInformation")
    nsm_charging_information: Uninterpreted | None = field(default=None, name="nSMChargingInformation")
    mmtel_charging_information: Uninterpreted | None = field(default=None, name="mMTelChargingInformation")
    ims_charging_information: Uninterpreted | None = field(default=None, name="iMSChargingInformation")
    edge_infrastructure_usage_charging_information: Uninterpreted | None = None
    eas_deployment_charging_information: Uninterpreted | None = field(
        default=None, name="eASDeploymentChargingInformation"
    )
    direct_edge_enabling_service_charging_information: Uninterpreted | None = None
    exposed_edge_enabling_service_charging_information: Uninterpreted | None = None
    pro_se_charging_information: Uninterpreted | None = None
    mms_charging_information: Uninterpreted | None = field(default=None, name="mMSChargingInformation")


class GrantedUnit(JsonObject, frozen=True, kw_only=True):
    """Quota that is given."""

    tariff_time_change: DateTime | None = None
    time: Uint32 | None = None
    total_volume: Uint64 | None = None
    uplink_volume: Uint64 | None = None
    downlink_volume: Uint64 | None = None
    service_specific_units: Uint64 | None = None


class RedirectServer(JsonObject, frozen=True, kw_only=True):
    """Where traffic goes once the quota is used up."""

    redirect_address_type: RedirectAddressType
    redirect_server_address: str


class FinalUnitIndication(JsonObject, frozen=True, kw_only=True):
    """What happens once the quota is used up: it is the last."""

    final_unit_action: FinalUnitAction
    restriction_filter_rule: str | None = None
    restriction_filter_rule_list: tuple[str, ...] | None = None
    filter_id: str | None = None
    filter_id_list: tuple[str, ...] | None = None
    redirect_server: RedirectServer | None = None


class MultipleUnitInformation(JsonObject, frozen=True, kw_only=True):
    """The answer for a rating group; thresholds are what is left of the quota when more is to be asked for."""

    rating_group: RatingGroup
    result_code: ResultCode | None = None
    granted_unit: GrantedUnit | None = None
    triggers: tuple[Trigger, ...] | None = None
    validity_time: DurationSec | None = None
    quota_holding_time: DurationSec | None = None
    final_unit_indication: FinalUnitIndication | None = None
    time_quota_threshold: int | None = None
    volume_quota_threshold: Uint64 | None = None
    unit_quota_threshold: int | None = None
    upf_id: NfInstanceId | None = field(default=None, name="uPFID")
    announcement_information: Uninterpreted | None = None


class InvocationResult(JsonObject, frozen=True, kw_only=True):
    """That a whole request failed, and what the network function does then."""

    error: ProblemDetails | None = None
    failure_handling: FailureHandling | None = None


class ChargingDataResponse(JsonObject, frozen=True, kw_only=True):
    """The answer to a create and an update."""

    invocation_time_stamp: DateTime
    invocation_sequence_number: Uint32
    invocation_result: InvocationResult | None = None
    session_failover: SessionFailover | None = None
    supported_features: SupportedFeatures | None = None
    multiple_unit_information: tuple[MultipleUnitInformation, ...] | None = None
    triggers: tuple[Trigger, ...] | None = None
    pdu_session_charging_information: Uninterpreted | None = field(default=None, name="pDUSessionChargingInformation")
    roaming_qbc_information: Uninterpreted | None = field(default=None, name="roamingQBCInformation")
    location_reporting_charging_information: Uninterpreted | None = None


class ReauthorizationDetails(JsonObject, frozen=True, kw_only=True):
    """What the network function is to report and ask for anew."""

    service_id: ServiceId | None = None
    rating_group: RatingGroup | None = None
    quota_management_indicator: QuotaManagementIndicator | None = None


class ChargingNotifyRequest(JsonObject, frozen=True, kw_only=True):
    """What we send to the `notify_uri` of a session: ask again, or end charging."""

    notification_type: NotificationType
    reauthorization_details: tuple[ReauthorizationDetails, ...] | None = None


class ChargingNotifyResponse(JsonObject, frozen=True, kw_only=True):
    """The answer to it, where it has a body."""

    invocation_result: InvocationResult | None = None
