"""Calls of the IMS (TS 32.260) and its telephony services (TS 32.275), as TS 32.291 §6.1.6.2 has them."""

from msgspec import field

from chf_http2.schema_data_types import (
    DateTime,
    HexText,
    Ipv4Addr,
    Ipv6Addr,
    JsonObject,
    Pei,
    Uint32,
    Uri,
)
from chf_http2.schema_enumerations import (
    AccessTransferType,
    IMSNodeFunctionality,
    IMSSessionPriority,
    MediaInitiatorFlag,
    NNIRelationshipMode,
    NNISessionDirection,
    NNIType,
    OriginatorPartyType,
    ParticipantActionType,
    PSDataOffStatus3GPP,
    RoleOfIMSNode,
    SDPType,
    SupplementaryServiceMode,
    SupplementaryServiceType,
    TADIdentifier,
    UETransferType,
)
from chf_http2.schema_network_function import RanNasRelCause
from chf_http2.schema_user import (
    UserInformation,
    UserLocation,
)


class SIPEventType(JsonObject, frozen=True, kw_only=True):
    """The SIP message that led to the request."""

    sip_method: str | None = field(default=None, name="sIPMethod")
    event_header: str | None = None
    expires_header: Uint32 | None = None


class ISUPCause(JsonObject, frozen=True, kw_only=True):
    """Why a call of ISUP ended."""

    isup_cause_location: Uint32 | None = field(default=None, name="iSUPCauseLocation")
    isup_cause_value: Uint32 | None = field(default=None, name="iSUPCauseValue")
    isup_cause_diagnostics: HexText | None = field(default=None, name="iSUPCauseDiagnostics")
    enhanced_diagnostics: tuple[RanNasRelCause, ...] | None = None


class IMSAddress(JsonObject, frozen=True, kw_only=True):
    """An address; one of its members is given."""

    ipv4_addr: Ipv4Addr | None = None
    ipv6_addr: Ipv6Addr | None = None
    e164: HexText | None = None


class CalledIdentityChange(JsonObject, frozen=True, kw_only=True):
    """A called number that was changed on the way, and when."""

    called_identity: str | None = None
    change_time: DateTime | None = None


class InterOperatorIdentifier(JsonObject, frozen=True, kw_only=True):
    """Operators that a call comes from and goes to."""

    originating_ioi: str | None = field(default=None, name="originatingIOI")
    terminating_ioi: str | None = field(default=None, name="terminatingIOI")


class SDPTimeStamps(JsonObject, frozen=True, kw_only=True):
    """When media were offered and answered."""

    sdp_offer_timestamp: DateTime | None = field(default=None, name="sDPOfferTimestamp")
    sdp_answer_timestamp: DateTime | None = field(default=None, name="sDPAnswerTimestamp")


class SDPMediaComponent(JsonObject, frozen=True, kw_only=True):
    """Media of a session."""

    sdp_media_name: str | None = field(default=None, name="sDPMediaName")
    sdp_media_description: tuple[str, ...] | None = field(default=None, name="SDPMediaDescription")
    local_gw_inserted_indication: bool | None = field(default=None, name="localGWInsertedIndication")
    ip_realm_default_indication: bool | None = None
    transcoder_inserted_indication: bool | None = None
    media_initiator_flag: MediaInitiatorFlag | None = None
    media_initiator_party: str | None = None
    three_gpp_charging_id: HexText | None = field(default=None, name="threeGPPChargingId")
    access_network_charging_identifier_value: HexText | None = None
    sdp_type: SDPType | None = field(default=None, name="sDPType")


class EarlyMediaDescription(JsonObject, frozen=True, kw_only=True):
    """Media before the call is answered."""

    sdp_time_stamps: SDPTimeStamps | None = field(default=None, name="sDPTimeStamps")
    sdp_media_component: tuple[SDPMediaComponent, ...] | None = field(default=None, name="sDPMediaComponent")
    sdp_session_description: tuple[str, ...] | None = field(default=None, name="sDPSessionDescription")


class ServerCapabilities(JsonObject, frozen=True, kw_only=True):
    """What a server must or may be able to do."""

    mandatory_capability: tuple[Uint32, ...] | None = None
    optional_capability: tuple[Uint32, ...] | None = None
    server_name: tuple[str, ...] | None = None


class TrunkGroupID(JsonObject, frozen=True, kw_only=True):
    """Trunks that a call comes in and goes out by."""

    incoming_trunk_group_id: str | None = field(default=None, name="incomingTrunkGroupID")
    outgoing_trunk_group_id: str | None = field(default=None, name="outgoingTrunkGroupID")


class MessageBody(JsonObject, frozen=True, kw_only=True):
    """A body of a SIP message, described."""

    content_type: str
    content_length: Uint32
    content_disposition: str | None = None
    originator: OriginatorPartyType | None = None


class AccessTransferInformation(JsonObject, frozen=True, kw_only=True):
    """A call that moved to another access or device."""

    access_transfer_type: AccessTransferType | None = None
    access_network_information: tuple[HexText, ...] | None = None
    cellular_network_information: HexText | None = None
    inter_ue_transfer: UETransferType | None = field(default=None, name="interUETransfer")
    user_equipment_info: Pei | None = None
    instance_id: str | None = None
    related_ims_charging_identifier: str | None = field(default=None, name="relatedIMSChargingIdentifier")
    related_ims_charging_identifier_node: IMSAddress | None = field(
        default=None, name="relatedIMSChargingIdentifierNode"
    )
    change_time: DateTime | None = None


class AccessNetworkInfoChange(JsonObject, frozen=True, kw_only=True):
    """A change of access, and when."""

    access_network_information: tuple[HexText, ...] | None = None
    cellular_network_information: HexText | None = None
    change_time: DateTime | None = None


class NNIInformation(JsonObject, frozen=True, kw_only=True):
    """The border to another network."""

    session_direction: NNISessionDirection | None = None
    nni_type: NNIType | None = field(default=None, name="nNIType")
    relationship_mode: NNIRelationshipMode | None = None
    neighbour_node_address: IMSAddress | None = None


class IMSChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A call or another session of the IMS."""

    event_type: SIPEventType | None = None
    ims_node_functionality: IMSNodeFunctionality | None = field(default=None, name="iMSNodeFunctionality")
    role_of_node: RoleOfIMSNode | None = None
    user_information: UserInformation | None = None
    user_location_info: UserLocation | None = None
    ue_time_zone: str | None = None
    ps_data_off_status_3gpp: PSDataOffStatus3GPP | None = field(default=None, name="3gppPSDataOffStatus")
    isup_cause: ISUPCause | None = None
    control_plane_address: IMSAddress | None = None
    vlr_number: HexText | None = None
    msc_address: HexText | None = None
    user_session_id: str | None = field(default=None, name="userSessionID")
    outgoing_session_id: str | None = field(default=None, name="outgoingSessionID")
    session_priority: IMSSessionPriority | None = None
    calling_party_addresses: tuple[Uri, ...] | None = None
    called_party_address: str | None = None
    number_portability_routinginformation: str | None = None
    carrier_select_routing_information: str | None = None
    alternate_charged_party_address: str | None = None
    requested_party_address: tuple[str, ...] | None = None
    called_asserted_identities: tuple[str, ...] | None = None
    called_identity_changes: tuple[CalledIdentityChange, ...] | None = None
    associated_uri: tuple[Uri, ...] | None = field(default=None, name="associatedURI")
    time_stamps: DateTime | None = None
    application_server_information: tuple[str, ...] | None = None
    inter_operator_identifier: tuple[InterOperatorIdentifier, ...] | None = None
    ims_charging_identifier: str | None = None
    related_icid: str | None = field(default=None, name="relatedICID")
    related_icid_generation_node: str | None = field(default=None, name="relatedICIDGenerationNode")
    transit_ioi_list: tuple[str, ...] | None = field(default=None, name="transitIOIList")
    early_media_description: tuple[EarlyMediaDescription, ...] | None = None
    sdp_session_description: tuple[str, ...] | None = None
    sdp_media_component: tuple[SDPMediaComponent, ...] | None = None
    served_party_ip_address: IMSAddress | None = field(default=None, name="servedPartyIPAddress")
    server_capabilities: ServerCapabilities | None = None
    trunk_group_id: TrunkGroupID | None = field(default=None, name="trunkGroupID")
    bearer_service: str | None = None
    ims_service_id: str | None = None
    message_bodies: tuple[MessageBody, ...] | None = None
    access_network_information: tuple[str, ...] | None = None
    additional_access_network_information: str | None = None
    cellular_network_information: str | None = None
    access_transfer_information: tuple[AccessTransferInformation, ...] | None = None
    access_network_info_change: tuple[AccessNetworkInfoChange, ...] | None = None
    ims_communication_service_id: str | None = field(default=None, name="imsCommunicationServiceID")
    ims_application_reference_id: str | None = field(default=None, name="imsApplicationReferenceID")
    cause_code: Uint32 | None = None
    reason_header: tuple[str, ...] | None = None
    initial_ims_charging_identifier: str | None = field(default=None, name="initialIMSChargingIdentifier")
    nni_information: tuple[NNIInformation, ...] | None = None
    from_address: str | None = None
    ims_emergency_indication: bool | None = None
    ims_visited_network_identifier: str | None = None
    sip_route_header_received: str | None = None
    sip_route_header_transmitted: str | None = None
    tad_identifier: TADIdentifier | None = None
    fe_identifier_list: str | None = None


class SupplementaryService(JsonObject, frozen=True, kw_only=True):
    """A telephony service that was used."""

    supplementary_service_type: SupplementaryServiceType | None = None
    supplementary_service_mode: SupplementaryServiceMode | None = None
    number_of_diversions: Uint32 | None = None
    associated_party_address: str | None = None
    conference_id: str | None = None
    participant_action_type: ParticipantActionType | None = None
    change_time: DateTime | None = None
    number_of_participants: Uint32 | None = None
    cug_information: HexText | None = field(default=None, name="cUGInformation")


class MMTelChargingInformation(JsonObject, frozen=True, kw_only=True):
    """Telephony services of a call."""

    supplementary_services: tuple[SupplementaryService, ...] | None = None
