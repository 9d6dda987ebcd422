"""Files of checks and of versions: every mistake is named with its line, and nothing but reading gets in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from soc_tui.detection.database.checks import SERVICES, CheckError, read_checks, service_checks
from soc_tui.detection.database.versions import parse_version, products, read_products

GOOD = """\
service: redis
defaults:
  - {anonymous: true, source: x}
reads:
  settings: CONFIG GET bind
checks:
  - id: redis-bind
    title: Bound
    when: [{read: settings, name: bind, setting: {matches: '^$'}}]
    severity: low
    cwe: [CWE-1]
    remedy: Bind it.
"""


def error(tmp_path: Path, text: str) -> str:
    path = tmp_path / "checks.yaml"
    path.write_text(text)
    with pytest.raises(CheckError) as raised:
        read_checks(path)
    assert raised.value.source == str(path)
    return f"{raised.value.line}: {raised.value.message}"


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("service: redis", "service: rediss", "1: service must be one of postgresql, mysql, redis, mongodb"),
    ("    severity: low", "    severity: bad", "10: severity must be one of info, low, medium, high, critical"),
    ("    remedy: Bind it.", "    remedies: x", "12: unknown key 'remedies'; known are confidence, cwe, exposed, id,"),
    ("    remedy: Bind it.\n", "", "7: remedy is missing"),
    ("read: settings", "read: setings", "9: unknown read 'setings'"),
    ("'^$'", "'('", "9: setting: no pattern: missing ), unterminated subpattern at position 0"),
    ("{matches: '^$'}", "7", "9: setting must be text, a list of texts, or one of not, matches and net"),
    ("id: redis-bind", "id: Bind", "7: id must be lower-case words joined by hyphens"),
    ("[CWE-1]", "[1]", "11: cwe must be a list of ids"),
    ("CONFIG GET bind", "CONFIG SET dir /", "5: reads.settings does more than read, or cannot be told not to"),
    ("CONFIG GET bind", "CONFIG GET *", "5: reads.settings does more than read, or cannot be told not to"),
    ("CONFIG GET bind", "[CONFIG GET bind, FLUSHALL]", "5: reads.settings does more than read, or cannot be told not to"),
    ("{anonymous: true, source: x}", "{user: a}", "3: source is missing"),
    ("  - {anonymous: true, source: x}\n", "".join(f"  - {{user: u{n}, source: x}}\n" for n in range(5)),
     "2: more than 4 default accounts would be a dictionary"),
    ("  - {anonymous: true, source: x}\n", "".join(f"  - {{user: u, password: p{n}, source: x}}\n" for n in range(3)),
     "5: more than 2 passwords could lock u"),
    ("    severity: low", "    severity: low\n    confidence: 2", "11: confidence must be above 0 and at most 1"),
    ("service: redis", "service: &a redis", "1: anchors and aliases are not allowed"),
    ("[CWE-1]", "[CWE-1", "12: is not YAML: "),
    ("[CWE-1]", "[" * 20 + "]" * 20, "11: is nested deeper than 10 levels"),
    ("    severity: low", "    severity: low\n    severity: high", "11: severity is given twice"),
    ("Bound", "2026-02-30", "1: is not YAML: day is out of range for month"),
    ("Bound", "!!python/object/apply:os.getcwd []", "8: is not YAML: could not determine a constructor"),
])  # fmt: skip
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert error(tmp_path, GOOD.replace(old, new)).startswith(expected)


def test_the_same_id_twice_is_a_mistake(tmp_path: Path) -> None:
    assert error(tmp_path, GOOD + GOOD[GOOD.index("  - id") :]) == "13: id redis-bind is given twice"


@pytest.mark.parametrize(("service", "question"), [
    ("postgresql", "DELETE FROM t"), ("postgresql", "SELECT 1; DROP TABLE t"), ("postgresql", "SELECT 1 INTO t"),
    ("mysql", "SELECT 'x' INTO OUTFILE '/tmp/x'"), ("mysql", "SHOW TABLES; DROP TABLE t"), ("mysql", "SET GLOBAL x = 1"),
    ("mongodb", '{"shutdown": 1}'), ("mongodb", '{"getParameter": 1, "x": {"$where": "1"}}'),
    ("redis", "CONFIG GET bind\\r\\nFLUSHALL"),
])  # fmt: skip
def test_no_file_of_checks_can_ask_for_a_change(tmp_path: Path, service: str, question: str) -> None:
    text = GOOD.replace("service: redis", f"service: {service}").replace("CONFIG GET bind", f'"{question}"')
    if '"' in question:
        text = text.replace(f'"{question}"', f"'{question}'")
    assert error(tmp_path, text) == "5: reads.settings does more than read, or cannot be told not to"


@pytest.mark.parametrize("service", SERVICES)
def test_the_packaged_checks_are_whole(service: str) -> None:
    checks = service_checks(service)
    assert checks.service == service
    assert all(check.cwe and check.remedy.endswith(".") for check in checks.checks)
    assert sum(not default.anonymous for default in checks.defaults) <= 2
    assert all(re.match(r"(https://|redis\.conf)", default.source) for default in checks.defaults)


LINK = {"name": "tls", "setting": "on", "answer": "TLSv1.3"}
OPEN_RULE = {"type": "host", "auth_method": "scram-sha-256", "address": "10.0.0.0", "netmask": "255.0.0.0"}
FREE = [{"name": "authentication", "setting": "none", "answer": "+PONG"}]
DIR = [{"name": "dir", "setting": "/var/lib/redis"}]
NONE = [{"error": "ERR", "message": "unknown command `ACL`"}]


@pytest.mark.parametrize(("check", "answers", "web", "rows"), [
    ("postgresql-tls-optional", {"link": [LINK], "rules": [OPEN_RULE]}, "", 1),
    ("postgresql-tls-optional", {"link": [{**LINK, "setting": "off"}], "rules": [OPEN_RULE]}, "", 0),
    ("postgresql-tls-optional", {"link": [LINK], "rules": [{**OPEN_RULE, "type": "hostssl"}]}, "", 0),
    ("postgresql-tls-optional", {"link": [LINK], "rules": [{**OPEN_RULE, "address": "127.0.0.1"}]}, "", 0),
    ("postgresql-clear-password-rule", {"rules": [{**OPEN_RULE, "auth_method": "password"}]}, "", 1),
    ("postgresql-superuser-from-elsewhere", {"sessions": [{"address": "10.0.0.9"}]}, "10.0.0.8", 1),
    ("postgresql-superuser-from-elsewhere", {"sessions": [{"address": "10.0.0.9"}]}, "10.0.0.9", 0),
    ("postgresql-superuser-from-website", {"sessions": [{"address": "::ffff:10.0.0.9"}]}, "10.0.0.9", 1),
    ("postgresql-superuser-from-elsewhere", {"sessions": [{"address": "::1"}, {"address": "x"}]}, "", 0),
    ("postgresql-connections-not-logged", {"settings": [{"name": "log_connections", "setting": ""}]}, "", 1),  # 18
    ("mysql-tls-optional", {"settings": [{"Variable_name": "require_secure_transport", "Value": "OFF"}]}, "", 1),
    ("mysql-listens-everywhere", {"settings": [{"Variable_name": "bind_address", "Value": "*"}]}, "", 1),
    ("mysql-superuser-from-elsewhere", {"sessions": [{"address": "10.0.0.9"}]}, "", 1),
    ("mysql-files-anywhere", {"settings": [{"Variable_name": "secure_file_priv", "Value": "NULL"}]}, "", 0),
    ("redis-files-writable", {"link": FREE, "settings": DIR, "accounts": NONE}, "", 2),  # before version 6
    ("redis-files-writable", {"link": FREE, "settings": DIR, "accounts": [{"line": "user default on nopass ~* +@all"}]}, "", 2),
    ("redis-files-writable",
     {"link": FREE, "settings": DIR, "accounts": [{"line": "user default on nopass ~* +@all -@admin"}]}, "", 0),
    ("redis-files-writable", {"link": FREE, "settings": DIR, "accounts": [{"line": "user default on nopass +@read"}]}, "", 0),
    ("redis-files-writable",
     {"link": FREE, "settings": [*DIR, {"name": "enable-protected-configs", "setting": "no"}], "accounts": NONE}, "", 0),
    ("redis-listens-everywhere", {"settings": [{"name": "bind", "setting": "127.0.0.1 -::1"}]}, "", 0),
    ("redis-listens-everywhere", {"settings": [{"name": "bind", "setting": "* -::*"}]}, "", 1),
    ("redis-listens-everywhere", {"settings": [{"name": "bind", "setting": ""}]}, "", 1),
    ("mongodb-listens-everywhere-all", {"options": [{"name": "parsed.net.bindIpAll", "setting": "true"}]}, "", 1),
    ("mongodb-authorization-off", {"options": [{"name": "argv", "setting": "mongod"}]}, "", 1),
    ("mongodb-authorization-off", {"options": [{"error": "13", "message": "not authorized"}]}, "", 0),
])  # fmt: skip
def test_rows_decide(check: str, answers: dict[str, list[dict[str, str]]], web: str, rows: int) -> None:
    found = next(one for one in service_checks(check.split("-", maxsplit=1)[0]).checks if one.id == check)
    assert len(found.evidence(answers, frozenset({web} - {""}))) == rows


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_tells_every_check(service: str) -> None:
    page = (Path(__file__).parents[3] / "docs/tools/database.md").read_text(encoding="utf-8")
    told = [line for line in page.splitlines() if line.startswith(f"| `{service}-") and line.count("|") == 6]
    assert told == [
        f"| `{check.id}` | {check.title} | {check.severity} | {check.exposed} | {', '.join(check.cwe)} |"
        for check in service_checks(service).checks
    ]


def test_the_packaged_versions_are_whole() -> None:
    assert list(products()) == ["postgresql", "mysql", "mariadb", "redis", "valkey", "mongodb"]
    assert all(product.vulnerabilities for product in products().values())


@pytest.mark.parametrize(("text", "line", "message"), [
    ("x:\n  ends: {}\n", 1, "a product has source, ends and vulnerabilities"),
    ("x:\n  source: y\n  ends: {15: 2020-01-01}\n", 3, "15 must be a branch in quotes, and its end a day"),
    ("x:\n  source: y\n  ends: {}\n  vulnerabilities:\n    - {cve: CVE-1}\n", 5, "a vulnerability has "),
    ("x:\n  source: y\n  ends: {}\n  vulnerabilities:\n    - {cve: CVE-2020-1, title: t, severity: low, fixed: {}, source: s}\n",
     5, "cve or severity is none"),
    ("x:\n  source: y\n  ends: {}\n  vulnerabilities:\n    - cve: CVE-2020-12345\n      title: t\n      severity: low\n"
     "      source: s\n      fixed: {\"15\": \"16.1\"}\n", 9, "'16.1' is no version of branch '15'"),
])  # fmt: skip
def test_a_mistake_in_versions_is_named_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "versions.yaml"
    path.write_text(text)
    with pytest.raises(CheckError) as raised:
        read_products(path)
    assert (raised.value.line, raised.value.message[: len(message)]) == (line, message)


@pytest.mark.parametrize(("text", "version"), [
    ("15.18 (Debian 15.18-0+deb12u1)", (15, 18)), ("10.11.19-MariaDB-0+deb12u1", (10, 11, 19)),
    ("5.5.5-10.6.16-MariaDB-log", (10, 6, 16)), ("5.5.5-log", (5, 5, 5)), ("8.0.36-0ubuntu0.22.04.1", (8, 0, 36)),
    ("18beta1", (18,)), ("", ()), ("unknown", ()), ("9" * 5000, (999999,)),
])  # fmt: skip
def test_versions_are_read(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version
