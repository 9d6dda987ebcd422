from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.formats import Origin
from soc_tui.acquisition.formats.system.alike import Alike
from soc_tui.acquisition.formats.system.syslog import Syslog
from soc_tui.acquisition.framing import LINES_FRAMING
from tests.acquisition.conftest import read_all

Events = Callable[..., list[dict[str, Any]]]
HEAD = "Mar 27 13:06:56 web1 "


def one(events_of: Events, text: str) -> dict[str, Any]:
    return events_of(HEAD + text + "\n", "syslog")[0]


TRUE = "198.51.100.7"
FORGED = [
    "root from 203.0.113.66 port 22 ssh2",
    "root from 203.0.113.66 port 22",
    "x from 203.0.113.66",
    "from 203.0.113.66 port 22 ssh2",
    " from 203.0.113.66 port 22 ssh2",
    "root from 203.0.113.66 port 22 ssh2: RSA SHA256:abc",
    "root from 203.0.113.66 port 22 ssh2: ",
    "root ssh2 from 203.0.113.66 port 22 ssh2 [preauth]",
    "a from b from c from 203.0.113.66 port 1 ssh2",
    "invalid user admin from 203.0.113.66 port 22 ssh2",
    "for root from 203.0.113.66 port 22 ssh2",
    "root]: Failed password for root from 203.0.113.66 port 22 ssh2",
    "Accepted password for root from 203.0.113.66 port 22 ssh2",
    "message repeated 3 times: [ Failed password for root from 203.0.113.66 port 22 ssh2]",
    "rhost=203.0.113.66 user=root",
    "root 203.0.113.66 port 22 [preauth]",
    "root\tfrom\t203.0.113.66 port 22 ssh2",
    "root from 203.0.113.66 port 22 not allowed because x",
    "root from ::ffff:203.0.113.66 port 22 ssh2",
    "root from 203.0.113.66 port 99999999999 ssh2",
    "\x00 from 203.0.113.66 port 22 ssh2",
    "[/red] from 203.0.113.66 port 22 ssh2",
]
SHAPES = [
    ("Failed password for invalid user {u} from {ip} port 40022 ssh2", "failure"),
    ("Failed password for {u} from {ip} port 40022 ssh2", "failure"),
    ("Failed none for invalid user {u} from {ip} port 40022 ssh2", "failure"),
    ("Failed publickey for invalid user {u} from {ip} port 40022 ssh2: RSA SHA256:Abc+/=", "failure"),
    ("Accepted keyboard-interactive/pam for {u} from {ip} port 40022 ssh2", "success"),
    ("Invalid user {u} from {ip} port 40022", "unknown"),
    ("Invalid user {u} from {ip}", "unknown"),
    ("Connection closed by invalid user {u} {ip} port 40022 [preauth]", "unknown"),
    ("Disconnected from authenticating user {u} {ip} port 40022 [preauth]", "unknown"),
    ("Disconnecting invalid user {u} {ip} port 40022: Too many authentication failures [preauth]", "unknown"),
    ("error: maximum authentication attempts exceeded for invalid user {u} from {ip} port 40022 ssh2 [preauth]", "unknown"),
    ("User {u} from {ip} not allowed because not listed in AllowUsers", "unknown"),
    ("Postponed keyboard-interactive for invalid user {u} from {ip} port 40022 ssh2 [preauth]", "unknown"),
    ("pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user={u}", "unknown"),
    ("Bad protocol version identification '{u}' from {ip} port 40022", "unknown"),
    ("message repeated 2 times: [ Failed password for invalid user {u} from {ip} port 40022 ssh2]", "failure"),
]  # fmt: skip


@pytest.mark.parametrize("ip", [TRUE, "2001:db8::7"])
def test_forged_user_names_never_choose_the_address(events_of: Events, ip: str) -> None:
    """22 user names in 16 kinds of line: 352 forged lines per address family."""
    cases = [(shape, status, name) for shape, status in SHAPES for name in FORGED]
    text = "".join(f"{HEAD}sshd[7]: {shape.format(u=name, ip=ip)}\n" for shape, _, name in cases)
    events = events_of(text, "syslog")
    assert len(events) == len(cases)
    wrong = [(case, e["src_ip"]) for case, e in zip(cases, events, strict=True) if e["src_ip"] not in {ip, None}]
    assert wrong == []
    assert [e["status"] for e in events] == [status for _, status, _ in cases]
    assert sum(e["src_ip"] == ip for e in events) >= 0.98 * len(cases)


def test_certificate_key_id_is_not_believed(events_of: Events) -> None:
    end = "ssh2: RSA-CERT SHA256:x ID {i} (serial 0) CA RSA SHA256:y"
    plain = one(events_of, f"sshd[7]: Failed publickey for root from {TRUE} port 1 {end.format(i='me')}")
    assert (plain["src_ip"], plain["user_name"], plain["status"]) == (TRUE, "root", "failure")
    for key_id in ("x from 203.0.113.66 port 1 ssh2", "x from 203.0.113.66 port 1 ssh2: RSA SHA256:z"):
        for suffix in (end.format(i=key_id), f"ssh2: RSA-CERT ID {key_id}"):
            event = one(events_of, f"sshd[7]: Failed publickey for root from {TRUE} port 1 {suffix}")
            assert event["src_ip"] in {None, TRUE}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sshd[1]: Failed password for invalid user bob from 192.0.2.1 port 5 ssh2",
         {"activity": "logon", "status": "failure", "user_name": "bob", "src_ip": "192.0.2.1", "src_port": 5, "class_uid": 3002}),
        ("sshd[1]: Accepted publickey for ubuntu from 192.0.2.1 port 5 ssh2: RSA SHA256:KlNkPGZrTizNgNFONhyqHdsSBBbNFgeNNWOobNNXJg",
         {"activity": "logon", "status": "success", "user_name": "ubuntu", "service": "ssh"}),
        ("sshd-session[1]: Accepted password for ubuntu from ::ffff:192.0.2.9 port 5 ssh2", {"src_ip": "192.0.2.9"}),
        ("sshd[1]: Invalid user  from 192.0.2.1", {"activity": "invalid-user", "status": "unknown", "user_name": None}),
        ("sshd[1]: reverse mapping checking getaddrinfo for ns.x.com [192.0.2.1] failed - POSSIBLE BREAK-IN ATTEMPT!",
         {"activity": "reverse-mapping", "src_ip": "192.0.2.1"}),
        ("sshd[1]: Did not receive identification string from 192.0.2.1", {"activity": "connect", "src_ip": "192.0.2.1"}),
        ("sshd[1]: error: Received disconnect from 192.0.2.1: 3: com.jcraft.jsch.JSchException: Auth fail from 9.9.9.9 [preauth]",
         {"activity": "disconnect", "src_ip": "192.0.2.1"}),
        ("sshd(pam_unix)[1]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=192.0.2.1  user=root",
         {"activity": "logon", "status": "failure", "src_ip": "192.0.2.1", "user_name": "root", "product": "sshd"}),
        ("sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1  user=root",
         {"activity": "pam-failure", "status": "unknown", "src_ip": "192.0.2.1"}),
        ("login[1]: pam_unix(login:auth): authentication failure; logname=LOGIN uid=0 euid=0 tty=/dev/tty1 ruser= rhost=  user=bob",
         {"activity": "logon", "status": "failure", "src_ip": None, "user_name": "bob"}),
        ("su(pam_unix)[1]: session opened for user news by (uid=0)", {"activity": "session-open", "user_name": "news"}),
        ("su: pam_unix(su:session): session opened for user root(uid=0) by ubuntu(uid=1000)", {"user_name": "root"}),
        ("su[1]: FAILED su for root by mallory", {"activity": "su", "status": "failure", "user_name": "mallory"}),
        ("su[1]: BAD SU ger to fwmaster on /dev/ttyp0", {"activity": "su", "status": "failure", "user_name": "ger"}),
        ("sudo:   ubuntu : TTY=pts/0 ; PWD=/home/ubuntu ; USER=root ; COMMAND=/bin/su",
         {"activity": "sudo", "status": "success", "user_name": "ubuntu", "class_uid": 1007}),
        ("sudo: mallory : user NOT in sudoers ; TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/bin/sh",
         {"activity": "sudo", "status": "failure", "user_name": "mallory", "class_uid": 3002}),
        ("useradd[1]: new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/bash",
         {"activity": "account-create", "user_name": "eve", "status": "success"}),
        ("kernel: [1.0] eth0: link up", {"activity": "log", "class_uid": 6000, "product": "kernel"}),
        ("last message repeated 3 times", {"activity": "log", "message": "last message repeated 3 times"}),
    ],
)  # fmt: skip
def test_meaning(events_of: Events, text: str, expected: dict[str, Any]) -> None:
    event = one(events_of, text)
    assert {key: event[key] for key in expected} == expected


def test_extra_says_the_rest(events_of: Events) -> None:
    event = one(events_of, "sshd[9]: message repeated 5 times: [ Failed password for root from 192.0.2.1 port 5 ssh2]")
    assert json.loads(event["extra"]) == {"pid": 9, "method": "password", "repeat": 5}
    event = one(
        events_of, "sudo: bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/bin/sh -c x"
    )
    assert json.loads(event["extra"]) == {
        "repeat": 3, "target_user": "root", "complaint": "3 incorrect password attempts", "tty": "pts/0", "cwd": "/tmp",
        "command": "/bin/sh -c x",
    }  # fmt: skip


def test_rfc5424_and_iso_stamps(events_of: Events) -> None:
    text = (
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed for lonvick on /dev/pts/8\n"
        '<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - [ex@1 iut="3" a="x\\"]y"][b c="d"] It\'s time\n'
        "2013-10-30T14:51:24.140565+01:00 srv sshd[12664]: Failed password for root from 192.0.2.1 port 5 ssh2\n"
        "2020-03-23 06:47:42.801612-0700  localhost sshd[3186]: Invalid user bad from 192.0.2.2\n"
        "<38>Mar  7 01:02:03 web1 sshd[1]: Server listening on :: port 22.\n"
    )
    events = events_of(text, "syslog")
    assert [e["time"] for e in events] == [
        datetime(2003, 10, 11, 22, 14, 15, 3000), datetime(2003, 8, 24, 12, 14, 15, 3),
        datetime(2013, 10, 30, 13, 51, 24, 140565), datetime(2020, 3, 23, 13, 47, 42, 801612),
        events[4]["time"],
    ]  # fmt: skip
    assert [e["host"] for e in events] == ["mymachine.example.com", "192.0.2.1", "srv", "localhost", "web1"]
    assert [e["product"] for e in events] == ["su", "myproc", "sshd", "sshd", "sshd"]
    assert events[1]["message"] == "It's time"
    assert json.loads(events[1]["extra"])["structured_data"] == '[ex@1 iut="3" a="x\\"]y"][b c="d"]'
    assert [e["severity"] for e in events[:2]] == ["critical", "info"]
    assert events[2]["status"] == "failure"


def test_year_is_the_latest_that_is_not_in_the_future(tmp_path: Path) -> None:
    import os

    log = tmp_path / "messages"
    log.write_text(
        "".join(f"{day} 10:00:00 h a: b\n" for day in ("Nov 30", "Dec 31", "Jan  1", "Jan  9", "Jan 20", "Feb 29"))
    )
    os.utime(log, (0, datetime(2026, 1, 10).timestamp()))
    years = [e["time"].year for e in read_all(log).events]
    assert years == [2025, 2025, 2026, 2026, 2025, 2024]


def test_forged_line_break_cannot_make_a_second_record(events_of: Events) -> None:
    event = one(
        events_of, "sshd[1]: Failed password for a\\nMar 27 13:06:56 web1 sshd[1]: Accepted from 192.0.2.1 port 5 ssh2"
    )
    assert (event["status"], event["src_ip"]) == ("failure", "192.0.2.1")


def test_other_lines_in_a_syslog_are_rejected_with_reason(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(f"{HEAD}a: b\nnot syslog\n{HEAD.replace('Mar 27', 'Feb 31')}a: b\n")
    result = read_all(log, as_format="syslog")
    assert [r["reason"] for r in result.rejects] == ["not a syslog line", "no such date"]
    assert result.rejects[0]["raw"] == b"not syslog"


def test_elastic_auth_log_exactly(shared_data: Path) -> None:
    result = read_all(shared_data / "hostlogs/elastic_auth.log.gz")
    assert (result.state.format, result.state.records_stored, result.state.records_rejected) == ("syslog", 7121, 0)
    seen = Counter(
        (e["activity"], e["status"]) for e in result.events if e["product"] == "sshd" and e["class_uid"] == 3002
    )
    assert seen["logon", "failure"] == 717  # grep -c 'Failed ' of the file
    assert seen["logon", "success"] == 226  # grep -c 'Accepted '
    assert seen["invalid-user", "unknown"] == 331 + 178 + 178  # check pass; Invalid user; input_userauth_request


@pytest.mark.parametrize(("name", "failures"), [("OpenSSH", 524), ("Linux", 490)])  # grep -c
def test_loghub(shared_data: Path, name: str, failures: int) -> None:
    result = read_all(shared_data / f"hostlogs/loghub_{name}_2k.log.gz")
    assert (result.state.records_stored, result.state.records_rejected) == (2000, 0)
    assert sum(e["activity"] == "logon" and e["status"] == "failure" for e in result.events) == failures


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CRON[71]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
         {"class_uid": 1007, "activity": "launch", "user_name": "root", "status": "success", "log_name": "cron",
          "extra": '{"pid":71,"command":"cd / && run-parts --report /etc/cron.hourly"}'}),
        ("crond[71]: USER bob pid 812 cmd /bin/true", {"class_uid": 1007, "user_name": "bob", "extra": '{"pid":71,"command":"/bin/true"}'}),
        ("crontab[9]: (bob) REPLACE (root)", {"class_uid": 6000, "activity": "crontab-change", "user_name": "bob", "extra": '{"pid":9,"target_user":"root"}'}),
        ("systemd[1]: Started OpenBSD Secure Shell server.", {"activity": "start", "status": "success", "extra": '{"pid":1,"unit":"OpenBSD Secure Shell server"}'}),
        ("systemd[1]: Started ssh.service - OpenBSD Secure Shell server.", {"activity": "start", "extra": '{"pid":1,"unit":"ssh.service"}'}),
        ("systemd[1]: nginx.service: Failed with result 'exit-code'.", {"activity": "fail", "status": "failure", "extra": '{"pid":1,"unit":"nginx.service"}'}),
        ("systemd[1]: Failed to start nginx.service - A web server.", {"activity": "fail", "status": "failure", "extra": '{"pid":1,"unit":"nginx.service"}'}),
        ("kernel: [58.3] [UFW BLOCK] IN=eth0 OUT= MAC=00:11:22 SRC=198.51.100.7 DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=249 "
         "ID=1 PROTO=TCP SPT=40000 DPT=22 WINDOW=1024 RES=0x00 SYN URGP=0",
         {"class_uid": 4001, "activity": "traffic", "log_name": "firewall", "status": "failure", "src_ip": "198.51.100.7", "src_port": 40000,
          "dst_ip": "192.0.2.1", "dst_port": 22, "protocol": "tcp", "rule_name": "[UFW BLOCK]", "extra": '{"in":"eth0","mac":"00:11:22","length":40}'}),
        ("kernel: accepted: IN=br0 OUT=eth1 SRC=2001:db8::1 DST=2001:db8::2 LEN=104 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 TYPE=128 CODE=0",
         {"class_uid": 4001, "status": "success", "src_ip": "2001:db8::1", "dst_ip": "2001:db8::2", "protocol": "icmpv6", "dst_port": None}),
        ("mallory[1]: [UFW BLOCK] IN=eth0 OUT= SRC=198.51.100.7 DST=192.0.2.1 LEN=40 PROTO=TCP SPT=1 DPT=2 ", {"class_uid": 6000, "src_ip": None}),
        ("dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<a>, rip=203.0.113.66, lip=1.1.1.1, x>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, TLS, session=<x>",
         {"class_uid": 3002, "activity": "logon", "status": "failure", "src_ip": "192.0.2.1", "service": "imap"}),
        ("dovecot: pop3-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, mpid=5", {"status": "success", "user_name": "bob", "service": "pop3"}),
        ("postfix/smtpd[3]: warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=bob@example.org",
         {"activity": "logon", "status": "failure", "src_ip": "192.0.2.1", "user_name": "bob@example.org", "service": "smtp"}),
        ('vsftpd[2]: [a] FAIL LOGIN: Client "203.0.113.66"] FAIL LOGIN: Client "192.0.2.1"', {"status": "failure", "src_ip": "192.0.2.1", "service": "ftp"}),
        ('vsftpd[2]: [ftp] OK LOGIN: Client "192.0.2.1", anon password "] FAIL LOGIN: Client "203.0.113.66""', {"src_ip": "192.0.2.1", "user_name": "ftp"}),
        ("proftpd[2]: ftp1 (c.example[192.0.2.1]) - USER x (203.0.113.66[203.0.113.66]) - USER y (Login failed): Incorrect password.",
         {"status": "failure", "src_ip": "192.0.2.1"}),
        ("pure-ftpd: (?@192.0.2.1) [WARNING] Authentication failed for user [bob]", {"status": "failure", "src_ip": "192.0.2.1", "user_name": "bob"}),
        ("sshd[1]: Received disconnect from 2001:0:53aa::7 port 5:11: bye", {"src_ip": "2001:0:53aa::7", "src_port": 5}),
    ],
)  # fmt: skip
def test_other_daemons(events_of: Events, text: str, expected: dict[str, Any]) -> None:
    event = one(events_of, text)
    assert {key: event[key] for key in expected} == expected


def test_times_in_the_zone_of_the_file() -> None:
    def years(zone: str, modified: datetime, *stamps: str) -> list[Any]:
        data = "".join(f"{stamp} h a: b\n" for stamp in stamps).encode()
        records = LINES_FRAMING.cut(data, 0, 1000, final=True).records
        return Syslog().normalise(records, {}, Origin("x", modified, zone)).events["time"].to_pylist()

    written = datetime(2025, 12, 31, 23, 30)  # it is already 2026 in Tokyo
    assert years("Asia/Tokyo", written, "Jan  1 08:00:00", "Dec 31 23:00:00", "Jan  3 09:00:00") == [
        datetime(2025, 12, 31, 23), datetime(2025, 12, 31, 14), datetime(2025, 1, 3, 0),
    ]  # fmt: skip
    assert years("America/New_York", datetime(2025, 3, 1), "Feb 29 12:00:00", "Mar  1 12:00:00") == [
        datetime(2024, 2, 29, 17), datetime(2025, 3, 1, 17),
    ]  # fmt: skip
    assert years("Asia/Tokyo", written, "2025-06-01T09:00:00+02:00", "2025-06-01T09:00:00", "Jun  1 2025 09:00:00") == [
        datetime(2025, 6, 1, 7), datetime(2025, 6, 1, 0), datetime(2025, 6, 1, 0),
    ]  # fmt: skip


def test_octet_counts_nil_values_and_byte_order_marks(events_of: Events) -> None:
    text = "71 <34>1 2003-10-11T22:14:15.003Z h su - - - \ufeffx\n<34>1 - - - - - -\n"
    counted, nil = events_of(text, "syslog")
    assert (counted["host"], counted["process"], counted["message"]) == ("h", "su", "x")
    assert (nil["host"], nil["process"], nil["product"]) == (None, None, "syslog")
    assert json.loads(nil["extra"]) == {"facility": 4, "time_source": "file"}


_WORDS = st.one_of(
    st.sampled_from([*FORGED, "bob", "", "invalid user x", "a b", "[preauth]", "\t", "\ufeff", "x" * 300, "error: "]),
    st.text(max_size=12),
)
_HEADS = st.sampled_from(
    [HEAD, "Feb 29 01:02:03 h ", "Feb 30 01:02:03 h ", "2024-03-05T10:11:12+01:00 h ", "<13>Mar  7 01:02:03 h ", "<13>1 - h ",
     "Mar 27 2024 13:06:56 h ", "Mar  7 24:00:00 h ", "Xyz 07 01:02:03  h ", "2024-03-05 10:11:12 h.x-y ", "Mar 27 13:06:56 h:1 "]
)  # fmt: skip
_TAGS = st.sampled_from(
    [
        "sshd[7]: ",
        "sshd: ",
        "/usr/sbin/sshd[7]: ",
        "sshd(pam_unix)[7]: ",
        "sudo: ",
        "su[1]: ",
        "CRON[1]: ",
        "kernel: ",
        "",
    ]
)
_SAID = st.sampled_from([shape for shape, _ in SHAPES] + [
    "{u}", "pam_unix(sshd:session): session opened for user {u} by (uid=0)", "pam_unix(sshd:session): session opened for user {u}(uid=0) by {u}(uid=0)",
    "pam_unix(sshd:session): session closed for user {u}", "input_userauth_request: invalid user {u} [preauth]", "Received disconnect from {ip} port 1:11: {u}",
    "Connection closed by {ip} port 5 [preauth]", "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user={u}",
    "(root) CMD ({u})", "{u} : TTY=x ; PWD=/ ; USER=root ; COMMAND={u}", "maximum authentication attempts exceeded for {u} from {ip} port 5 ssh2 [preauth]",
])  # fmt: skip
_LINE = st.builds(
    lambda head, tag, said, user, ip: head + tag + said.replace("{u}", user).replace("{ip}", ip),
    _HEADS, _TAGS, _SAID, _WORDS, st.sampled_from([TRUE, "2001:db8::7", "host.example", "UNKNOWN"]),
)  # fmt: skip


@settings(max_examples=15, deadline=None)  # planning the query is most of the time, so an example has many lines
@given(st.lists(st.one_of(_LINE, st.text(max_size=60)), min_size=40, max_size=120))
def test_the_fast_reading_is_the_reference(lines: list[str]) -> None:
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    records = LINES_FRAMING.cut(data, 0, 1 << 20, final=True).records
    origin = Origin("x", datetime(2026, 1, 10), "Europe/Berlin")
    fast, full = Syslog().normalise(records, {}, origin), Syslog(fast=False).normalise(records, {}, origin)
    assert fast.events.to_pylist() == full.events.to_pylist()
    assert fast.rejects.to_pylist() == full.rejects.to_pylist()
    assert fast.events.num_rows + fast.rejects.num_rows == records.num_rows
    assert not [r for r in fast.rejects["reason"].to_pylist() if "cannot be normalised" in r]


_ORDINARY = st.sampled_from(
    [HEAD, "Mar 27 13:06:57 ip-10-77-20-248 ", "Feb 29 01:02:03 h ", "Feb 30 01:02:03 h ", "Mar 27 13:06:56 - ", "mar 27 13:06:56 h ", "Mar 27 13:06:56 ü "]
)  # fmt: skip
_PLAIN_TAGS = st.sampled_from(["sshd[7]: ", "sshd[8]: ", "sshd[007]: ", "sshd: ", "-: ", "sshd[]: ", "sshd[1234567890123456789]: ", "a/b/sshd[7]: ", "CRON[1]: ", "x:"])  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(
    st.lists(_SAID, min_size=1, max_size=4), st.lists(_WORDS, min_size=1, max_size=2),
    st.lists(st.tuples(_ORDINARY, _PLAIN_TAGS, st.integers(0, 7)), min_size=120, max_size=300), st.lists(_LINE, max_size=3),
)  # fmt: skip
def test_lines_that_say_the_same_say_what_each_would_say(
    said: list[str], users: list[str], lines: list[tuple[str, str, int]], others: list[str]
) -> None:
    texts = [shape.replace("{u}", user).replace("{ip}", TRUE) for shape in said for user in users]
    data = "\n".join(others + [head + tag + texts[n % len(texts)] for head, tag, n in lines] + others)
    records = LINES_FRAMING.cut(data.encode("utf-8", "surrogatepass"), 0, 1 << 20, final=True).records
    origin = Origin("x", datetime(2026, 1, 10), "Europe/Berlin")
    fast, full = Syslog().normalise(records, {}, origin), Syslog(fast=False).normalise(records, {}, origin)
    assert fast.events.to_pylist() == full.events.to_pylist()
    assert fast.rejects.to_pylist() == full.rejects.to_pylist()


def test_of_lines_that_say_the_same_one_is_read() -> None:
    data = b"".join(
        b"Mar 27 13:06:%02d h sshd[%d]: Failed password for root from 192.0.2.1 port 9 ssh2\n" % (n % 2, n)
        for n in range(40)
    )
    records = LINES_FRAMING.cut(data, 0, 1 << 20, final=True).records
    assert Alike(records).rows.tolist() == [0, 1]
    assert Alike(records).worth
    assert not Alike(records.slice(0, 2)).worth
    found = Syslog().normalise(records, {}, Origin("x", datetime(2026, 4, 1)))
    assert found.events["extra"].to_pylist()[3:5] == ['{"pid":3,"method":"password"}', '{"pid":4,"method":"password"}']
    assert [time.second for time in found.events["time"].to_pylist()[:4]] == [0, 1, 0, 1]


def test_a_query_that_is_kept_still_asks_for_the_lines_of_its_run() -> None:
    for number in range(4):  # from the second run on it is planned no more
        line = f"Mar 27 13:06:56 h sshd[{number}]: Failed password for root from 192.0.2.{number} port 9 ssh2"
        records = LINES_FRAMING.cut(line.encode(), 0, 1 << 20, final=True).records
        found = Syslog().normalise(records, {}, Origin("x", datetime(2026, 4, 1)))
        assert found.events["src_ip"].to_pylist() == [f"192.0.2.{number}"]
    # The value of a parameter is part of a plan.
    earlier = Syslog().normalise(records, {}, Origin("x", datetime(2025, 4, 1)))
    assert earlier.events["time"].to_pylist()[0].year == 2025
