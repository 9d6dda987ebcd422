"""AWS VPC flow logs, versions 2 to 5 and later custom formats, from S3 or exported from CloudWatch.

Source: Amazon VPC User Guide, *Flow log records*.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from soc_tui.acquisition.formats.flows.table import FlowTable

_DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
_NAME = rf"(?:{_DEFAULT.replace(' ', '|')}|type|region|[a-z]+(?:-[a-z]+)+)"
_LINE = re.compile(
    r"(?:\d{4}-\d\d-\d\dT\S+ )?\d{1,2} (?:\d{12}|unknown) eni-\w+"
    r" (?:[\da-fA-F.:]+ [\da-fA-F.:]+ \d+ \d+ \d+ \d+ \d+|(?:- ){6}-)"
    r" \d+ \d+ (?:ACCEPT|REJECT|-) (?:OK|NODATA|SKIPDATA)$"
)


class AwsVpc(FlowTable):
    """Records of the default format, or of the custom format that the header line names."""

    name = "aws-vpc"
    separator = " "
    header_line = rf"(?:{_NAME} )*(?:account-id|interface-id|log-status|(?:pkt-)?(?:src|dst)addr)(?: {_NAME})+$"
    spellings = {  # noqa: RUF012
        "srcaddr": "src_ip", "dstaddr": "dst_ip", "srcport": "src_port", "dstport": "dst_port", "protocol": "protocol",
        "packets": "packets_out", "bytes": "bytes_out", "start": "began", "end": "ended", "action": "verdict",
        "log-status": "log_status", "tcp-flags": "flags", "instance-id": "instance", "interface-id": "interface",
    }  # fmt: skip
    kept = frozenset({"action", "tcp-flags", "log-status"})
    words = frozenset({
        "action", "log-status", "account-id", "vpc-id", "subnet-id", "type", "pkt-srcaddr", "pkt-dstaddr", "region",
        "az-id",
        "sublocation-type", "sublocation-id", "pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction",
        "reject-reason", "ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn",
        "ecs-container-instance-id", "ecs-container-id", "ecs-second-container-id", "ecs-service-name",
        "ecs-task-definition-arn", "ecs-task-arn", "ecs-task-id", "resource-id", "encryption-status",
    })  # fmt: skip
    unset = {"*": "-", "log-status": "OK"}  # noqa: RUF012
    before = r"(?:\d{4}-\d\d-\d\dT\S+ )?"
    split = (
        "string_split(CASE WHEN line[11] = 'T' AND line[5] = '-' THEN substr(line, instr(line, ' ') + 1)"
        " ELSE line END, ' ')"
    )
    default = tuple(_DEFAULT.split())

    def confidence(self, lines: Sequence[str]) -> float:
        """Certain by a header; else the share of the first lines that have the default format."""
        head = lines[:50]
        share = sum(bool(_LINE.match(line[:2048])) for line in head) / max(len(head), 1)
        return max(super().confidence(lines), 0.98 * share)
