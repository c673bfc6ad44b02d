"""Enumerations of bodies: what each can say in Release 18. Any other text is as good (see known_values)."""

from typing import Annotated

from chf_http2.schema_data_types import known_values

APIDirection = Annotated[str, known_values("INVOCATION NOTIFICATION")]
AccessTransferType = Annotated[str, known_values("PS_TO_CS CS_TO_PS PS_TO_PS CS_TO_CS")]
AnnouncementPrivacyIndicator = Annotated[str, known_values("NOT_PRIVATE PRIVATE")]
ChargingCharacteristicsSelectionMode = Annotated[str, known_values("HOME_DEFAULT ROAMING_DEFAULT VISITING_DEFAULT")]
ClassIdentifier = Annotated[str, known_values("PERSONAL ADVERTISEMENT INFORMATIONAL AUTO")]
CoreNetworkType = Annotated[str, known_values("5GC EPC")]
DeliveryReportRequested = Annotated[str, known_values("YES NO")]
DirectDiscoveryModel = Annotated[str, known_values("MODEL_A MODEL_B")]
DnnSelectionMode = Annotated[str, known_values("VERIFIED UE_DNN_NOT_VERIFIED NW_DNN_NOT_VERIFIED")]
FailureHandling = Annotated[str, known_values("TERMINATE CONTINUE RETRY_AND_TERMINATE")]
FinalUnitAction = Annotated[str, known_values("TERMINATE REDIRECT RESTRICT_ACCESS")]
IMSNodeFunctionality = Annotated[
    str,
    known_values(
        "S_CSCF P_CSCF I_CSCF MRFC MGCF BGCF AS IBCF S-GW P-GW HSGW E-CSCF MME TRF TF ATCF PROXY EPDG TDF TWAG SCEF "
        "IWK_SCEF IMS_GWF"
    ),
]
IMSSessionPriority = Annotated[str, known_values("PRIORITY_0 PRIORITY_1 PRIORITY_2 PRIORITY_3 PRIORITY_4")]
InterfaceType = Annotated[
    str,
    known_values("UNKNOWN MOBILE_ORIGINATING MOBILE_TERMINATING APPLICATION_ORIGINATING APPLICATION_TERMINATING"),
]
LineType = Annotated[str, known_values("DSL PON")]
MICOModeIndication = Annotated[str, known_values("MICO_MODE NO_MICO_MODE")]
MaPduIndication = Annotated[str, known_values("MA_PDU_REQUEST MA_PDU_NETWORK_UPGRADE_ALLOWED")]
ManagementOperation = Annotated[
    str,
    known_values(
        "CreateMOI ModifyMOIAttributes DeleteMOI CREATE_MOI MODIFY_MOI_ATTR DELETE_MOI NOTIFY_MOI_CREATION "
        "NOTIFY_MOI_ATTR_CHANGE NOTIFY_MOI_DELETION"
    ),
]
ManagementOperationStatus = Annotated[str, known_values("OPERATION_SUCCEEDED OPERATION_FAILED")]
MbsDeliveryMethod = Annotated[str, known_values("SHARED INDIVIDUAL")]
MediaInitiatorFlag = Annotated[str, known_values("CALLED_PARTY CALLING_PARTY UNKNOWN")]
NNIRelationshipMode = Annotated[str, known_values("TRUSTED NON_TRUSTED")]
NNISessionDirection = Annotated[str, known_values("INBOUND OUTBOUND")]
NNIType = Annotated[str, known_values("NON_ROAMING ROAMING_NO_LOOPBACK ROAMING_LOOPBACK")]
NodeFunctionality = Annotated[
    str,
    known_values(
        "AMF SMF SMS SMSF PGW_C_SMF NEFF SGW I_SMF ePDG CEF NEF MnS_Producer SGSN V_SMF 5G_DDNMF IMS_Node MMS_Node "
        "EES PCF UDM UPF"
    ),
]
NotificationType = Annotated[str, known_values("REAUTHORIZATION ABORT_CHARGING")]
OneTimeEventType = Annotated[str, known_values("IEC PEC")]
OriginatorPartyType = Annotated[str, known_values("CALLING CALLED")]
PSDataOffStatus3GPP = Annotated[str, known_values("ACTIVE INACTIVE")]
PartialRecordMethod = Annotated[str, known_values("DEFAULT INDIVIDUAL")]
ParticipantActionType = Annotated[str, known_values("CREATE JOIN INVITE_INTO QUIT")]
PduSessionType = Annotated[str, known_values("IPV4 IPV6 IPV4V6 UNSTRUCTURED ETHERNET")]
PduSetHandlingInfo = Annotated[str, known_values("ALL_PDUS_NEEDED ALL_PDUS_NOT_NEEDED")]
PlayToParty = Annotated[str, known_values("SERVED REMOTE")]
PreemptionCapability = Annotated[str, known_values("NOT_PREEMPT MAY_PREEMPT")]
PreemptionVulnerability = Annotated[str, known_values("NOT_PREEMPTABLE PREEMPTABLE")]
PresenceState = Annotated[str, known_values("IN_AREA OUT_OF_AREA UNKNOWN INACTIVE")]
ProseEventType = Annotated[str, known_values("ANNOUNCING MONITORING MATCH_REPORT")]
ProseFunctionality = Annotated[str, known_values("DIRECT_DISCOVERY DIRECT_COMMUNICATION")]
QosResourceType = Annotated[str, known_values("NON_GBR NON_CRITICAL_GBR CRITICAL_GBR")]
QuotaConsumptionIndicator = Annotated[str, known_values("QUOTA_NOT_USED QUOTA_IS_USED")]
QuotaManagementIndicator = Annotated[str, known_values("ONLINE_CHARGING OFFLINE_CHARGING QUOTA_MANAGEMENT_SUSPENDED")]
RadioResourcesId = Annotated[str, known_values("OPERATOR_PROVIDED CONFIGURED")]
RangeClass = Annotated[str, known_values("RESERVED 50_METER 100_METER 200_METER 500_METER 1000_METER UNUSED")]
RatType = Annotated[
    str,
    known_values(
        "NR EUTRA WLAN VIRTUAL NBIOT WIRELINE WIRELINE_CABLE WIRELINE_BBF LTE-M NR_U EUTRA_U TRUSTED_N3GA "
        "TRUSTED_WLAN UTRA GERA NR_LEO NR_MEO NR_GEO NR_OTHER_SAT NR_REDCAP WB_E_UTRAN_LEO WB_E_UTRAN_MEO "
        "WB_E_UTRAN_GEO WB_E_UTRAN_OTHERSAT NB_IOT_LEO NB_IOT_MEO NB_IOT_GEO NB_IOT_OTHERSAT LTE_M_LEO LTE_M_MEO "
        "LTE_M_GEO LTE_M_OTHERSAT"
    ),
]
RedirectAddressType = Annotated[str, known_values("IPV4 IPV6 URL URI")]
RedundantTransmissionType = Annotated[
    str,
    known_values("NON_TRANSMISSION END_TO_END_USER_PLANE_PATHS N3/N9 TRANSPORT_LAYER"),
]
RegistrationMessageType = Annotated[str, known_values("INITIAL MOBILITY PERIODIC EMERGENCY DEREGISTRATION")]
ReplyPathRequested = Annotated[str, known_values("NO_REPLY_PATH_SET REPLY_PATH_SET")]
RestrictionType = Annotated[str, known_values("ALLOWED_AREAS NOT_ALLOWED_AREAS")]
ResultCode = Annotated[
    str,
    known_values(
        "SUCCESS END_USER_SERVICE_DENIED QUOTA_MANAGEMENT_NOT_APPLICABLE QUOTA_LIMIT_REACHED "
        "END_USER_SERVICE_REJECTED USER_UNKNOWN RATING_FAILED QUOTA_MANAGEMENT"
    ),
]
RoamerInOut = Annotated[str, known_values("IN_BOUND OUT_BOUND")]
RoleOfIMSNode = Annotated[str, known_values("ORIGINATING TERMINATING FORWARDING")]
RoleOfUE = Annotated[str, known_values("ANNOUNCING_UE MONITORING_UE REQUESTOR_UE REQUESTED_UE")]
SDPType = Annotated[str, known_values("OFFER ANSWER")]
SMAddressType = Annotated[
    str,
    known_values("EMAIL_ADDRESS MSISDN IPV4_ADDRESS IPV6_ADDRESS NUMERIC_SHORTCODE ALPHANUMERIC_SHORTCODE OTHER IMSI"),
]
SMMessageType = Annotated[str, known_values("SUBMISSION DELIVERY_REPORT SM_SERVICE_REQUEST DELIVERY")]
SMPriority = Annotated[str, known_values("LOW NORMAL HIGH")]
SMServiceType = Annotated[
    str,
    known_values(
        "VAS4SMS_SHORT_MESSAGE_CONTENT_PROCESSING VAS4SMS_SHORT_MESSAGE_FORWARDING "
        "VAS4SMS_SHORT_MESSAGE_FORWARDING_MULTIPLE_SUBSCRIPTIONS VAS4SMS_SHORT_MESSAGE_FILTERING "
        "VAS4SMS_SHORT_MESSAGE_RECEIPT VAS4SMS_SHORT_MESSAGE_NETWORK_STORAGE "
        "VAS4SMS_SHORT_MESSAGE_TO_MULTIPLE_DESTINATIONS VAS4SMS_SHORT_MESSAGE_VIRTUAL_PRIVATE_NETWORK(VPN) "
        "VAS4SMS_SHORT_MESSAGE_AUTO_REPLY VAS4SMS_SHORT_MESSAGE_PERSONAL_SIGNATURE "
        "VAS4SMS_SHORT_MESSAGE_DEFERRED_DELIVERY"
    ),
]
SessionFailover = Annotated[str, known_values("FAILOVER_NOT_SUPPORTED FAILOVER_SUPPORTED")]
SmsIndication = Annotated[str, known_values("SMS_SUPPORTED SMS_NOT_SUPPORTED")]
SscMode = Annotated[str, known_values("SSC_MODE_1 SSC_MODE_2 SSC_MODE_3")]
SteerModeIndicator = Annotated[str, known_values("AUTO_LOAD_BALANCE UE_ASSISTANCE")]
SteerModeValue = Annotated[str, known_values("ACTIVE_STANDBY LOAD_BALANCING SMALLEST_DELAY PRIORITY_BASED REDUNDANT")]
SteeringFunctionality = Annotated[str, known_values("MPTCP MPQUIC ATSSS_LL")]
SupplementaryServiceMode = Annotated[
    str,
    known_values("CFU CFB CFNR CFNL CD CFNRC ICB OCB ACR BLIND_TRANFER CONSULTATIVE_TRANFER"),
]
SupplementaryServiceType = Annotated[
    str,
    known_values("OIP OIR TIP TIR HOLD CB CDIV CW MWI CONF FA CCBS CCNR MCID CAT CUG PNM CRS ECT"),
]
TADIdentifier = Annotated[str, known_values("CS PS")]
TrafficForwardingWay = Annotated[str, known_values("N6 N19 LOCAL_SWITCH")]
TransportProtocol = Annotated[str, known_values("UDP TCP")]
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
UETransferType = Annotated[str, known_values("INTRA_UE INTER_UE")]
VariablePartType = Annotated[str, known_values("INTEGER NUMBER TIME DATE CURRENCY")]
