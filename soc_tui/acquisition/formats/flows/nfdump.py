"""``nfdump -o csv`` of nfdump 1.6 and 1.7 (NetFlow v5 and v9, IPFIX, sFlow alike)."""

from __future__ import annotations

from soc_tui.acquisition.formats.flows.table import FlowTable

_SPELLINGS = {
    "stamp": ("ts", "firstseen"),
    "ended": ("te", "lastseen"),
    "duration": ("td", "duration"),
    "src_ip": ("sa", "srcaddr"),
    "dst_ip": ("da", "dstaddr"),
    "src_port": ("sp", "srcport"),
    "dst_port": ("dp", "dstport"),
    "protocol": ("pr", "proto"),
    "flags": ("flg", "flags"),
    "forwarding": ("fwd", "fwdstatus"),
    "packets_out": ("ipkt", "packets", "inpackets", "pkt"),
    "bytes_out": ("ibyt", "bytes", "inbytes", "byt"),
    "packets_in": ("opkt", "outpackets"),
    "bytes_in": ("obyt", "outbytes"),
    "router": ("ra", "routerip"),
    "flow_id": ("flowid",),
}
_LABELS = [f"mpls{number}" for number in range(1, 11)]
_MACS = ("ismc", "odmc", "idmc", "osmc", "insrcmac", "outdstmac", "indstmac", "outsrcmac")
_LATENCIES = ("cl", "sl", "al")


class Nfdump(FlowTable):
    """Flow records of a collector; the totals that end each output are passed over."""

    name = "nfdump"
    header_line = r"ts,te,td,\w+(?:,\w+)*$|(?:\w+,)*firstSeen,(?:\w+,)*srcAddr(?:,\w+)*$"
    no_records = (
        r"Summary$|flows,bytes,packets,avg_bps,avg_pps,avg_bpp|\d+(?:,\d+){5}$|No match(?:ing|ed) flows$"
        r"|Summary: total flows: |Time window: |Total flows processed: |Sys: "
    )
    spellings = {spelling: own for own, all_of in _SPELLINGS.items() for spelling in all_of}  # noqa: RUF012
    kept = frozenset({"flg", "flags", "fwd", "fwdstatus"})
    words = frozenset(
        {"flg", "flags", "nh", "nhb", "nextip", "bgpnextip", "eng", "tr", "eth", *_LABELS, *_MACS, "ja3", "sniname"}
    )
    rare = frozenset({*_LABELS, *_MACS[:4], *_LATENCIES})
    unset = {  # noqa: RUF012
        "*": "0", "eng": "0/0", "fl": "1", "flows": "1", **dict.fromkeys(("flg", "flags"), "........"),
        **dict.fromkeys(("nh", "nhb", "nextip", "bgpnextip"), "0.0.0.0"), **dict.fromkeys(_LABELS, "0-0-0"),  # noqa: S104
        **dict.fromkeys(_MACS, "00:00:00:00:00:00"), **dict.fromkeys(_LATENCIES, "    0.000"),
    }  # fmt: skip
