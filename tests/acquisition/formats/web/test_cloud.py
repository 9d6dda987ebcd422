"""Access logs whose servers have one fixed layout: Traefik's common log, AWS load balancers and buckets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from soc_tui.acquisition.formats import recognise

Events = Callable[..., list[dict[str, Any]]]

# The examples of Amazon's documentation, account numbers as printed there.
ALB = (
    "https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037"
    ' 200 404 7 57 "GET https://www.example.com:443/a?b HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:x'
    ' "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" 1'
)
S3 = (
    "79a59df900b949e5 awsexamplebucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 79a59df900b949e5 3E57427F3EXAMPLE REST.GET.VERSIONING -"
    ' "GET /awsexamplebucket1?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9lzHYrFp76ZVxRcpX9 SigV4'
)
TRAEFIK = (
    '10.42.0.1 - admin [28/Apr/2024:10:20:30 +0000] "GET /x?q="1" HTTP/2.0" 404 19 "-" "evil" 1 "r" "u" 5ms" 33 "web@docker"'
    ' "http://10.0.0.2:80" 12ms'
)


@pytest.mark.parametrize(
    ("name", "line", "expected", "extra"),
    [
        ("aws-alb", ALB,
         {"time": datetime(2018, 7, 2, 22, 23, 0, 186641), "src_ip": "192.168.131.39", "src_port": 2817, "http_status": 200, "bytes_out": 7,
          "bytes_in": 57, "url_host": "www.example.com", "url_path": "/a", "url_query": "b", "user_agent": "curl/7.46.0", "product": "aws-alb"},
         {"type": "https", "target": "10.0.0.1:80", "target_status": "404",
          "more": '"Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" 1'}),
        ("aws-s3", S3,
         {"time": datetime(2019, 2, 6, 0, 0, 38), "src_ip": "192.0.2.3", "url_path": "/awsexamplebucket1", "url_query": "versioning",
          "bytes_in": 113, "user_agent": "S3Console/0.4"},
         {"bucket": "awsexamplebucket1", "operation": "REST.GET.VERSIONING", "total_ms": "7"}),
        # Traefik writes quotes raw: an agent that goes on like a record moves nothing that the server wrote.
        ("traefik-clf", TRAEFIK,
         {"time": datetime(2024, 4, 28, 10, 20, 30), "src_ip": "10.42.0.1", "user_name": "admin", "http_status": 404, "bytes_in": 19,
          "url_path": "/x", "url_query": 'q="1"', "duration": 0.012, "product": "traefik"},
         {"router": "web@docker", "server_url": "http://10.0.0.2:80"}),
    ],
)  # fmt: skip
def test_records(events_of: Events, name: str, line: str, expected: dict[str, Any], extra: dict[str, Any]) -> None:
    assert recognise(f"{line}\n".encode() * 2).name == name
    event = events_of(line + "\n", name)[0]
    assert {key: event[key] for key in expected} == expected
    assert extra.items() <= json.loads(event["extra"]).items()
