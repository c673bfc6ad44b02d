"""CCRs as real clients send them: AVP order, flags and oddities of their sources (clients.md 6a, 6b, 6c, 6d)."""

from dataclasses import dataclass, field

from tests.gy_interface.diameter_octets import VENDOR_3GPP, avp, group, message, subscription, text, u32, u64

V = VENDOR_3GPP
NO_M = 0x80
"""Flags of a vendor's AVP without M."""
NO_FLAGS = 0x00
EVENT_TIME = 0xEC000000
INITIAL, UPDATE, TERMINATION = 1, 2, 3


@dataclass
class Open5gs:
    """SMF of Open5GS, `src/smf/gy-path.c`: one MSCC without Rating-Group, Requested-Action in every request."""

    session_id: str = "smf.epc.mnc001.mcc001.3gppnetwork.org;1700000000;1;app_gy"
    number: int = 0
    sent: list[int] = field(default_factory=list)

    def _service_information(self, request_type: int) -> bytes:
        qos_free = [
            avp(2, b"\x00\x00\x00\x01", V),
            *([u32(3, 0, V)] if request_type == INITIAL else []),
            avp(1227, b"\x00\x01\x0a\x2d\x00\x02", V),
            avp(1228, b"\x00\x01\x7f\x00\x00\x03", V),
            avp(847, b"\x00\x01\x7f\x00\x00\x04", V),
            text(30, "internet"),
            text(12, "0", V),
            text(13, "0800", V),
            text(18, "00101", V),
            avp(10, b"\x05", V),
            avp(23, b"\x40\x01", V),
            avp(22, b"\x82\x00\xf1\x10\x00\x01\x00\xf1\x10\x00\x00\x01\x01", V),
            avp(21, b"\x06", V),
            group(458, u32(459, 0), text(460, "3534900698733190")),
        ]
        return group(873, group(874, *qos_free, vendor=V), vendor=V)

    def _mscc(self, request_type: int, seconds: int, up: int, down: int, reason: int | None) -> bytes:
        parts = []
        if request_type != TERMINATION:
            parts.append(group(437, u64(421, 1_000_000)))
        if request_type != INITIAL:
            inside = [u32(872, reason, V)] if request_type == UPDATE and reason in (0, 3, 5) else []
            parts.append(group(446, *inside, u32(420, seconds), u64(412, up), u64(414, down)))
            if reason not in (None, 0, 3, 5) or request_type == TERMINATION:
                parts.append(u32(872, 2 if request_type == TERMINATION else reason or 0, V))
        arp = group(1034, u32(1046, 8, V), u32(1047, 1, V), u32(1048, 1, V), vendor=V)
        parts.append(group(1016, u32(1028, 9, V), arp, u32(1041, 10**9, V), u32(1040, 10**9, V), vendor=V))
        return group(456, *parts)

    def send(
        self, request_type: int, *, seconds: int = 0, up: int = 0, down: int = 0, reason: int | None = None
    ) -> bytes:
        """The next CCR of the session."""
        octets = message(
            text(263, self.session_id),
            text(264, "smf.epc.mnc001.mcc001.3gppnetwork.org"),
            text(296, "epc.mnc001.mcc001.3gppnetwork.org"),
            text(283, "farebox.example"),
            u32(258, 4),
            text(461, "32251@3gpp.org"),
            u32(416, request_type),
            u32(415, self.number),
            *([text(293, "ocs.farebox.example")] if self.number else []),
            u32(55, EVENT_TIME + self.number),
            subscription(1, "001010000000001"),
            subscription(0, "491700000001"),
            *([u32(295, 1)] if request_type == TERMINATION else []),
            u32(436, 0),
            u32(2055, 1, V),
            *([u32(455, 0)] if request_type == INITIAL else []),
            self._mscc(request_type, seconds, up, down, reason),
            self._service_information(request_type),
            hop_by_hop=100 + self.number,
            end_to_end=200 + self.number,
        )
        self.sent.append(self.number)
        self.number += 1
        return octets


@dataclass
class Magma:
    """session_proxy of Magma, `gy_client.go`: it inserts at the front, so MSCCs stand before everything else."""

    session_id: str = "magma.example;3;9;IMSI001010000000002"
    number: int = 0
    is_empty_request: bool = False
    number_is_known: bool = True

    def _service_information(self) -> bytes:
        return group(
            873,
            group(
                874,
                text(2, "1", V, NO_M),
                avp(1228, b"\x00\x01\xc0\xa8\x00\x01", V),
                avp(847, b"\x00\x01\xc0\xa8\x00\x02", V),
                avp(846, b"\x00\x01\xc0\xa8\x00\x02", V),
                avp(1227, b"\x00\x01\x0a\x00\x00\x09", V),
                text(18, "00101", V, NO_M),
                text(10, "5", V, NO_M),
                text(30, "oai.ipv4"),
                text(12, "0", V, NO_M),
                text(13, "0800", V, NO_M),
                avp(21, b"\x06", V, NO_M),
                vendor=V,
            ),
            vendor=V,
        )

    def _mscc(self, request_type: int, rating_group: int, tx: int, rx: int, reason: int | None) -> bytes:
        parts = [u32(432, rating_group)]
        if request_type != TERMINATION:
            units = [] if self.is_empty_request else [u64(412, 100000), u64(414, 100000), u64(421, 100000)]
            parts.append(group(437, *units))
        parts.append(u32(439, rating_group + 1000))
        if request_type != INITIAL:
            outside = reason in (1, 2, 4, 6, 7)
            if outside:
                parts.append(u32(872, reason or 0, V))
            inside = [u32(872, reason, V)] if reason is not None and not outside else []
            parts.append(group(446, u64(412, tx), u64(414, rx), u64(421, tx + rx), *inside))
        return group(456, *parts)

    def send(
        self,
        request_type: int,
        usages: dict[int, tuple[int, int]],
        *,
        reason: int | None = None,
        has_host: bool = False,
    ) -> bytes:
        """The next CCR; `usages` are (tx, rx) by rating group."""
        msccs = [self._mscc(request_type, key, tx, rx, reason) for key, (tx, rx) in usages.items()]
        destination = [text(293, "ocs.farebox.example")] if has_host else []
        octets = message(
            text(263, self.session_id),
            *reversed(msccs),
            *destination,
            self._service_information(),
            u32(55, EVENT_TIME + self.number),
            u32(258, 4),
            u32(416, request_type),
            text(461, "32251@3gpp.org"),
            u32(415, self.number),
            *([subscription(0, "491700000002")] if self.number_is_known else []),
            subscription(1, "001010000000002"),
            group(458, u32(459, 0), text(460, "3534900698733190"), flags=NO_FLAGS),
            u32(455, 1),
            text(264, "magma.example"),
            text(296, "example"),
            u32(278, 1700000000),
            text(283, "farebox.example"),
            *destination,
            hop_by_hop=300 + self.number,
            end_to_end=400 + self.number,
        )
        self.number += 1
        return octets


def ergw(request_type: int, number: int) -> bytes:
    """erGW, `ergw_aaa_ro.erl`: order of an Erlang dictionary, empty RSU, Tariff-Change-Usage."""
    used = group(446, u32(452, 0), u32(420, 60), u64(421, 300), u64(412, 100), u64(414, 200), u32(872, 4, V))
    return message(
        text(263, "ergw.example;1;2;3"),
        text(264, "ergw.example"),
        text(296, "example"),
        text(283, "farebox.example"),
        u32(258, 4),
        text(461, "14.32251@3gpp.org"),
        u32(416, request_type),
        u32(415, number),
        u32(278, 1),
        u32(55, EVENT_TIME),
        subscription(1, "001010000000003"),
        subscription(0, "491700000003"),
        u32(455, 1),
        group(456, *([group(437)] if request_type != TERMINATION else []), used, u32(432, 3000)),
        group(458, u32(459, 0), avp(460, b"AAAAAAAA")),
    )


def kamailio(request_type: int, number: int) -> bytes:
    """ims_charging of Kamailio, `ims_ro.c`: hosts twice, no Auth-Application-Id, Subscription-Id in two places."""
    units = group(437, u32(420, 30)) if request_type != TERMINATION else group(446, u32(420, 12))
    used = [group(446, u32(420, 30))] if request_type == UPDATE else []
    ims = group(
        876,
        group(823, text(824, "dummy" if number else "INVITE", V), vendor=V),
        u32(829, 0, V),
        u32(862, 0, V),
        text(830, "call-1@ims.example", V),
        text(831, "tel:+491700000004", V),
        text(832, "tel:+491700000005", V),
        group(833, u32(834, EVENT_TIME, V), vendor=V),
        vendor=V,
    )
    return message(
        text(263, "scscf.ims.example;1;4"),
        text(264, "scscf.ims.example"),
        text(296, "ims.example"),
        text(283, "ims.example"),
        text(264, "ro.ims.example"),
        text(296, "other.example"),
        text(283, "farebox.example"),
        u32(480, request_type + 1),
        u32(485, number),
        text(1, "sip:a@ims.example"),
        text(461, "ext.01.001.8.32260@3gpp.org"),
        group(873, subscription(0, "+491700000004"), ims, vendor=V),
        group(260, u32(266, V), u32(258, 4)),
        u32(416, request_type),
        u32(415, number),
        u32(55, EVENT_TIME, flags=NO_FLAGS),
        group(458, u32(459, 1), text(460, "00-00-00-00-00-00")),
        subscription(0, "+491700000004"),
        u32(455, 1),
        group(456, units, u32(439, 1000), u32(432, 100), *used),
        *([u32(295, 1)] if request_type == TERMINATION else []),
    )
