from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.formats import FORMATS, recognise
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]


def test_unknown_text_is_kept(events_of: Events) -> None:
    text = "hello\n2016-09-28 04:30:30, Info CBS\n[Sun Dec 04 04:47:44 2005] [notice] x\n[not a date] y\n"
    events = events_of(text, "text")
    assert [e["message"] for e in events] == text.splitlines()
    assert [e["time"] for e in events][1:3] == [datetime(2016, 9, 28, 4, 30, 30), datetime(2005, 12, 4, 4, 47, 44)]
    assert [e["extra"] is None for e in events] == [False, True, True, False]


@pytest.mark.parametrize(
    ("record", "time"),
    [
        ({"timestamp": 1446249499322}, datetime(2015, 10, 30, 23, 58, 19, 322000)),
        ({"ts": 1446249499}, datetime(2015, 10, 30, 23, 58, 19)),
        ({"@timestamp": "2020-01-01T00:00:00+01:00"}, datetime(2019, 12, 31, 23)),
        ({"time": "17/May/2015:10:05:03 +0000"}, datetime(2015, 5, 17, 10, 5, 3)),
    ],
)
def test_json_of_no_known_product(events_of: Events, record: dict[str, Any], time: datetime) -> None:
    event = events_of(json.dumps({**record, "msg": "m", "n": [1]}) + "\n", "json")[0]
    assert (event["time"], event["message"], json.loads(event["extra"])["n"]) == (time, "m", [1])


def test_recognition_is_by_content(shared_data: Path) -> None:
    for name, wanted in {
        "hostlogs/elastic_nginxplus_json.log.gz": "json", "hostlogs/loghub_Apache_2k.log.gz": "apache-error",
        "hostlogs/loghub_Mac_2k.log.gz": "syslog", "hostlogs/loghub_OpenStack_2k.log.gz": "python",
        "hostlogs/loghub_Windows_2k.log.gz": "text", "sensor/zat/top_domains_1k.csv": "text",
    }.items():  # fmt: skip
        result = read_all(shared_data / name)
        assert (result.state.format, result.state.records_rejected) == (wanted, 0), name


def test_recognise_survives_anything() -> None:
    for head in (
        b"",
        b"\x00" * 100,
        b"{" * 60000,
        b'{"ts":1}',
        b"[" * 60000 + b"\n",
        b"\xff\xfe\n",
        b"#separator \\x09\n",
    ):
        assert recognise(head).name in FORMATS
