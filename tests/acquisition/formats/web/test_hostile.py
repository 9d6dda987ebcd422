"""Whatever the text: rows out = rows in, `extra` is JSON, and no address is text that a client wrote."""

from __future__ import annotations

import ipaddress
import json
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import Format, Origin, formats_for
from soc_tui.acquisition.formats.web import FORMATS
from soc_tui.core.schema import LINES
from soc_tui.core.settings import AcquisitionSettings
from tests.acquisition.formats.web.test_cloud import ALB, S3, TRAEFIK
from tests.acquisition.formats.web.test_haproxy import BAD, CLF, HTTP, HTTPS, QUOTED, TCP
from tests.acquisition.formats.web.test_w3c import FIELDS, LINE

CUSTOM = formats_for(
    AcquisitionSettings(
        access_formats={
            "apache": '%v %h %l %u %t "%r" %>s %b "%{Referer}i" %D',
            "nginx": "escape=json {\"ip\":\"$remote_addr\",\"r\":\"$request\",\"s\":$status,\"t\":\"$time_local\",\"q\":\"it's\"}",
            "odd": "%{%e/%b/%Y %T}t|%m %U%q|%u|%{sec}t",
        }
    )
)  # fmt: skip
ALL = [*FORMATS, *(CUSTOM[name] for name in ("apache", "nginx", "odd"))]
RECORDS = [
    ALB, S3, TRAEFIK, BAD, CLF, HTTP, HTTPS, QUOTED, TCP, FIELDS, LINE.strip(),
    'x 192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 5 "-" 7', '{"ip":"192.0.2.1","r":"GET \\\\" x","s":,"t":"","q":"it\'s"}',
    '{"ts":1,"request":{"remote_ip":"::1","method":"GET","uri":"/"},"status":1e99}', '{"remote_addr":"1.1.1.1","status":[1],"request":{"a":1}}',
    '{"ClientAddr":"[::1]:1","Duration":1e400,"RequestMethod":"\\\\u0000","StartUTC":"9999999-01-01"}', " 1/Oct/2000 00:00:00|GET /a?b|c|1",
]  # fmt: skip
BITS = [
    '"',
    "\\",
    " ",
    "[",
    "]",
    "{",
    "}",
    "-",
    "/",
    "'",
    "$1",
    "\x00",
    "\u202e",
    "\ufffd",
    "9" * 30,
    "[31/Feb/2000:99:99:99 +9999]",
    "\t",
    "#",
    "\r",
    "::",
    "\\u00",
]


def broken(record: str) -> st.SearchStrategy[str]:
    """A record with a piece cut out and something else put in."""
    return st.tuples(st.integers(0, len(record)), st.integers(0, 40), st.lists(st.sampled_from(BITS), max_size=3)).map(
        lambda cut: record[: cut[0]] + "".join(cut[2]) + record[cut[0] + cut[1] :]
    )


TEXT = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=80)
LINES_OF = st.lists(st.one_of(st.sampled_from(RECORDS).flatmap(broken), TEXT), min_size=1, max_size=40)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
@settings(max_examples=15, deadline=None)
@given(texts=LINES_OF, zone=st.sampled_from(["UTC", "Europe/Berlin"]))
def test_any_text(one: Format, texts: list[str], zone: str) -> None:
    texts = [text for text in texts if text]
    count = len([text for text in texts if one.name != "iis" or not text.startswith("#")])
    offsets, lengths = pa.array(range(len(texts)), pa.int64()), pa.array([1] * len(texts), pa.int32())
    lines = pa.table([offsets, lengths, pa.array(texts, pa.large_string())], schema=LINES)
    assert 0 <= one.confidence(texts) <= 1
    made = one.normalise(lines, {}, Origin("/x", datetime(2026, 1, 1), zone))
    rows = made.events.to_pylist()
    assert len(rows) + made.rejects.num_rows == count
    assert all("cannot be normalised" not in reason for reason in made.rejects["reason"].to_pylist())
    for row in rows:
        assert all(row[column] for column in ("time", "activity", "product", "log_name"))
        assert row["class_uid"] in {4001, 4002, 6000}
        assert row["status"] in {"success", "failure", "unknown"}
        assert row["severity"] in {"info", "low", "medium", "high"}
        assert row["extra"] is None or isinstance(json.loads(row["extra"]), dict)
        for address in (row["src_ip"], row["dst_ip"]):
            assert address is None or ipaddress.ip_address(address)
