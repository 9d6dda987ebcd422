"""The far end of the wire, in memory: Arrow tables in the shape that the engine sends.

It stands in for the connection only (no room of the system is replaced); the same console runs against the real
engine in tests/e2e. ``Wire`` can be slow, failing, hanging and hostile, which a real engine cannot be on demand.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from soc_tui.core.errors import EngineError

START = datetime(2026, 11, 2, 14, 3, 22)
KINDS = [
    ("critical", 0.97, "SSH password guessing that succeeded", "intrusion", "ssh-brute-force", ["T1110.001", "T1078"]),
    ("high", 0.91, "SQL injection in parameter id of /catalog/item.php", "web-attack", "query-model", ["T1190"]),
    ("high", 0.86, "Port scan of 412 ports", "intrusion", "port-scan", ["T1046"]),
    ("medium", 0.64, "Unusual flow: long, one-sided, to a rare port", "trojan", "flow-model", ["T1571"]),
    ("low", 0.31, "Login page hit 60 times in ten minutes", "web-attack", "web-login-brute-force", ["T1110.003"]),
    ("info", 0.12, "Zeek notice: SSL certificate expired", "intrusion", "zeek-notice", []),
]
ALERT_SCHEMA = pa.schema(
    [
        ("alert_id", pa.int64()), ("time", pa.timestamp("us")), ("time_last", pa.timestamp("us")),
        ("risk_type", pa.string()), ("severity", pa.string()), ("score", pa.float64()), ("title", pa.string()),
        ("detector", pa.string()), ("src_ip", pa.string()), ("dst_ip", pa.string()), ("dst_port", pa.int32()),
        ("host", pa.string()), ("user_name", pa.string()), ("target", pa.string()), ("event_count", pa.int64()),
        ("finding_count", pa.int64()), ("techniques", pa.list_(pa.string())), ("explanation", pa.string()),
        ("event_ids", pa.list_(pa.int64())), ("state", pa.string()), ("incident_id", pa.int64()),
        ("knowledge_id", pa.string()), ("suppressed_by", pa.int64()),
    ]
)  # fmt: skip


def make_alert(alert_id: int) -> dict[str, Any]:
    """One realistic alert."""
    severity, score, title, risk, detector, techniques = KINDS[(alert_id - 1) % len(KINDS)]
    address = f"203.0.113.{(alert_id - 1) % 250 + 1}"
    return {
        "alert_id": alert_id, "time": START - timedelta(minutes=3 * alert_id), "time_last": START, "risk_type": risk,
        "severity": severity, "score": score, "title": title, "detector": detector, "src_ip": address,
        "dst_ip": "10.20.0.5", "dst_port": 22 if "SSH" in title else 443, "host": "web1", "user_name": "root",
        "target": "sshd", "event_count": 1204 + alert_id, "finding_count": 12, "techniques": techniques,
        "explanation": json.dumps([
            {"field": "failed logins", "value": "512 in 10 min", "weight": 0.61},
            {"field": "accounts tried", "value": "44", "weight": 0.22},
            {"field": "login that followed", "value": "root, success", "weight": 0.14},
            {"field": "known address", "value": "no", "weight": -0.06},
        ]),
        "event_ids": [1, 2, 3], "state": "open", "incident_id": 1 + (alert_id - 1) // 6, "knowledge_id": "KB-SSH-01",
    }  # fmt: skip


class Wire:
    """A link to an engine in memory.

    Args:
        alerts: how many alerts there are.
        payload: text put into every field that comes from data.
        rotate: several such texts, each field gets the next one.
    """

    def __init__(self, alerts: int = 19, payload: str = "", rotate: Sequence[str] = ()) -> None:
        self.payload = payload or "".join(rotate[:1])
        self._rotation = itertools.cycle(rotate) if rotate else None
        self.alert_list = [make_alert(i + 1) for i in range(alerts)]
        self.revision = 1
        self.events = 2000
        self.demo = False
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fail: dict[str, Exception] = {}
        self.delay: dict[str, float] = {}
        self.hang: dict[str, threading.Event] = {}
        self.closed = False
        self.total_known = True
        self.suppressions: list[dict[str, Any]] = []

    # --- Link ----------------------------------------------------------------------------------
    def query(self, name: str, **params: Any) -> pa.Table:
        self._arrive(name, params)
        table: pa.Table = getattr(self, f"_query_{name}")(**params)
        return table

    def command(self, name: str, **params: Any) -> dict[str, Any]:
        self._arrive(name, params)
        answer: dict[str, Any] = getattr(self, f"_command_{name}")(**params)
        return answer

    def close(self) -> None:
        self.closed = True

    def _arrive(self, name: str, params: dict[str, Any]) -> None:
        self.calls.append((name, params))
        if self.closed:
            raise EngineError("the connection is closed", remedy="connect again")
        if name in self.hang:
            self.hang[name].wait()
        if name in self.delay:
            time.sleep(self.delay[name])
        if name in self.fail:
            raise self.fail[name]

    def named(self, name: str) -> list[dict[str, Any]]:
        """The parameters of every call by that name."""
        return [params for called, params in self.calls if called == name]

    def _text(self, text: str) -> str:
        payload = next(self._rotation) if self._rotation is not None else self.payload
        return f"{payload}{text}{payload}" if payload else text

    def _dirty(self, row: dict[str, Any], keep: set[str]) -> dict[str, Any]:
        """Put the payload into every text of a row."""
        return row if not self.payload else {k: v if k in keep else self._dirty_value(v) for k, v in row.items()}

    def _dirty_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._dirty_value(item) for item in value]
        if isinstance(value, dict):
            return {key: self._dirty_value(item) for key, item in value.items()}
        return value

    # --- queries -------------------------------------------------------------------------------
    def _query_alerts(self, filter: str, limit: int, offset: int, suppressed: bool = False) -> pa.Table:
        listed = [a for a in self.alert_list if suppressed or a.get("suppressed_by") is None]
        found = [a for a in listed if self._matches(a, filter)]
        rows = []
        for alert in found[offset : offset + limit]:
            row = self._dirty(alert, {"severity", "state", "explanation"})
            if self.payload:
                row["explanation"] = json.dumps(self._dirty_value(json.loads(alert["explanation"])))
            rows.append(row)
        table = pa.Table.from_pylist(rows, schema=ALERT_SCHEMA)
        return table.replace_schema_metadata({"total": str(len(found))}) if self.total_known else table

    @staticmethod
    def _matches(alert: dict[str, Any], text: str) -> bool:
        if found := re.fullmatch(r"id:A(\d+)", text):
            return bool(alert["alert_id"] == int(found[1]))
        if found := re.fullmatch(r"(\w+):(\S+)", text):
            key = {"src": "src_ip", "risk": "risk_type"}.get(found[1], found[1])
            return bool(alert[key] == found[2])
        return text.lower() in alert["title"].lower()

    def _query_suppressions(self, all: bool) -> pa.Table:
        names = ("filter", "reason", "created_by", "state")
        rows = [
            {**self._dirty(row, {"state"}), "created": START, "expires": START + timedelta(days=30),
             "hides": sum(a.get("suppressed_by") == row["suppression_id"] for a in self.alert_list)}
            for row in reversed(self.suppressions) if all or row["ended"] is None
        ]  # fmt: skip
        if not rows:
            return pa.table(
                {"suppression_id": pa.array([], pa.int64()), **dict.fromkeys(names, pa.array([], pa.string()))}
            )
        return pa.Table.from_pylist(rows)

    def _query_evidence(self, alert_id: int, limit: int) -> pa.Table:
        line = "Nov  2 14:03:{:02d} web1 sshd[4242]: Failed password for root from 203.0.113.{} port 51022 ssh2"
        return pa.Table.from_pylist(
            [
                self._dirty(
                    {"event_id": i, "time": START, "source": "/var/log/auth.log", "offset": 10_000 + 98 * i,
                     "length": 97, "line": line.format(i % 60, alert_id % 250), "message": "Failed password"},
                    set(),
                )
                for i in range(min(limit, 12))
            ]
        )  # fmt: skip

    def _query_clues(self, incident_id: int) -> pa.Table:
        nodes = [
            (1, None, "incident", "SSH intrusion on web1 by 203.0.113.1", "three alerts of one source", None, False),
            (2, 1, "reconnaissance", "scanned 412 ports of 10.20.0.0/24", "same source, 20 min before", 3, False),
            (3, 1, "access", "guessed passwords of 44 accounts on web1", "same source and host", 1, False),
            (4, 3, "access", "logged in as root", "success after 512 failures", 1, False),
            (5, 4, "privilege", "sudo to uid 0 by root", "same host, 2 min after", None, True),
            (6, 1, "web", "SQL injection in /catalog/item.php", "same source", 2, False),
        ]
        rows = [
            self._dirty(
                {"incident_id": incident_id, "node_id": n, "parent_id": p, "kind": kind, "label": label, "why": why,
                 "time": START + timedelta(minutes=n), "tactic": "credential-access", "technique": "T1110",
                 "alert_id": alert, "event_ids": [n], "circumstantial": guess},
                {"kind"},
            )
            for n, p, kind, label, why, alert, guess in nodes
        ]  # fmt: skip
        return pa.Table.from_pylist(rows)

    def _query_attacker(self, address: str) -> pa.Table:
        row = {
            "address": address, "address_class": "public", "first_seen": START - timedelta(days=1), "last_seen": START,
            "event_count": 1204, "alert_count": 3, "targets": ["web1", "db1"], "users": ["root", "admin"],
            "user_agents": ["sqlmap/1.8"], "techniques": ["T1110", "T1190"], "incident_ids": [1], "severity": "high",
        }  # fmt: skip
        return pa.Table.from_pylist([self._dirty(row, {"severity"})])

    def _query_address(self, address: str) -> pa.Table:
        row = {"ip": address, "class": "public", "own": False, "asset": "web1", "owner": "ops", "criticality": "high",
               "country": "DE", "city": "Bonn", "asn": 64500, "as_org": "Example Net", "name": "host.example"}  # fmt: skip
        hit = {"value": "203.0.113.0/24", "severity": "high", "source": "feed", "description": "C2"}
        return pa.Table.from_pylist([{**self._dirty(row, {"ip"}), "indicators": [self._dirty(hit, {"severity"})]}])

    def _query_events(self, filter: str, limit: int, before_id: int | None) -> pa.Table:
        top = self.events if before_id is None else before_id - 1
        rows = [
            self._dirty(
                {"event_id": i, "time": START + timedelta(seconds=i), "class_uid": 3002, "product": "sshd",
                 "log_name": "auth", "host": "web1", "user_name": "root", "src_ip": "203.0.113.1", "dst_ip": None,
                 "dst_port": 22, "status": "failure", "severity": "low", "message": f"Failed password, event {i}",
                 "extra": "{}"},
                {"severity", "status"},
            )
            for i in range(top, max(0, top - limit), -1)
            if not filter or filter in f"Failed password, event {i}"
        ]  # fmt: skip
        return pa.Table.from_pylist(rows) if rows else pa.table({"event_id": pa.array([], pa.int64())})

    def _query_status(self) -> pa.Table:
        names = ("management", "knowledge", "acquisition", "detection", "analysis", "protection", "remote")
        rows = [
            self._dirty(
                {"module": name, "state": "running", "last_activity": START, "lag": 0,
                 "last_error": "sensor not reachable" if name == "remote" else ""},
                {"state"},
            )
            for name in names
        ]  # fmt: skip
        return pa.Table.from_pylist(rows)

    def _query_sources(self) -> pa.Table:
        row = {"path": "/var/log/auth.log", "format": "syslog", "records_read": 100, "records_stored": 99,
               "records_rejected": 1, "state": "active", "error": ""}  # fmt: skip
        return pa.Table.from_pylist([self._dirty(row, {"state"})])

    # --- commands ------------------------------------------------------------------------------
    def _command_pulse(self) -> dict[str, Any]:
        by_severity: dict[str, int] = {}
        for alert in self.alert_list:
            by_severity[alert["severity"]] = by_severity.get(alert["severity"], 0) + 1
        return {
            "revision": self.revision, "events": self.events, "alerts": len(self.alert_list),
            "alerts_suppressed": sum(alert.get("suppressed_by") is not None for alert in self.alert_list),
            "alerts_open": len(self.alert_list), "by_severity": by_severity, "incidents": 4, "lag_bytes": 0,
            "demo": self.demo, "workspace": self._text("/var/lib/soc-tui"),
        }  # fmt: skip

    def _command_propose_suppression(self, alert_id: int) -> dict[str, Any]:
        return {"alert_id": alert_id, "filter": self._text(f"src:{make_alert(alert_id)['src_ip']}")}

    def _command_suppress(self, filter: str, reason: str = "", days: int = 30, apply: bool = False) -> dict[str, Any]:
        found = [a for a in self.alert_list if a.get("suppressed_by") is None and self._matches(a, filter)]
        by_severity = {w: sum(a["severity"] == w for a in found) for w in ("critical", "high", "medium", "low", "info")}
        whole = [self._text("the filter fits any alert")] if not filter.strip() else []
        answer = {
            "filter": filter, "reason": reason, "hides": len(found), "of": len(self.alert_list), "incidents": 1,
            "already_hidden": 0, "by_severity": by_severity, "by_detector": {self._text("port-scan"): len(found)},
            "examples": [self._dirty({k: a[k] for k in ("alert_id", "severity", "title")}, set()) for a in found[:5]],
            "warnings": [self._text("hides 1 critical")], "refusals": whole, "expires": "2026-12-02T14:03:22Z",
            "applied": apply, "suppression_id": None,
        }  # fmt: skip
        if apply:
            if whole or not reason.strip():
                raise EngineError(self._text("a suppression needs a reason"))
            number = len(self.suppressions) + 1
            for alert in found:
                alert["suppressed_by"] = number
            row = {"suppression_id": number, "filter": filter, "reason": reason, "created_by": "root", "ended": None}
            self.suppressions.append({**row, "state": "in force"})
            self.revision += 1
            return {**answer, "suppression_id": number}
        return answer

    def _command_unsuppress(self, suppression_id: int) -> dict[str, Any]:
        shown = [a for a in self.alert_list if a.get("suppressed_by") == suppression_id]
        for alert in shown:
            alert["suppressed_by"] = None
        self.suppressions[suppression_id - 1].update(ended=START, state="undone")
        self.revision += 1
        return {"suppression_id": suppression_id, "changed": True, "shows": len(shown),
                "message": f"{len(shown)} alerts are shown again"}  # fmt: skip

    def _command_knowledge(self, subject: str) -> dict[str, Any]:
        entry = {
            "summary": "Somebody tries many passwords over SSH. When a login follows the failures, treat the account "
            "and the host as taken over.",
            "recognise": ["many failed logins of one source within minutes", "a success after them"],
            "verify": ["look for a login of the same source that succeeded", "ask the owner of the account"],
            "false_positives": ["a script with an old password", "a vulnerability scanner of your own"],
            "contain": ["block the source for an hour", "lock the account that was entered"],
            "eradicate": ["remove keys and cron jobs that appeared since"], "recover": ["set a new password"],
            "notify": ["the owner of the host"], "references": ["https://attack.mitre.org/techniques/T1110/"],
            "source": "own", "licence": "Apache-2.0",
        }  # fmt: skip
        matches = [
            {"id": "KB-SSH-01", "title": "SSH brute force", "why": "detector and technique T1110 match", "score": 0.93,
             "entry": entry},
            {"id": "KB-ACC-02", "title": "Stolen account", "why": "technique T1078 matches", "score": 0.41,
             "entry": {**entry, "summary": "An account is used by somebody else."}},
        ]  # fmt: skip
        return {"matches": [self._dirty(match, set()) for match in matches]}

    def _command_plan(self, subject: str, action: str, ssh_connection: str) -> dict[str, Any]:
        steps = [
            {"mode": "one-key", "text": "Block the source for an hour", "action": "block-ip", "target": "203.0.113.1",
             "params": {"minutes": 60}},
            {"mode": "manual", "text": "Ask the owner of the account", "action": "", "target": "", "params": {}},
            {"mode": "one-key", "text": "Block the gateway", "action": "block-ip", "target": "10.0.0.1", "params": {}},
        ]  # fmt: skip
        previews = [
            {"step": 0, "action": "block-ip", "target": "203.0.113.1", "allowed": True, "refusals": [],
             "commands": ["nft add element inet soc_tui blocked4 { 203.0.113.1 timeout 3600s }"],
             "affected": ["1 session from 203.0.113.1 to port 22"], "undo": "nft delete element inet soc_tui blocked4 "
             "{ 203.0.113.1 }", "expires": "2026-11-02 15:03:22"},
            {"step": 2, "action": "block-ip", "target": "10.0.0.1", "allowed": False,
             "refusals": ["10.0.0.1 is the default gateway"], "commands": [], "affected": [], "undo": "",
             "expires": ""},
        ]  # fmt: skip
        dirty_steps = [self._dirty(step, {"mode"}) for step in steps]
        return {"knowledge_id": self._text("KB-SSH-01"), "title": self._text("SSH brute force"), "steps": dirty_steps,
                "previews": [self._dirty(p, set()) for p in previews]}  # fmt: skip

    def _command_apply(self, subject: str, step: int, ssh_connection: str) -> dict[str, Any]:
        return {"action_id": 7, "state": "applied", "message": self._text("203.0.113.1 is blocked"), "verified": True,
                "expires": "2026-11-02 15:03:22"}  # fmt: skip

    def _command_undo(self, action_id: int | None) -> dict[str, Any]:
        return {"action_id": 7, "state": "undone", "message": self._text("203.0.113.1 is free again")}

    def _command_set_state(self, alert_ids: list[int], state: str) -> dict[str, Any]:
        for alert in self.alert_list:
            if alert["alert_id"] in alert_ids:
                alert["state"] = state
        self.revision += 1
        return {"changed": len(alert_ids)}
