"""Expert knowledge becomes a plan; what an attacker wrote never becomes a target or a command."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis.processing import fill, repair_plan
from soc_tui.core.types import PlanStep
from soc_tui.knowledge.entry import Entry
from soc_tui.knowledge.library import Library

LIBRARY = Library()
SSH = LIBRARY.get("ssh-brute-force")


def test_a_plan_for_an_alert() -> None:
    plan = repair_plan({"alert_id": 12, "src_ip": "203.0.113.7"}, SSH)
    assert (plan.subject_id, plan.knowledge_id, plan.title) == ("A12", "K-0001", "SSH password guessing")
    assert [step.mode for step in plan.steps] == ["manual", "one-key", "manual"]
    assert plan.steps[1] == PlanStep(
        "one-key", "Block 203.0.113.7 on this machine for four hours.", "block-ip", "203.0.113.7", {"minutes": 240}
    )
    assert json.loads(json.dumps(plan.as_dict()))["steps"][1]["target"] == "203.0.113.7"


def test_an_incidents_attacker_is_the_source() -> None:
    plan = repair_plan({"incident_id": "I3", "attacker": "::ffff:203.0.113.7"}, SSH)
    assert plan.subject_id == "I3"
    assert repair_plan({"subject_id": "I3", "alert_id": 12}, SSH).subject_id == "I3"
    assert repair_plan({}, SSH).subject_id == ""
    assert plan.steps[1].target == "203.0.113.7"


@pytest.mark.parametrize("source", [None, "", "evil.example", "203.0.113.0/24", "fe80::1%eth0", "1.2.3.4; reboot", 7])
def test_without_an_address_the_step_becomes_manual(source: object) -> None:
    step = repair_plan({"alert_id": 1, "src_ip": source}, SSH).steps[1]
    assert (step.mode, step.action, step.target) == ("manual", "", "")
    assert step.text == (
        "Block <src_ip> on this machine for four hours. (not done by block-ip: the alert names no usable src_ip)"
    )


@pytest.mark.parametrize(
    ("src", "dst", "target"),
    [("10.0.0.5", "198.51.100.9", "198.51.100.9"), ("198.51.100.9", "10.0.0.5", "198.51.100.9"),
     ("198.51.100.9", "203.0.113.2", "198.51.100.9"), ("10.0.0.5", "10.0.0.6", ""), ("fd00::5", "2001:db8::9", "2001:db8::9"),
     (None, "198.51.100.9", "198.51.100.9"), (None, None, "")],
)  # fmt: skip
def test_the_outside_address_is_the_one_that_is_not_ours(src: str | None, dst: str | None, target: str) -> None:
    plan = repair_plan({"alert_id": 1, "src_ip": src, "dst_ip": dst}, LIBRARY.get("command-and-control"))
    assert plan.steps[2].target == target
    assert (plan.steps[2].mode == "one-key") == bool(target)


@pytest.mark.parametrize(
    "name", ["$(reboot)", "a b", "-rf", "x;y", "`id`", "a\nb", "", "ü", "a" * 65, "../x", "{src_ip}"]
)
def test_a_hostile_name_is_never_put_into_a_command(name: str) -> None:
    assert fill("passwd -l {user_name}", {"user_name": name}) == "passwd -l <user_name>"


def test_harmless_values_are_filled_in() -> None:
    values = {"user_name": "www-data", "host": "web1.example.org", "dst_port": 22, "dst_ip": "2001:DB8::0001"}
    text = "{user_name} {host} {dst_port} {dst_ip} {src_ip} {other} awk '{print $1}'"
    assert fill(text, values) == "www-data web1.example.org 22 2001:db8::1 <src_ip> {other} awk '{print $1}'"


@pytest.mark.parametrize("entry", LIBRARY.entries, ids=lambda entry: entry.slug)
def test_every_entry_makes_a_plan_that_can_be_run(entry: Entry) -> None:
    alert = {"alert_id": 1, "src_ip": "203.0.113.7", "dst_ip": "10.0.0.5", "user_name": "bob", "host": "web1"}
    plan = repair_plan(alert, entry)
    assert len(plan.steps) == len(entry.plan)
    assert all(step.target == "203.0.113.7" for step in plan.steps if step.action == "block-ip")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_makes_a_step_that_a_machine_would_run(source: str, user: str) -> None:
    plan = repair_plan({"alert_id": 1, "src_ip": source + "x", "user_name": user}, SSH)
    assert all(step.mode == "manual" for step in plan.steps)
