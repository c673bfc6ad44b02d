"""Short messages (TS 32.274) and multimedia messages (TS 32.270), as TS 32.291 §6.1.6.2 has them."""

from msgspec import field

from chf_http2.schema_data_types import (
    DateTime,
    Gpsi,
    JsonObject,
    OctalHex,
    Pei,
    Supi,
    Uint32,
)
from chf_http2.schema_enumerations import (
    ClassIdentifier,
    DeliveryReportRequested,
    InterfaceType,
    RatType,
    ReplyPathRequested,
    RoamerInOut,
    SMAddressType,
    SMMessageType,
    SMPriority,
    SMServiceType,
)
from chf_http2.schema_user import UserLocation


class SMAddressDomain(JsonObject, frozen=True, kw_only=True):
    """Where an address of a message holds."""

    domain_name: str | None = None
    imsi_mcc_mnc_3gpp: str | None = field(default=None, name="3GPPIMSIMCCMNC")


class SMAddressInfo(JsonObject, frozen=True, kw_only=True):
    """An address of a message."""

    s_maddress_type: SMAddressType | None = None
    s_maddress_data: str | None = None
    s_maddress_domain: SMAddressDomain | None = None


class SMInterface(JsonObject, frozen=True, kw_only=True):
    """An interface that a message passes."""

    interface_id: str | None = None
    interface_text: str | None = None
    interface_port: str | None = None
    interface_type: InterfaceType | None = None


class OriginatorInfo(JsonObject, frozen=True, kw_only=True):
    """Who sends a message."""

    originator_supi: Supi | None = field(default=None, name="originatorSUPI")
    originator_gpsi: Gpsi | None = field(default=None, name="originatorGPSI")
    originator_other_address: SMAddressInfo | None = None
    originator_received_address: SMAddressInfo | None = None
    originator_sccp_address: str | None = field(default=None, name="originatorSCCPAddress")
    sm_originator_interface: SMInterface | None = field(default=None, name="sMOriginatorInterface")
    sm_originator_protocol_id: str | None = field(default=None, name="sMOriginatorProtocolId")


class RecipientInfo(JsonObject, frozen=True, kw_only=True):
    """Who a message is for."""

    recipient_supi: Supi | None = field(default=None, name="recipientSUPI")
    recipient_gpsi: Gpsi | None = field(default=None, name="recipientGPSI")
    recipient_other_address: SMAddressInfo | None = None
    recipient_received_address: SMAddressInfo | None = None
    recipient_sccp_address: str | None = field(default=None, name="recipientSCCPAddress")
    sm_destination_interface: SMInterface | None = field(default=None, name="sMDestinationInterface")
    s_mrecipient_protocol_id: str | None = None


class MessageClass(JsonObject, frozen=True, kw_only=True):
    """Class of a message."""

    class_identifier: ClassIdentifier | None = None
    token_text: str | None = None


class SMSChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A short message."""

    originator_info: OriginatorInfo | None = None
    recipient_info: tuple[RecipientInfo, ...] | None = None
    user_equipment_info: Pei | None = None
    roamer_in_out: RoamerInOut | None = None
    user_locationinfo: UserLocation | None = None
    uetime_zone: str | None = None
    rat_type: RatType | None = field(default=None, name="rATType")
    smsc_address: str | None = field(default=None, name="sMSCAddress")
    sm_data_coding_scheme: int | None = field(default=None, name="sMDataCodingScheme")
    sm_message_type: SMMessageType | None = field(default=None, name="sMMessageType")
    sm_reply_path_requested: ReplyPathRequested | None = field(default=None, name="sMReplyPathRequested")
    sm_user_data_header: str | None = field(default=None, name="sMUserDataHeader")
    sm_status: OctalHex | None = field(default=None, name="sMStatus")
    sm_discharge_time: DateTime | None = field(default=None, name="sMDischargeTime")
    number_of_messages_sent: Uint32 | None = field(default=None, name="numberofMessagesSent")
    sm_service_type: SMServiceType | None = field(default=None, name="sMServiceType")
    sm_sequence_number: Uint32 | None = field(default=None, name="sMSequenceNumber")
    sms_result: Uint32 | None = field(default=None, name="sMSresult")
    submission_time: DateTime | None = None
    sm_priority: SMPriority | None = field(default=None, name="sMPriority")
    message_reference: str | None = None
    message_size: Uint32 | None = None
    message_class: MessageClass | None = None
    delivery_report_requested: DeliveryReportRequested | None = None


class MMAddContentInfo(JsonObject, frozen=True, kw_only=True):
    """A further content of a multimedia message."""

    type_number: str | None = None
    addtype_info: str | None = None
    content_size: int | None = None


class MMContentType(JsonObject, frozen=True, kw_only=True):
    """What a multimedia message holds."""

    type_number: str | None = None
    addtype_info: str | None = None
    content_size: int | None = None
    mm_add_content_info: tuple[MMAddContentInfo, ...] | None = None


class MMOriginatorInfo(JsonObject, frozen=True, kw_only=True):
    """Who sends a multimedia message."""

    originator_supi: Supi | None = field(default=None, name="originatorSUPI")
    originator_gpsi: Gpsi | None = field(default=None, name="originatorGPSI")
    originator_other_address: tuple[SMAddressInfo, ...] | None = None


class MMRecipientInfo(JsonObject, frozen=True, kw_only=True):
    """Who a multimedia message is for."""

    recipient_supi: Supi | None = field(default=None, name="recipientSUPI")
    recipient_gpsi: Gpsi | None = field(default=None, name="recipientGPSI")
    recipient_other_address: tuple[SMAddressInfo, ...] | None = None


class MMSChargingInformation(JsonObject, frozen=True, kw_only=True):
    """A multimedia message."""

    mm_originator_info: MMOriginatorInfo | None = None
    mm_recipient_info_list: tuple[MMRecipientInfo, ...] | None = None
    user_locationinfo: UserLocation | None = None
    uetime_zone: str | None = None
    rat_type: RatType | None = field(default=None, name="rATType")
    correlation_information: str | None = None
    submission_time: DateTime | None = None
    mm_content_type: MMContentType | None = None
    mm_priority: SMPriority | None = None
    message_id: str | None = field(default=None, name="messageID")
    message_type: str | None = None
    message_size: Uint32 | None = None
    message_class: str | None = None
    delivery_report_requested: bool | None = None
    read_reply_report_requested: bool | None = None
    applic_id: str | None = field(default=None, name="applicID")
    reply_applic_id: str | None = field(default=None, name="replyApplicID")
    aux_applic_info: str | None = None
    content_class: str | None = None
    drm_content: bool | None = field(default=None, name="dRMContent")
    adaptations: bool | None = None
    vas_id: str | None = field(default=None, name="vasID")
    vasp_id: str | None = field(default=None, name="vaspID")
