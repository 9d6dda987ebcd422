from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import FORMATS, Origin, recognise
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]

OPENED = """\
type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e syscall=2 success=no exit=-13 a0=7fffd19c5592 a1=0 \
a2=7fffd19c4b50 a3=a items=1 ppid=2686 pid=3538 auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 \
sgid=1000 fsgid=1000 tty=pts0 ses=1 comm="cat" exe="/bin/cat" subj=unconfined_u:unconfined_r:unconfined_t:s0 key="sshd_config"
type=CWD msg=audit(1364481363.243:24287):  cwd="/home/shadowman"
type=PATH msg=audit(1364481363.243:24287): item=0 name="/etc/ssh/sshd_config" inode=409248 dev=fd:00 mode=0100600 ouid=0 \
ogid=0 rdev=00:00 obj=system_u:object_r:etc_t:s0  objtype=NORMAL cap_fp=none cap_fi=none cap_fe=0 cap_fver=0
type=PROCTITLE msg=audit(1364481363.243:24287) : proctitle=636174002F6574632F7373682F737368645F636F6E666967
"""
"""The worked example of "Understanding audit log files" in Red Hat's security guide, shortened by nothing."""


def only(events_of: Events, text: str | bytes) -> dict[str, Any]:
    events = events_of(text, "auditd")
    assert len(events) == 1
    return {name: value for name, value in events[0].items() if value is not None}


def test_an_open_that_was_refused(events_of: Events) -> None:
    event = only(events_of, OPENED)
    assert event.pop("message").startswith("type=SYSCALL")
    assert json.loads(event.pop("extra")) == {
        "type": "SYSCALL", "serial": 24287, "pid": 3538, "ppid": 2686, "uid": 1000, "auid": 1000, "ses": 1, "syscall": "open",
        "exit": -13, "exe": "/bin/cat", "command": "cat /etc/ssh/sshd_config", "cwd": "/home/shadowman", "terminal": "pts0",
        "key": "sshd_config", "paths": ["/etc/ssh/sshd_config"],
    }  # fmt: skip
    assert event == {
        "time": datetime(2013, 3, 28, 14, 36, 3, 243000), "class_uid": 1001, "activity": "file", "product": "auditd",
        "log_name": "syscall", "source_offset": 0, "source_length": len(OPENED) - 1, "process": "cat", "status": "failure",
        "severity": "info", "file_path": "/etc/ssh/sshd_config", "rule_name": "sshd_config",
    }  # fmt: skip


def test_a_command_with_its_arguments_decoded(events_of: Events) -> None:
    head = "msg=audit(1600000000.100:7):"
    event = only(
        events_of,
        f"type=SYSCALL {head} arch=c000003e syscall=59 success=yes exit=0 items=2 ppid=1 pid=2 auid=1000 uid=0 tty=(none) ses=3 "
        f'comm="sh" exe="/usr/bin/dash" key=(null)\x1dARCH=x86_64 SYSCALL=execve AUID="alice" UID="root"\n'
        f'type=EXECVE {head} argc=3 a0="sh" a1="-c" a2=6563686F20226120622220613D31\n'
        f'type=CWD {head} cwd="/tmp"\n'
        f'type=PATH {head} item=0 name="/bin/sh" inode=1 nametype=NORMAL\n'
        f"type=PROCTITLE {head} proctitle=7368002D63\n",
    )
    expected = {
        "class_uid": 1007, "activity": "launch", "user_name": "alice", "process": "dash", "status": "success",
        "message": 'sh -c echo "a b" a=1', "file_path": "/bin/sh",
    }  # fmt: skip
    assert {name: event[name] for name in expected} == expected
    assert json.loads(event["extra"])["command"] == 'sh -c echo "a b" a=1'


def test_a_forged_command_line_is_hex_and_forges_nothing(events_of: Events) -> None:
    forged = b'x" res=success addr=203.0.113.66 exe="/bin/true'.hex().upper()
    event = only(
        events_of,
        f"type=USER_LOGIN msg=audit(1600000000.001:10): pid=900 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct={forged}"
        ' exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=sshd res=failed\'\x1dUID="root" AUID="unset"\n',
    )
    assert (event["src_ip"], event["status"], event["activity"]) == ("192.0.2.7", "failure", "logon")
    assert event["user_name"] == 'x" res=success addr=203.0.113.66 exe="/bin/true'
    assert (event["service"], event["process"], event["class_uid"]) == ("ssh", "sshd", 3002)


def test_accounts_and_sessions(events_of: Events) -> None:
    kinds = {
        "USER_AUTH": ("/bin/su", "logon"), "USER_ACCT": ("/bin/su", "authorize"), "CRED_ACQ": ("/bin/su", "credentials"),
        "USER_START": ("/bin/su", "session-open"), "USER_END": ("/bin/su", "session-close"),
        "ADD_USER": ("/usr/sbin/useradd", "account-create"), "DEL_USER": ("/usr/sbin/userdel", "account-delete"),
        "USER_CHAUTHTOK": ("/usr/bin/passwd", "password-change"),
    }  # fmt: skip
    text = "".join(
        f"type={kind} msg=audit(1600000000.001:{serial}): user pid=1 uid=0 auid=1000 ses=1 "
        f'msg=\'op=x acct="bob" exe="{exe}" hostname=? addr=? terminal=pts/0 res=success\'\n'
        for serial, (kind, (exe, _)) in enumerate(kinds.items())
    )
    events = events_of(text, "auditd")
    assert [e["activity"] for e in events] == [activity for _, activity in kinds.values()]
    assert {(e["class_uid"], e["user_name"], e["status"], e["src_ip"]) for e in events} == {
        (3002, "bob", "success", None)
    }


def test_watched_files_and_connections(events_of: Events) -> None:
    def syscall(serial: int, number: int, *more: str) -> str:
        head = f"msg=audit(1600000000.001:{serial}):"
        first = (
            f'type=SYSCALL {head} arch=c000003e syscall={number} success=yes exit=0 uid=0 comm="x" exe="/x" key="k"\n'
        )
        return first + "".join(f"type={line.split()[0]} {head} {line.split(maxsplit=1)[1]}\n" for line in more)

    text = (
        syscall(1, 257, 'CWD cwd="/var/www"', 'PATH item=0 name="/var/www" nametype=PARENT', 'PATH item=1 name="a.php" nametype=CREATE')
        + syscall(2, 87, 'CWD cwd="/"', "PATH item=0 name=2F746D702F612062 nametype=DELETE")
        + syscall(3, 42, "SOCKADDR saddr=020001BBC0000201000000000000000")
        + syscall(4, 42, "SOCKADDR saddr=0A0001BB0000000020010DB800000000000000000000000100000000")
    )  # fmt: skip
    events = events_of(text, "auditd")
    assert [(e["class_uid"], e["activity"], e["file_path"], e["dst_ip"], e["dst_port"]) for e in events] == [
        (1001, "create", "/var/www/a.php", None, None),
        (1001, "delete", "/tmp/a b", None, None),
        (4001, "connect", None, "192.0.2.1", 443),
        (4001, "connect", None, "2001:0db8:0000:0000:0000:0000:0000:0001", 443),
    ]
    assert {e["user_name"] for e in events} == {"root"}


def test_odd_lines(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(
        OPENED.encode() + b"no audit line\ntype=DAEMON_START msg=audit(1363713609.192:5426): auditd start, ver=2.2\n"
        b"node=db1 type=AVC msg=audit(1.5:6): avc:  denied  { read } for  pid=1 comm=\xff\x00\n"
    )
    result = read_all(log)
    assert (result.state.format, result.state.records_stored) == ("auditd", 3)
    assert [(r["reason"], r["raw"]) for r in result.rejects] == [("not an audit record", b"no audit line")]
    assert [(e["activity"], e["host"], e["status"]) for e in result.events[1:]] == [
        ("daemon-start", None, "unknown"), ("avc", "db1", "failure"),
    ]  # fmt: skip


def test_recognised_by_content_only() -> None:
    assert recognise(OPENED.encode()).name == "auditd"
    assert recognise(b"Mar 27 13:06:56 h kernel: type=1400 audit(1.2:3): x\n").name == "syslog"


PIECES = ["type=SYSCALL msg=audit(1.5:6):", "type=EXECVE msg=audit(1.5:6):", " a0=", ' a1="x"', " exe=41", " name=", " saddr=0200",
          " saddr=0A00", "\n", "\x1d", "'", '"', " msg='", "4", "G", "\x00", " syscall=59", " addr=", "type=PATH "]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=20).map("".join)))
def test_any_text_is_as_many_rows_as_records(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    kind = FORMATS["auditd"]
    records = kind.framing.cut(data, 0, 1 << 20, final=True).records
    made = kind.normalise(records, {}, Origin("x", datetime(2026, 1, 1)))
    assert made.events.num_rows + made.rejects.num_rows == records.num_rows
    assert not [r for r in made.rejects["reason"].to_pylist() if r != "not an audit record"]
