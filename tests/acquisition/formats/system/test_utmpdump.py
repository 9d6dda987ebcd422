from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, Origin, recognise
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]
STAMP = "[2024-03-05T10:11:12,123456+00:00]"
WTMP = f"""\
[2] [00000] [~~  ] [reboot  ] [~           ] [6.1.0-18-amd64      ] [0.0.0.0        ] {STAMP}
[1] [00053] [~~  ] [runlevel] [~           ] [6.1.0-18-amd64      ] [0.0.0.0        ] {STAMP}
[6] [00612] [tty1] [LOGIN   ] [tty1        ] [                    ] [0.0.0.0        ] {STAMP}
[7] [01234] [ts/0] [root    ] [pts/0       ] [client.example.org  ] [192.0.2.1      ] {STAMP}
[8] [01234] [    ] [        ] [pts/0       ] [                    ] [0.0.0.0        ] {STAMP}
[1] [00000] [~~  ] [shutdown] [~           ] [6.1.0-18-amd64      ] [0.0.0.0        ] {STAMP}
"""
BTMP = f"""\
[6] [01300] [    ] [admin   ] [ssh:notty   ] [203.0.113.9         ] [203.0.113.9    ] {STAMP}
[7] [01301] [    ] [root    ] [ssh:notty   ] [2001:db8::7         ] [2001:db8::7    ] {STAMP}
[6] [01302] [tty1] [bob     ] [tty1        ] [                    ] [0.0.0.0        ] {STAMP}
"""


def test_wtmp(events_of: Events) -> None:
    events = events_of(WTMP, "utmpdump")
    assert [(e["class_uid"], e["activity"], e["status"], e["user_name"], e["src_ip"]) for e in events] == [
        (6000, "boot", "success", None, None),
        (6000, "run-level", "unknown", None, None),
        (6000, "getty", "unknown", None, None),
        (3002, "logon", "success", "root", "192.0.2.1"),
        (3002, "logoff", "success", None, None),
        (6000, "shutdown", "unknown", None, None),
    ]
    assert {e["time"] for e in events} == {datetime(2024, 3, 5, 10, 11, 12, 123456)}
    assert json.loads(events[3]["extra"]) == {
        "type": 7, "pid": 1234, "terminal": "pts/0", "hostname": "client.example.org"
    }  # fmt: skip


def test_btmp_is_told_by_its_records(events_of: Events) -> None:
    events = events_of(BTMP, "utmpdump")
    assert [(e["activity"], e["status"], e["log_name"], e["user_name"], e["src_ip"], e["service"]) for e in events] == [
        ("logon", "failure", "btmp", "admin", "203.0.113.9", "ssh"),
        ("logon", "failure", "btmp", "root", "2001:db8::7", "ssh"),
        ("logon", "failure", "btmp", "bob", None, None),
    ]


def test_the_kind_of_file_is_kept_while_it_grows(tmp_path: Path) -> None:
    log = tmp_path / "dump"
    log.write_text(BTMP.splitlines(keepends=True)[0])
    state = read_all(log, final=False, as_format="utmpdump").state
    log.write_text(BTMP)
    again = read_all(log, [state], final=False)
    assert [e["status"] for e in again.events] == ["failure", "failure"]


def test_a_name_with_brackets_chooses_nothing(events_of: Events) -> None:
    line = f"[6] [01300] [    ] [x] [l] [h] [198.51.100.66] [t] ] [ssh:notty   ] [203.0.113.9 ] [203.0.113.9    ] {STAMP}\n"
    event = events_of(line, "utmpdump")[0]
    assert (event["src_ip"], event["user_name"], event["status"]) == (
        "203.0.113.9", "x] [l] [h] [198.51.100.66] [t]", "failure",
    )  # fmt: skip


def test_old_stamps_recognition_and_rejects(tmp_path: Path) -> None:
    log = tmp_path / "dump"
    log.write_text(WTMP.replace(STAMP, "[Thu Mar 07 22:31:49 2019 EST]") + "Utmp dump of /var/log/wtmp\n")
    result = read_all(log)
    assert (result.state.format, result.events[0]["time"]) == ("utmpdump", datetime(2019, 3, 7, 22, 31, 49))
    assert [r["reason"] for r in result.rejects] == ["not a line of utmpdump"]
    assert recognise(b"[1] [2] x\n").name == "text"


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(
        st.text(),
        st.lists(st.sampled_from(["[7] ", "[00001] ", "[] ", "[a] ", "[ssh:notty] ", STAMP, "\n"])).map("".join),
    )
)
def test_any_text_is_as_many_rows_as_lines(text: str) -> None:
    kind = FORMATS["utmpdump"]
    records = kind.framing.cut(text.encode(), 0, 1 << 20, final=True).records
    made = kind.normalise(records, {}, Origin("x", datetime(2026, 1, 1)))
    assert made.events.num_rows + made.rejects.num_rows == records.num_rows
    assert not [r for r in made.rejects["reason"].to_pylist() if "cannot be normalised" in r]
