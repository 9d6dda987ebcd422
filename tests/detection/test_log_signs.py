"""Signs of single records, guessed passwords of services and mass reads, from the lines that programs write."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.acquisition.reader import open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.severity import Severity
from soc_tui.core.types import RISK_TYPES
from soc_tui.detection.signs import rule, signs

Event = dict[str, Any]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Sequence[str]], pa.Table]:
    def make(lines: Sequence[str]) -> pa.Table:
        (tmp_path / "x.log").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        settings = AcquisitionSettings()
        state = open_source(tmp_path / "x.log", [], settings)
        return pa.concat_tables([c.events for c in read_chunks(state, settings, final=True, clock=SystemClock())])

    return make


def explained(finding: Event) -> dict[str, str]:
    return {item["field"]: item["value"] for item in json.loads(finding["explanation"])}


# -- the table ---------------------------------------------------------------------------------------------------------


def test_the_table_is_sound() -> None:
    table = signs()
    assert len({sign.name for sign in table}) == len(table) == 54
    assert {sign.severity for sign in table} <= {severity.name.lower() for severity in Severity}
    assert {sign.risk for sign in table} <= set(RISK_TYPES)
    assert all(
        sign.of or sign.uid or sign.kind or "class_uid" in sign.when or "activity" in sign.when for sign in table
    )
    assert all(place not in rule() for place in ("{sign", "{actor}", "{known}", "{candidates}"))


# -- signs -------------------------------------------------------------------------------------------------------------

SEEN = [
    ("Mar  5 10:00:01 h sshd[1]: User root from 203.0.113.9 not allowed because not listed in AllowUsers",
     "ssh-denied-user", "low", "203.0.113.9"),
    ("Mar  5 10:00:01 h sshd[1]: refused connect from 203.0.113.9 (203.0.113.9)", "ssh-refused", "low", "203.0.113.9"),
    ("Mar  5 10:00:01 h sshd[1]: Failed password for root from 203.0.113.9 port 1 ssh2", "login-failed", "info", "203.0.113.9"),
    ("Mar  5 10:00:01 h sshd[1]: Accepted publickey for bob from 203.0.113.9 port 1 ssh2", "login-known", "info", "203.0.113.9"),
    ("Mar  5 10:00:01 h sudo:  eve : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh", "not-in-sudoers", "medium", None),
    ("Mar  5 10:00:01 h sudo:  bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls", "sudo-known", "info", None),
    ("Mar  5 10:00:01 h su[5]: BAD SU eve to root on /dev/ttyp0", "su-failed", "low", None),
    ("Mar  5 10:00:01 h useradd[7]: new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/sh", "account-created", "low", None),
    ("Mar  5 10:00:01 h usermod[7]: add 'eve' to group 'sudo'", "admin-group", "medium", None),
    ("Mar  5 10:00:01 h kernel: device eth0 entered promiscuous mode", "promiscuous", "low", None),
    ("Mar  5 10:00:01 h named[4]: client 203.0.113.9#80 (x.test): query (cache) 'x.test/ANY/IN' denied", "dns-refused", "info", "203.0.113.9"),
    ("Mar  5 10:00:01 h smbd[8]: Denied connection from (203.0.113.9)", "share-refused", "low", "203.0.113.9"),
    ("Mar  5 10:00:01 h rshd[8]: Connection from 203.0.113.9 on illegal port ", "rsh-probe", "medium", "203.0.113.9"),
    ("Mar  5 10:00:01 h asterisk[3]: NOTICE[4]: chan_sip.c:1 in handle_request_register: Registration from '\"1\" <sip:1@192.0.2.1>'"
     " failed for '203.0.113.9:5060' - Wrong password", "voip-login-failed", "low", "203.0.113.9"),
    ('203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /.git/config HTTP/1.1" 404 1 "-" "x"', "web-secret-file", "info", "203.0.113.9"),
    ('203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "Nikto/2.5"', "web-scanner", "info", "203.0.113.9"),
    ('203.0.113.9 - - [1/Mar/2026:10:00:00 +0000] "GET /phpMyAdmin/scripts/setup.php HTTP/1.1" 404 1 "-" "x"', "web-exploit", "low", "203.0.113.9"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "sign", "severity", "actor"), SEEN)
def test_signs(workspace: Any, read: Any, line: str, sign: str, severity: str, actor: str | None) -> None:
    (found,) = workspace.find("log-sign", workspace.add_table(read([line])))
    assert (explained(found)["sign"], found["severity"], found["src_ip"]) == (sign, severity, actor)
    assert (found["event_count"], found["event_ids"]) == (1, [1])


@pytest.mark.parametrize(
    "line",
    [
        "Mar  5 10:00:01 h sshd[1]: Connection closed by 203.0.113.9 port 1 [preauth]",
        "Mar  5 10:00:01 h sshd[1]: Address 203.0.113.9 maps to x.test, but this does not map back to the address - POSSIBLE BREAK-IN ATTEMPT!",
        "Mar  5 10:00:01 h CRON[1]: pam_unix(cron:session): session opened for user root by (uid=0)",
        "Mar  5 10:00:01 h named[4]: zone example.org/IN: loaded serial 5",
        "Mar  5 10:00:01 h kernel: eth0: link up",
        "Mar  5 10:00:01 h app[1]: Denied connection from (203.0.113.9)",  # another program's words
        "Mar  5 10:00:01 h usermod[7]: add 'eve' to group 'users'",
        '203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /backup.html HTTP/1.1" 200 1 "-" "Mozilla/5.0"',
        '203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /fonts/a.ttf?-d8wcrs HTTP/1.1" 200 1 "-" "Mozilla/5.0"',
        '203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "POST /api/v1/submit HTTP/1.1" 200 1 "-" "Mozilla/5.0"',
    ],
)
def test_what_is_no_sign(workspace: Any, read: Any, line: str) -> None:
    assert workspace.find("log-sign", workspace.add_table(read([line]))) == []


@pytest.mark.parametrize(
    "line",
    [
        "Mar  5 10:00:01 h asterisk[3]: NOTICE[4]: chan_sip.c:1 in handle_request_register: Registration from "
        "'x' failed for '198.51.100.1' - Wrong password' failed for '203.0.113.9:5060' - Wrong password",
        "Mar  5 10:00:01 h sshd[1]: Failed password for invalid user a from 198.51.100.1 port 2 ssh2 from 203.0.113.9 port 1 ssh2",
        "Mar  5 10:00:01 h dovecot: auth-worker(default): sql(x,198.51.100.1): unknown user,203.0.113.9): unknown user",
    ],
)
def test_a_name_cannot_accuse_another_address(workspace: Any, read: Any, line: str) -> None:
    (found,) = workspace.find("log-sign", workspace.add_table(read([line])))
    assert found["src_ip"] == "203.0.113.9"


def test_bytes_of_every_kind_break_nothing(workspace: Any, read: Any) -> None:
    dice = random.Random(4)
    words = [
        "Failed password for",
        "from 203.0.113.9 port",
        "'",
        '"',
        "\\",
        "\x00",
        "\u202e",
        "(",
        "[",
        "into outfile",
        "%",
        "${",
        "' OR 1=1",
    ]
    lines = [
        f"Mar  5 10:00:01 h {dice.choice(['sshd', 'sudo', 'named', 'smbd'])}[1]: " + " ".join(dice.choices(words, k=9))
        for _ in range(300)
    ]
    workspace.find("log-sign", workspace.add_table(read(lines)))


def test_one_failure_is_a_sign_and_twenty_are_the_attack_in_the_same_alert(workspace: Any, read: Any) -> None:
    lines = [f"Mar  5 10:00:{n:02} h sshd[1]: Failed password for root from 203.0.113.9 port 1 ssh2" for n in range(21)]
    workspace.detect(workspace.add_table(read(lines[:1])))
    assert workspace.rows("SELECT detector, severity, event_count FROM alerts") == [
        {"detector": "log-sign", "severity": "info", "event_count": 1}
    ]
    workspace.detect(workspace.add_table(read(lines[1:])))
    assert workspace.rows("SELECT alert_id, detector, severity, event_count FROM alerts") == [
        {"alert_id": 1, "detector": "ssh-brute-force", "severity": "medium", "event_count": 21}
    ]


def test_what_is_new_is_told_once_for_good(workspace: Any, read: Any) -> None:
    for day in (5, 6, 7):
        workspace.detect(
            workspace.add_table(
                read([f"Mar  {day} 10:00:01 h sshd[1]: Accepted password for bob from 10.0.0.9 port 1 ssh2"])
            )
        )
    assert workspace.rows("SELECT title, finding_count FROM alerts") == [
        {"title": "New login by 10.0.0.9 as bob on h", "finding_count": 3}
    ]


def test_signs_do_not_depend_on_order_and_chunks(make_workspace: Any, read: Any) -> None:
    table = read([line for line, *_ in SEEN if line.startswith("Mar")] * 4)
    order = list(range(table.num_rows))
    random.Random(2).shuffle(order)
    found = []
    for parts in ([list(range(len(order)))], [order[:9], order[9:20], order[20:]]):
        workspace, kept = make_workspace(), {}
        for part in parts:
            for one in workspace.find("log-sign", workspace.add_table(table.take(pa.array(part)))):
                kept[one["finding_id"]] = {k: v for k, v in one.items() if k != "event_ids"}
        found.append(kept)
    assert found[0] == found[1]
    assert all(one["event_count"] == 4 for one in found[0].values())


# -- databases ---------------------------------------------------------------------------------------------------------

AT = "2026-03-05T10:{:02}:{:02}.000000Z\t   {} {}"


def statement(text: str, thread: int = 12) -> list[str]:
    return [
        AT.format(0, 0, thread, "Connect\tapp@203.0.113.5 on shop using TCP/IP"),
        AT.format(0, 1, thread, f"Query\t{text}"),
    ]


@pytest.mark.parametrize(
    ("text", "sign", "severity"),
    [
        ("select * from users INTO OUTFILE '/var/www/x.php'", "sql-file-written", "high"),
        ("SELECT LOAD_FILE('/etc/passwd')", "sql-file-read", "medium"),
        ("create function sys_exec returns int soname 'udf.so'", "sql-command", "critical"),
        ("GRANT ALL PRIVILEGES ON *.* TO 'eve'@'%' WITH GRANT OPTION", "sql-rights", "low"),
        ("select name from items where id=1 or 1=1", "sql-injected", "medium"),
    ],
)
def test_statements_are_told_with_who_opened_the_session(
    workspace: Any, read: Any, text: str, sign: str, severity: str
) -> None:
    (found,) = workspace.find("log-sign", workspace.add_table(read(statement(text))))
    assert (explained(found)["sign"], found["severity"]) == (sign, severity)
    assert (found["src_ip"], found["user_name"]) == ("203.0.113.5", "app")


def test_copy_to_a_program_of_postgresql(workspace: Any, read: Any) -> None:
    lines = [
        "2026-03-05 10:11:13.123 UTC [78] LOG:  connection received: host=203.0.113.5 port=50001",
        "2026-03-05 10:11:13.125 UTC [78] LOG:  connection authorized: user=postgres database=shop",
        "2026-03-05 10:11:14.125 UTC [78] LOG:  statement: COPY (select 1) TO PROGRAM 'id > /tmp/x'",
    ]
    found = {explained(one)["sign"]: one for one in workspace.find("log-sign", workspace.add_table(read(lines)))}
    assert set(found) == {"sql-command"}
    assert (found["sql-command"]["src_ip"], found["sql-command"]["user_name"]) == ("203.0.113.5", "postgres")


@pytest.mark.parametrize(
    "text", ["select * from outfile", "insert into log values (1)", "copy t from stdin", "select 1 = 1"]
)
def test_ordinary_statements_are_silent(workspace: Any, read: Any, text: str) -> None:
    assert workspace.find("log-sign", workspace.add_table(read(statement(text)))) == []


def test_redis_that_is_told_to_follow_a_stranger(workspace: Any, read: Any) -> None:
    lines = [
        "1:S 05 Mar 2026 10:11:13.123 * REPLICAOF 203.0.113.5:6380 enabled (user request from 'id=5 addr=203.0.113.7:41722 fd=8')",
        "1:M 05 Mar 2026 10:11:14.123 * Module 'system' loaded from /tmp/exp.so",
        "1:M 05 Mar 2026 10:11:15.123 * Background saving started by pid 5",
    ]
    found = workspace.find("log-sign", workspace.add_table(read(lines)))
    assert [(explained(one)["sign"], one["src_ip"], one["severity"]) for one in found] == [
        ("redis-hijacked", "203.0.113.7", "high"), ("redis-hijacked", None, "high"),
    ]  # fmt: skip


def guesses(count: int, get_in: bool = True) -> list[str]:
    lines = []
    for n in range(count):
        lines.append(AT.format(20, n, 20 + n, "Connect\tapp@203.0.113.6 on shop using TCP/IP"))
        lines.append(
            AT.format(20, n, 20 + n, "Connect\tAccess denied for user 'app'@'203.0.113.6' (using password: YES)")
        )
    if get_in:
        lines += [
            AT.format(40, 0, 90, "Connect\tapp@203.0.113.6 on shop using TCP/IP"),
            AT.format(40, 1, 90, "Query\tselect 1"),
        ]
    return lines


def test_guessed_passwords_of_a_database_and_the_way_in(workspace: Any, read: Any) -> None:
    found = workspace.find("login-brute-force", workspace.add_table(read(guesses(12))))
    assert [(f["title"], f["severity"], f["event_count"]) for f in found] == [
        ("Guessed mysql passwords by 203.0.113.6", "medium", 12),
        ("mysql login after failures by 203.0.113.6 as app", "critical", 1),
    ]
    assert (found[0]["techniques"], found[1]["techniques"]) == (["T1110.001"], ["T1078", "T1110.001"])


def test_a_few_mistakes_are_no_attack(workspace: Any, read: Any) -> None:
    assert workspace.find("login-brute-force", workspace.add_table(read(guesses(9)))) == []


def test_guesses_do_not_depend_on_order_and_chunks(make_workspace: Any, read: Any) -> None:
    table, found = read(guesses(15)), []
    order = list(range(table.num_rows))
    random.Random(8).shuffle(order)
    for parts in ([list(range(len(order)))], [order[:7], order[7:20], order[20:]]):
        workspace, kept = make_workspace(), {}
        for part in parts:
            # one source: the session that works is that of its own log
            workspace.store.sql("SELECT 1")
            for one in workspace.find("login-brute-force", workspace.add_table(table.take(pa.array(part)))):
                kept[one["finding_id"]] = {k: v for k, v in one.items() if k != "event_ids"}
        found.append({key: one for key, one in kept.items() if "Guessed" in one["title"]})
    assert found[0] == found[1] != {}


def test_a_mass_read(workspace: Any, read: Any) -> None:
    lines = statement("select 1") + [
        AT.format(1, n, 12, f"Query\tSELECT /*!40001 SQL_NO_CACHE */ * FROM `t{n}`") for n in range(12)
    ]
    (found,) = workspace.find("database-mass-read", workspace.add_table(read(lines)))
    assert found["title"] == "Mass read from mysql as app by 203.0.113.5"
    assert (found["severity"], found["event_count"], found["src_ip"]) == ("medium", 12, "203.0.113.5")
    assert explained(found)["whole tables"].startswith("12 in an hour (threshold 10): ")


@pytest.mark.parametrize(
    "texts",
    [
        [f"SELECT * FROM t{n}" for n in range(9)],
        ["SELECT * FROM t1"] * 50,
        [f"SELECT * FROM t{n} WHERE id = 1" for n in range(30)],
        [f"SELECT * FROM t{n} LIMIT 5" for n in range(30)],
    ],
)
def test_what_is_no_mass_read(workspace: Any, read: Any, texts: list[str]) -> None:
    lines = statement("select 1") + [AT.format(1, n % 60, 12, f"Query\t{text}") for n, text in enumerate(texts)]
    assert workspace.find("database-mass-read", workspace.add_table(read(lines))) == []
