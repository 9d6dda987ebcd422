"""Each detector on small events made by hand: exactly what it must find, and what it must not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import DetectionSettings
from soc_tui.core.severity import Severity
from soc_tui.core.types import RISK_TYPES
from soc_tui.detection.detectors import ALL_DETECTORS, PRIVATE_ADDRESS, login_pattern

Event = dict[str, Any]
Builder = Callable[..., Event]


@pytest.fixture
def ssh(events: dict[str, Builder]) -> Builder:
    return events["ssh"]


@pytest.fixture
def flow(events: dict[str, Builder]) -> Builder:
    return events["flow"]


@pytest.fixture
def web(events: dict[str, Builder]) -> Builder:
    return events["web"]


def explained(finding: dict[str, Any]) -> dict[str, str]:
    return {item["field"]: item["value"] for item in json.loads(finding["explanation"])}


# -- all -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ALL_DETECTORS))
def test_every_rule_yields_the_columns_of_findings_even_without_events(workspace: Any, name: str) -> None:
    rows = workspace.found(ALL_DETECTORS[name], (1, 0), threshold=0.5)
    assert rows.num_rows == 0
    assert rows.schema.names == FINDINGS.names
    assert rows.cast(FINDINGS).schema == FINDINGS


def test_names_and_risk_types_are_known_and_unique() -> None:
    assert len(ALL_DETECTORS) == len({detector.name for detector in ALL_DETECTORS.values()}) == 29
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in ALL_DETECTORS)
    assert {detector.risk_type for detector in ALL_DETECTORS.values()} <= set(RISK_TYPES)


def test_events_without_a_time_disturb_no_rule(workspace: Any, ssh: Builder, flow: Builder, web: Builder) -> None:
    window = workspace.add([{**make, "at": None} for make in (ssh(0), flow(0, 1), web(0))] * 60)
    assert workspace.detect(window).num_rows == 0


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.1.2.3", True), ("172.16.0.1", True), ("172.31.9.9", True), ("172.32.0.1", False), ("192.168.1.1", True),
        ("100.64.0.1", True), ("100.128.0.1", False), ("8.8.8.8", False), ("fd00::1", True), ("fe80::1", True),
        ("::1", True), ("2001:db8::1", False), ("110.0.0.1", False), ("fcx.example", False),
    ],
)  # fmt: skip
def test_private_addresses(workspace: Any, address: str, inside: bool) -> None:
    found = workspace.store.sql("SELECT regexp_matches($a, $p) AS m", {"a": address, "p": PRIVATE_ADDRESS})
    assert found.column("m").to_pylist() == [inside]


# -- passed on -------------------------------------------------------------------------------------------------------


def suricata(at: float = 0, **more: Any) -> Event:
    return {
        "at": at, "class_uid": 2004, "product": "suricata", "log_name": "alert", "rule_id": "2001219",
        "rule_name": "ET SCAN Potential SSH Scan", "rule_category": "Attempted Information Leak", "severity": "medium",
        "src_ip": "203.0.113.9", "src_port": 40000, "dst_ip": "192.0.2.10", "dst_port": 22, **more,
    }  # fmt: skip


def test_a_suricata_alert_is_passed_on_with_its_own_severity(workspace: Any) -> None:
    (found,) = workspace.find("suricata-alert", workspace.add([suricata(host="sensor1")]))
    assert found["title"] == "ET SCAN Potential SSH Scan"
    assert (found["severity"], found["score"], found["event_count"]) == ("medium", 0.6, 1)
    assert (found["src_ip"], found["dst_ip"], found["dst_port"]) == ("203.0.113.9", "192.0.2.10", 22)
    assert (found["risk_type"], found["techniques"], found["event_ids"]) == ("intrusion", ["T1595"], [1])
    assert found["alert_key"] == "suricata-alert|2001219|203.0.113.9|192.0.2.10|sensor1|2026-03-01"


def test_a_thousand_equal_suricata_alerts_are_one_alert(workspace: Any) -> None:
    findings = workspace.detect(workspace.add([suricata(second) for second in range(1000)]))
    assert findings.num_rows == 1000
    (alert,) = workspace.rows("SELECT * FROM alerts")
    assert (alert["finding_count"], alert["event_count"], len(alert["event_ids"])) == (1000, 1000, 20)
    assert (alert["time_last"] - alert["time"]).total_seconds() == 999


def test_the_answer_to_an_attack_names_the_victim_as_its_sender(workspace: Any) -> None:
    answer = suricata(
        rule_name="GPL ATTACK_RESPONSE id check returned root", src_ip="192.0.2.10", src_port=80,
        dst_ip="203.0.113.9", dst_port=40000,
    )  # fmt: skip
    (found,) = workspace.find("suricata-alert", workspace.add([answer]))
    assert (found["src_ip"], found["dst_ip"], found["dst_port"]) == ("203.0.113.9", "192.0.2.10", 80)


def test_malware_that_calls_home_names_its_controller_as_the_attacker(workspace: Any) -> None:
    call = suricata(
        rule_name="ET MALWARE CnC checkin", rule_category="Malware Command and Control Activity Detected",
        severity="high", src_ip="10.0.0.5", dst_ip="203.0.113.66", dst_port=443,
        extra='{"alert":{"metadata":{"mitre_technique_id":["T1071"]}}}',
    )  # fmt: skip
    (found,) = workspace.find("suricata-alert", workspace.add([call]))
    assert (found["src_ip"], found["dst_ip"], found["dst_port"]) == ("203.0.113.66", "10.0.0.5", 443)
    assert (found["risk_type"], found["techniques"]) == ("trojan", ["T1071"])


def test_suricata_flows_and_anomalies_are_no_alerts(workspace: Any) -> None:
    window = workspace.add([suricata(class_uid=4001, log_name="anomaly"), suricata(product="other")])
    assert workspace.find("suricata-alert", window) == []


def notice(note: str, **more: Any) -> Event:
    return {
        "class_uid": 2004, "product": "zeek", "log_name": "notice", "rule_id": note, "rule_name": "words",
        "severity": "medium", "src_ip": "203.0.113.9", "dst_ip": "192.0.2.10", **more,
    }  # fmt: skip


def test_zeek_notices_are_rated_by_their_type(workspace: Any) -> None:
    notes = ["SSH::Password_Guessing", "Scan::Port_Scan", "SSL::Invalid_Server_Cert", "CaptureLoss::Too_Much_Loss"]
    found = workspace.find("zeek-notice", workspace.add([notice(n, at=i) for i, n in enumerate(notes)]))
    assert [(f["title"], f["severity"], f["techniques"]) for f in found] == [
        ("Zeek notice SSH::Password_Guessing", "high", ["T1110.001"]),
        ("Zeek notice Scan::Port_Scan", "medium", ["T1046"]),
        ("Zeek notice SSL::Invalid_Server_Cert", "low", []),
    ]


def test_a_notice_about_a_victim_accuses_nobody(workspace: Any) -> None:
    window = workspace.add([notice("HTTP::SQL_Injection_Victim", src_ip="192.0.2.10", dst_ip=None)])
    (found,) = workspace.find("zeek-notice", window)
    assert (found["src_ip"], found["dst_ip"], found["risk_type"]) == (None, "192.0.2.10", "web-attack")


def test_malware_fetched_from_outside_accuses_the_server(workspace: Any) -> None:
    fetched = notice("TeamCymruMalwareHashRegistry::Match", src_ip="192.168.33.10", dst_ip="203.0.113.66")
    (found,) = workspace.find("zeek-notice", workspace.add([fetched]))
    assert (found["src_ip"], found["dst_ip"], found["severity"]) == ("203.0.113.66", "192.168.33.10", "high")
    assert found["risk_type"] == "malicious-code"


# -- SSH -------------------------------------------------------------------------------------------------------------


def test_ten_failures_in_ten_minutes_are_a_brute_force(workspace: Any, ssh: Builder) -> None:
    (found,) = workspace.find("ssh-brute-force", workspace.add([ssh(second * 60) for second in range(10)]))
    assert found["title"] == "SSH brute force by 203.0.113.9 against web1"
    assert (found["severity"], found["score"], found["event_count"]) == ("medium", 0.5, 10)
    assert (found["src_ip"], found["host"], found["dst_port"], found["user_name"]) == (
        "203.0.113.9",
        "web1",
        22,
        "root",
    )
    assert (found["techniques"], found["event_ids"]) == (["T1110.001"], list(range(1, 11)))
    assert explained(found) == {
        "failures": "10", "failures within window": "10 in 10 min (threshold 10)", "distinct users": "1",
        "users": "root",
    }  # fmt: skip


def test_nine_failures_or_a_slow_guesser_are_none(workspace: Any, ssh: Builder) -> None:
    assert workspace.find("ssh-brute-force", workspace.add([ssh(i) for i in range(9)])) == []
    window = workspace.add([ssh(i * 70, src_ip="203.0.113.10") for i in range(100)])  # 9 in any 10 minutes
    assert workspace.find("ssh-brute-force", window) == []


def test_an_attack_that_straddles_two_slots_is_found_and_counted_once(workspace: Any, ssh: Builder) -> None:
    found = workspace.find("ssh-brute-force", workspace.add([ssh(570 + i * 6) for i in range(10)]))  # 5 before 10:10
    assert [f["event_count"] for f in found] == [5, 5]
    assert [f["score"] for f in found] == [0.5, 0.5]
    assert len({f["alert_key"] for f in found}) == 1


def test_failures_are_counted_per_source_and_machine(workspace: Any, ssh: Builder) -> None:
    events = [ssh(i, src_ip=f"203.0.113.{i}") for i in range(30)] + [ssh(i, host=f"web{i}") for i in range(30)]
    assert workspace.find("ssh-brute-force", workspace.add(events)) == []


def test_only_failed_logons_count(workspace: Any, ssh: Builder) -> None:
    others = [ssh(i, activity="invalid-user", status="unknown") for i in range(50)]
    others += [ssh(i, "success") for i in range(50)] + [ssh(i, service="ftp", product="vsftpd") for i in range(50)]
    others += [ssh(i, src_ip=None) for i in range(50)]
    assert workspace.find("ssh-brute-force", workspace.add(others)) == []


def test_repeated_messages_count_as_often_as_syslog_says(workspace: Any, ssh: Builder) -> None:
    (found,) = workspace.find("ssh-brute-force", workspace.add([ssh(0), ssh(1, extra='{"repeat": 99}')]))
    assert (found["event_count"], explained(found)["failures"], found["severity"]) == (2, "100", "high")


@pytest.mark.parametrize("extra", ['{"repeat": -5}', '{"repeat": "x"}', '{"repeat": 99999999999}', '{"repeat": null}'])
def test_an_absurd_repeat_counts_once(workspace: Any, ssh: Builder, extra: str) -> None:
    assert workspace.find("ssh-brute-force", workspace.add([ssh(0, extra=extra)])) == []


def test_many_users_are_password_spraying(workspace: Any, ssh: Builder) -> None:
    (found,) = workspace.find("ssh-brute-force", workspace.add([ssh(i, user_name=f"u{i:02}") for i in range(30)]))
    assert found["techniques"] == ["T1110.003"]
    assert explained(found)["distinct users"] == "30"
    assert explained(found)["users"] == "u00, u01, u02, u03, u04, u05, u06, u07, u08, u09"


def test_a_hostile_user_name_stays_data(workspace: Any, ssh: Builder) -> None:
    name = 'x"},{"field":"y\x1b[2J from 198.51.100.1' + "A" * 5000
    (found,) = workspace.find("ssh-brute-force", workspace.add([ssh(i, user_name=name) for i in range(10)]))
    assert explained(found)["users"] == name[:64]
    assert found["src_ip"] == "203.0.113.9"


def test_zeek_ssh_counts_too(workspace: Any) -> None:
    tried = {
        "class_uid": 4007, "product": "zeek", "log_name": "ssh", "activity": "open", "service": "ssh",
        "status": "failure", "src_ip": "203.0.113.9", "dst_ip": "192.0.2.10", "dst_port": 2222,
    }  # fmt: skip
    (found,) = workspace.find("ssh-brute-force", workspace.add([{**tried, "at": i} for i in range(10)]))
    assert (found["target"], found["dst_ip"], found["dst_port"]) == ("192.0.2.10", "192.0.2.10", 2222)
    assert found["user_name"] is None


def test_a_login_after_failures_is_critical(workspace: Any, ssh: Builder) -> None:
    window = workspace.add([*(ssh(i) for i in range(10)), ssh(3600, "success")])
    (found,) = workspace.find("ssh-login-after-failures", window)
    assert (found["title"], found["severity"], found["score"]) == (
        "SSH login after failures by 203.0.113.9 on web1 as root", "critical", 0.97,
    )  # fmt: skip
    assert (found["event_ids"], found["techniques"], found["user_name"]) == ([11], ["T1078", "T1110.001"], "root")
    assert explained(found)["failures before"] == "10 in 24 h (threshold 10)"


def test_a_login_as_an_account_that_was_never_guessed_is_less_grave(workspace: Any, ssh: Builder) -> None:
    window = workspace.add([*(ssh(i, host="db1") for i in range(10)), ssh(3600, "success", user_name="deploy")])
    (found,) = workspace.find("ssh-login-after-failures", window)
    assert (found["severity"], found["user_name"], found["host"]) == ("high", "deploy", "web1")


def test_a_login_after_slow_failures_is_less_grave(workspace: Any, ssh: Builder) -> None:
    logins = [ssh(36_000, "success"), ssh(36_001, "success", user_name="x")]
    found = workspace.find("ssh-login-after-failures", workspace.add([*(ssh(i * 3600) for i in range(10)), *logins]))
    assert [(f["user_name"], f["severity"]) for f in found] == [("root", "high"), ("x", "medium")]


def test_logins_that_follow_no_guessing_are_none(workspace: Any, ssh: Builder) -> None:
    events = [ssh(0, "success"), *(ssh(10 + i) for i in range(10))]  # before the failures
    events += [ssh(86400 + 20, "success")]  # more than a day after
    events += [ssh(50, "success", src_ip="203.0.113.77")]  # somebody else
    events += [ssh(i, src_ip="203.0.113.78") for i in range(9)] + [ssh(60, "success", src_ip="203.0.113.78")]
    assert workspace.find("ssh-login-after-failures", workspace.add(events)) == []


def test_failures_that_arrive_after_the_login_still_make_it_grave(workspace: Any, ssh: Builder) -> None:
    assert workspace.find("ssh-login-after-failures", workspace.add([ssh(3600, "success")])) == []
    (found,) = workspace.find("ssh-login-after-failures", workspace.add([ssh(i) for i in range(10)]))
    assert found["event_ids"] == [1]


# -- web logins ------------------------------------------------------------------------------------------------------


def test_twenty_posts_to_a_login_page_are_a_brute_force(workspace: Any, web: Builder) -> None:
    (found,) = workspace.find("web-login-brute-force", workspace.add([web(i * 20, "/wp-login.php") for i in range(20)]))
    assert (found["severity"], found["event_count"], found["target"]) == ("medium", 20, "/wp-login.php")
    assert explained(found)["answers of the same size"] == "20 of 20"


def test_refused_requests_count_wherever_they_go(workspace: Any, web: Builder) -> None:
    events = [web(i, f"/private/{i}", http_method="GET", http_status=401) for i in range(100)]
    (found,) = workspace.find("web-login-brute-force", workspace.add(events))
    assert (found["severity"], explained(found)["refused (401, 403)"]) == ("high", "100")


def test_reading_login_pages_or_posting_elsewhere_is_none(workspace: Any, web: Builder) -> None:
    events = [web(i, "/login", http_method="GET") for i in range(100)]
    events += [web(i, "/authors/new") for i in range(100)] + [web(i, "/api/cart") for i in range(100)]
    events += [web(i, "/secret", http_method="GET", http_status=403) for i in range(100)]  # a crawler
    assert workspace.find("web-login-brute-force", workspace.add(events)) == []


def test_another_host_header_does_not_split_an_attack(workspace: Any, web: Builder) -> None:
    events = [web(i, url_host=f"h{i}.example", dst_ip="192.0.2.80", dst_port=80) for i in range(20)]
    (found,) = workspace.find("web-login-brute-force", workspace.add(events))
    assert (found["dst_ip"], found["event_count"]) == ("192.0.2.80", 20)


@pytest.mark.parametrize(
    ("path", "login"),
    [
        ("/login", True), ("/user/login.php", True), ("/wp-login.php", True), ("/xmlrpc.php", True), ("/auth/x", True),
        ("/user_login", True), ("/authors", False), ("/sessions-report", False), ("/blogin", False), ("/", False),
    ],
)  # fmt: skip
def test_login_paths_are_whole_words(workspace: Any, path: str, login: bool) -> None:
    pattern = login_pattern(DetectionSettings().web_login_paths)
    assert workspace.store.sql("SELECT regexp_matches($a, $p) AS m", {"a": path, "p": pattern})["m"][0].as_py() is login


def test_no_login_words_match_nothing_and_odd_words_are_literal(workspace: Any) -> None:
    for words, path in (((), "/login"), (("/",), "/login"), (("a.c",), "/abc"), (("(",), "/x")):
        found = workspace.store.sql("SELECT regexp_matches($a, $p) AS m", {"a": path, "p": login_pattern(words)})
        assert found["m"][0].as_py() is False


# -- scans -----------------------------------------------------------------------------------------------------------


def test_fifty_ports_of_one_machine_are_a_port_scan(workspace: Any, flow: Builder) -> None:
    (found,) = workspace.find("port-scan", workspace.add([flow(i, i + 1) for i in range(50)]))
    assert (found["title"], found["severity"], found["score"]) == ("Port scan by 198.51.100.7", "medium", 0.5)
    assert (found["dst_ip"], found["dst_port"], found["event_count"]) == ("192.0.2.10", None, 50)
    assert found["techniques"] == ["T1595"]
    assert explained(found)["ports"] == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"


def test_one_port_of_fifty_machines_is_a_network_scan(workspace: Any, flow: Builder) -> None:
    events = [flow(i, 22, dst_ip=f"192.0.2.{i + 1}", conn_state="REJ") for i in range(50)]
    (found,) = workspace.find("port-scan", workspace.add(events))
    assert (found["title"], found["dst_ip"], found["dst_port"]) == ("Network scan by 198.51.100.7", None, 22)
    assert (found["target"], found["techniques"]) == ("tcp/22", ["T1595.001"])


def test_a_scan_from_inside_weighs_more_than_one_from_the_internet(workspace: Any, flow: Builder) -> None:
    events = [flow(i / 10, i + 1) for i in range(1000)] + [flow(i / 10, i + 1, src_ip="10.0.0.9") for i in range(1000)]
    found = {f["src_ip"]: f for f in workspace.find("port-scan", workspace.add(events))}
    assert {ip: (f["severity"], f["techniques"]) for ip, f in found.items()} == {
        "198.51.100.7": ("medium", ["T1595"]), "10.0.0.9": ("high", ["T1046"]),
    }  # fmt: skip


def test_forty_nine_ports_or_a_slow_scan_are_none(workspace: Any, flow: Builder) -> None:
    assert workspace.find("port-scan", workspace.add([flow(i, i + 1) for i in range(49)])) == []
    slow = [flow(i * 60, i + 1, src_ip="198.51.100.8") for i in range(500)]
    assert workspace.find("port-scan", workspace.add(slow)) == []


def test_a_scan_across_a_slot_border_is_found_and_counted_once(workspace: Any, flow: Builder) -> None:
    found = workspace.find("port-scan", workspace.add([flow(275 + i, i + 1) for i in range(50)]))
    assert [f["event_count"] for f in found] == [25, 25]


def test_suricata_flows_make_scans_too(workspace: Any, flow: Builder) -> None:
    own = {"product": "suricata", "log_name": "flow", "conn_state": "new", "status": "failure"}
    assert len(workspace.find("port-scan", workspace.add([flow(i, i + 1, **own) for i in range(50)]))) == 1
    answered = [flow(i, i + 1, src_ip="198.51.100.8", **{**own, "status": "success"}) for i in range(50)]
    assert workspace.find("port-scan", workspace.add(answered)) == []


LOOKALIKES: dict[str, Callable[[Builder], list[Event]]] = {
    "answered connections to many ports": lambda flow: [flow(i, i + 1, conn_state="SF") for i in range(200)],
    "torn-down connections that carried data": lambda flow: [
        flow(i, 443, conn_state="RSTO", dst_ip=f"192.0.2.{i}", bytes_out=900, bytes_in=4000) for i in range(200)
    ],
    "a server's answers to many clients": lambda flow: [
        flow(i, 30000 + i, src_ip="192.0.2.53", src_port=53, dst_ip="192.0.2.10", protocol="udp") for i in range(200)
    ],
    "the resets of a scanned victim": lambda flow: [
        flow(i, 40000 + i, src_ip="192.0.2.10", src_port=1 + i, dst_ip="198.51.100.7", conn_state="REJ") for i in range(200)
    ],
    "a client whose resolver is silent": lambda flow: [
        flow(i, 53, src_port=20000 + i, protocol="udp") for i in range(500)
    ],
    "a resolver that asks many servers": lambda flow: [
        flow(i, 53, dst_ip=f"192.0.2.{i}", protocol="udp") for i in range(200)
    ],
    "QUIC to many sites": lambda flow: [flow(i, 443, dst_ip=f"192.0.2.{i}", protocol="udp") for i in range(200)],
    "multicast": lambda flow: [flow(i, 5000, dst_ip=f"239.255.0.{i}", protocol="udp") for i in range(200)],
    "broadcast": lambda flow: [flow(i, 137, dst_ip=f"10.0.{i}.255", protocol="udp") for i in range(200)],
    "IPv6 multicast": lambda flow: [flow(i, 5000, dst_ip=f"ff02::1:{i:x}", protocol="udp") for i in range(200)],
    "traceroute": lambda flow: [flow(i / 10, 33434 + i % 100, protocol="udp") for i in range(300)],
    "ICMP types": lambda flow: [flow(i, i, protocol="icmp", conn_state="OTH") for i in range(200)],
    "one dead server tried again and again": lambda flow: [flow(i, 80) for i in range(500)],
}  # fmt: skip


@pytest.mark.parametrize("lookalike", sorted(LOOKALIKES))
def test_no_scan(workspace: Any, flow: Builder, lookalike: str) -> None:
    assert workspace.find("port-scan", workspace.add(LOOKALIKES[lookalike](flow))) == []


# -- scored by the networks ------------------------------------------------------------------------------------------


def score(workspace: Any, model: str, value: str, score: float, label: str) -> None:
    explanation = json.dumps([{"field": "characters", "value": value, "weight": 0.7}])
    with workspace.store.transaction() as tx:
        tx.execute(
            "INSERT INTO scores VALUES ($m, $v, $s, $l, $e)",
            {"m": model, "v": value, "s": score, "l": label, "e": explanation},
        )


def test_a_scored_parameter_makes_a_web_attack(workspace: Any, web: Builder) -> None:
    score(workspace, "query", "1'+OR+'1'='1", 0.98, "sqli")
    score(workspace, "query", "42", 0.01, "benign")
    events = [
        web(i, "/item", url_query="id=1'+OR+'1'='1&n=42", http_method="GET", url_host="shop.example") for i in range(3)
    ]
    (found,) = workspace.find("web-attack", workspace.add([*events, web(9, "/item", url_query="n=42")]), threshold=0.5)
    assert found["title"] == "Web attack (sqli) by 203.0.113.9"
    assert (found["severity"], found["score"], found["event_count"]) == ("high", 0.98, 3)
    assert (found["target"], found["techniques"], found["event_ids"]) == ("shop.example/item", ["T1190"], [1, 2, 3])
    assert explained(found) == {
        "url_query": "1'+OR+'1'='1", "requests that reached something (2xx, 5xx)": "3 of 3",
        "characters": "1'+OR+'1'='1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "value", "severity"),
    [(404, 0.99, "medium"), (200, 0.99, "high"), (500, 0.99, "high"), (404, 0.6, "low"), (200, 0.6, "medium"), (None, 0.6, "medium")],
)  # fmt: skip
def test_an_attack_that_reached_something_is_graver(
    workspace: Any, web: Builder, status: int | None, value: float, severity: str
) -> None:
    score(workspace, "query", "/x/../../etc/passwd", value, "traversal")
    window = workspace.add([web(0, "/x/../../etc/passwd", http_status=status)])
    (found,) = workspace.find("web-attack", window, threshold=0.5)
    assert found["severity"] == severity


def test_a_request_counts_once_under_its_worst_text(workspace: Any, web: Builder) -> None:
    score(workspace, "query", "<script>", 0.9, "xss")
    score(workspace, "query", "' or 1", 0.95, "sqli")
    found = workspace.find("web-attack", workspace.add([web(0, "/a", url_query="p=<script>&q=' or 1")]), threshold=0.5)
    assert [(f["techniques"], f["event_count"]) for f in found] == [(["T1190"], 1)]


def test_values_below_the_threshold_are_no_attack(workspace: Any, web: Builder) -> None:
    score(workspace, "query", "select", 0.69, "sqli")
    assert workspace.find("web-attack", workspace.add([web(0, "/a", url_query="q=select")]), threshold=0.7) == []


def test_the_paths_of_a_scanner_are_one_alert(workspace: Any, web: Builder) -> None:
    score(workspace, "query", "../etc", 0.9, "traversal")
    found = workspace.find(
        "web-attack", workspace.add([web(i, f"/p{i}", url_query="f=../etc") for i in range(40)]), threshold=0.5
    )
    assert (len(found), len({f["alert_key"] for f in found})) == (40, 1)


def test_ten_thousand_anomalous_flows_are_one_finding(workspace: Any, flow: Builder) -> None:
    window = workspace.add([flow(i / 10, 4444) for i in range(10_000)])
    with workspace.store.transaction() as tx:
        tx.execute(
            "INSERT INTO scores SELECT 'flow', event_id::VARCHAR, 0.6 + event_id / 50000.0, 'anomaly',"
            ' \'[{"field":"bytes_out","value":"\' || event_id || \'","weight":1.0}]\' FROM events'
        )
    (found,) = workspace.find("flow-anomaly", window, threshold=0.5)
    assert (found["event_count"], round(found["score"], 3), found["severity"]) == (10_000, 0.8, "medium")
    assert explained(found) == {"bytes_out": "10000"}
    assert found["event_ids"][0] == 10_000
    assert (found["src_ip"], found["dst_ip"], found["dst_port"]) == ("198.51.100.7", "192.0.2.10", 4444)


def test_flows_of_an_earlier_window_stay_counted(workspace: Any, flow: Builder) -> None:
    first = workspace.add([flow(i, 4444) for i in range(3)])
    second = workspace.add([flow(10 + i, 4444) for i in range(2)])
    for number in range(1, 6):
        score(workspace, "flow", str(number), 0.9, "anomaly")
    (before,), (after,) = (workspace.find("flow-anomaly", window, threshold=0.5) for window in (first, second))
    assert before == after
    assert after["event_count"] == 5


def test_severities_are_words_of_the_product(workspace: Any, ssh: Builder, flow: Builder) -> None:
    findings = workspace.detect(workspace.add([*(ssh(i) for i in range(30)), *(flow(i, i + 1) for i in range(300))]))
    assert {Severity.parse(word).word for word in findings["severity"].to_pylist()} == set(
        findings["severity"].to_pylist()
    )
