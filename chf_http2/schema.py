"""Bodies of Nchf_ConvergedCharging (TS 32.291 §6.1.6) as types: what charging reads of a request and writes in an answer.

Types and members have the specification's names, in Python's spelling. Decode with `json.Decoder(ChargingDataRequest)`:
a wrong type, a missing member and a value out of range raise ValidationError, which says where (`$.multipleUnitUsage[0]`).
What charging doesn't interpret is typed too, in the modules `schema_*`, so that the record can be made of it.
"""

from typing import Final, NamedTuple

from msgspec import field

from chf_http2.schema_access import (
    LocationReportingChargingInformation,
    N2ConnectionChargingInformation,
    RegistrationChargingInformation,
)
from chf_http2.schema_data_types import (
    AmfId,
    ChargingId,
    DateTime,
    DurationSec,
    JsonObject,
    NfInstanceId,
    RatingGroup,
    ReportedVolume,
    ServiceId,
    Supi,
    SupportedFeatures,
    Uint32,
    Uint64,
    Uninterpreted,
    Uri,
)
from chf_http2.schema_enumerations import (
    AnnouncementPrivacyIndicator,
    FailureHandling,
    FinalUnitAction,
    NotificationType,
    OneTimeEventType,
    PlayToParty,
    QuotaConsumptionIndicator,
    QuotaManagementIndicator,
    RedirectAddressType,
    ResultCode,
    SessionFailover,
    VariablePartType,
)
from chf_http2.schema_exposure import (
    EASDeploymentChargingInformation,
    EdgeInfrastructureUsageChargingInformation,
    NEFChargingInformation,
)
from chf_http2.schema_ims import IMSChargingInformation, MMTelChargingInformation
from chf_http2.schema_network_function import NFIdentification as NFIdentification
from chf_http2.schema_pdu_session import PDUAddress, PDUContainerInformation, PDUSessionChargingInformation
from chf_http2.schema_prose import PC5ContainerInformation, ProseChargingInformation
from chf_http2.schema_roaming import RoamingQBCInformation
from chf_http2.schema_slice import NSMChargingInformation, NSPAChargingInformation, NSPAContainerInformation
from chf_http2.schema_sms import MMSChargingInformation, SMSChargingInformation
from chf_http2.schema_trigger import Trigger as Trigger


class UntypedRow(NamedTuple):
    """One member that isn't typed."""

    schema: str
    member: str
    reason: str


UNTYPED: Final = (
    #          object, member                                       what it would take
    UntypedRow("ProblemDetails", "accessTokenError", "TS 29.510 AccessTokenErr: an NRF's, never ours"),
    UntypedRow("ProblemDetails", "accessTokenRequest", "TS 29.510 AccessTokenReq: an NRF's, never ours"),
    UntypedRow("EASDeploymentChargingInformation", "eEASDeploymentRequirements", "TS 28.538 EASRequirements, 10 types"),
    UntypedRow("NSPAContainerInformation", "serviceExperienceStatisticsData", "TS 29.520 analytics, 22 types"),
    UntypedRow("NSPAContainerInformation", "loadLevel", "TS 29.520 NsiLoadLevelInfo, 5 types"),
)
"""Members that may hold any object: recorded as they come, since nobody here charges by them."""


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
    access_token_error: Uninterpreted | None = None
    access_token_request: Uninterpreted | None = None
    nrf_id: str | None = None
    supported_api_versions: tuple[str, ...] | None = None
    supported_features: SupportedFeatures | None = None


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
    pdu_container_information: PDUContainerInformation | None = field(default=None, name="pDUContainerInformation")
    nspa_container_information: NSPAContainerInformation | None = field(default=None, name="nSPAContainerInformation")
    pc5_container_information: PC5ContainerInformation | None = field(default=None, name="pC5ContainerInformation")


class MultipleUnitUsage(JsonObject, frozen=True, kw_only=True):
    """Usage and wishes of a rating group; without `requested_unit` no quota is wanted."""

    rating_group: RatingGroup
    requested_unit: RequestedUnit | None = None
    used_unit_container: tuple[UsedUnitContainer, ...] | None = None
    upf_id: NfInstanceId | None = field(default=None, name="uPFID")
    multihomed_pdu_address: PDUAddress | None = field(default=None, name="multihomedPDUAddress")


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
    pdu_session_charging_information: PDUSessionChargingInformation | None = field(
        default=None, name="pDUSessionChargingInformation"
    )
    roaming_qbc_information: RoamingQBCInformation | None = field(default=None, name="roamingQBCInformation")
    sms_charging_information: SMSChargingInformation | None = field(default=None, name="sMSChargingInformation")
    nef_charging_information: NEFChargingInformation | None = field(default=None, name="nEFChargingInformation")
    registration_charging_information: RegistrationChargingInformation | None = None
    n2_connection_charging_information: N2ConnectionChargingInformation | None = None
    location_reporting_charging_information: LocationReportingChargingInformation | None = None
    nspa_charging_information: NSPAChargingInformation | None = field(default=None, name="nSPAChargingInformation")
    nsm_charging_information: NSMChargingInformation | None = field(default=None, name="nSMChargingInformation")
    mmtel_charging_information: MMTelChargingInformation | None = field(default=None, name="mMTelChargingInformation")
    ims_charging_information: IMSChargingInformation | None = field(default=None, name="iMSChargingInformation")
    edge_infrastructure_usage_charging_information: EdgeInfrastructureUsageChargingInformation | None = None
    eas_deployment_charging_information: EASDeploymentChargingInformation | None = field(
        default=None, name="eASDeploymentChargingInformation"
    )
    direct_edge_enabling_service_charging_information: NEFChargingInformation | None = None
    exposed_edge_enabling_service_charging_information: NEFChargingInformation | None = None
    pro_se_charging_information: ProseChargingInformation | None = None
    mms_charging_information: MMSChargingInformation | None = field(default=None, name="mMSChargingInformation")


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


class VariablePart(JsonObject, frozen=True, kw_only=True):
    """A part of an announcement that is filled in."""

    variable_part_type: VariablePartType
    variable_part_value: tuple[str, ...]
    variable_part_order: Uint32 | None = None


class AnnouncementInformation(JsonObject, frozen=True, kw_only=True):
    """An announcement to be played to the user."""

    announcement_identifier: Uint32 | None = None
    announcement_reference: Uri | None = None
    variable_parts: tuple[VariablePart, ...] | None = None
    time_to_play: DurationSec | None = None
    quota_consumption_indicator: QuotaConsumptionIndicator | None = None
    announcement_priority: Uint32 | None = None
    play_to_party: PlayToParty | None = None
    announcement_privacy_indicator: AnnouncementPrivacyIndicator | None = None
    language: str | None = field(default=None, name="Language")


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
    announcement_information: AnnouncementInformation | None = None


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
    pdu_session_charging_information: PDUSessionChargingInformation | None = field(
        default=None, name="pDUSessionChargingInformation"
    )
    roaming_qbc_information: RoamingQBCInformation | None = field(default=None, name="roamingQBCInformation")
    location_reporting_charging_information: LocationReportingChargingInformation | None = None


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
