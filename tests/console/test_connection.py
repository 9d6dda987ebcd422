"""Pulse and back-off."""

from __future__ import annotations

from soc_tui.console.connection import BACK_OFF, Pulse, ssh_connection


def test_pulse_reads_what_is_there_and_keeps_defaults() -> None:
    pulse = Pulse.read({"revision": 3, "events": 7, "unknown": 1, "workspace": None})
    assert (pulse.revision, pulse.events, pulse.workspace, pulse.by_severity) == (3, 7, "", {})


def test_back_off_grows_and_stays_bounded() -> None:
    assert list(BACK_OFF) == sorted(BACK_OFF)
    assert BACK_OFF[0] < 1 < BACK_OFF[-1] <= 30


def test_ssh_connection_is_that_of_the_analyst(monkeypatch) -> None:
    assert ssh_connection() == ""
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.9 22")
    assert ssh_connection() == "192.0.2.7 50000 192.0.2.9 22"
