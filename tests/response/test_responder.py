"""The order of calls around an action, without a kernel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.errors import GuardError, ResponseError
from soc_tui.core.settings import ResponseSettings
from soc_tui.core.types import PlanStep
from soc_tui.response.actions import ActionPreview
from soc_tui.response.block_ip import BlockIp
from soc_tui.response.guards import GuardContext
from soc_tui.response.nft import Nft, by_hand
from soc_tui.response.responder import Responder

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
STEP = PlanStep("one-key", "block it", "block-ip", "203.0.113.7")


def responder(nft: Path, **settings: Any) -> Responder:
    return Responder(ResponseSettings(**settings), [BlockIp(Nft(nft), default_minutes=60)])


def test_block_ip_ships() -> None:
    assert Responder(ResponseSettings()).names == ("block-ip",)


@pytest.mark.parametrize("action", ["", "format-disk"])
def test_an_unknown_action_is_an_error(action: str) -> None:
    with pytest.raises(ResponseError) as caught:
        Responder(ResponseSettings()).preview(PlanStep("manual", "talk", action, "x"), GuardContext(), NOW)
    assert caught.value.remedy == "known actions: block-ip"


def test_switched_off_means_preview_only(fake_nft: Callable[[str], Path]) -> None:
    off = responder(fake_nft("No such file or directory"), enabled=False)
    preview = off.preview(STEP, GuardContext(), NOW)
    assert preview.notes == ("responses are switched off (response.enabled = false): preview only",)
    assert preview.script
    with pytest.raises(ResponseError, match="switched off"):
        off.apply(preview, GuardContext(), NOW)


def test_a_kept_preview_reads_back_the_same(fake_nft: Callable[[str], Path]) -> None:
    hands = responder(fake_nft("No such file or directory"))
    preview = hands.preview(STEP, GuardContext(), NOW, subject_id="A7", affected=["one", "two"])
    assert ActionPreview.from_dict(preview.as_dict()) == preview
    refused = hands.preview(PlanStep("one-key", "", "block-ip", "::1"), GuardContext(), NOW)
    assert ActionPreview.from_dict(refused.as_dict()) == refused
    with pytest.raises(ResponseError, match="cannot be read"):
        ActionPreview.from_dict({"action": "block-ip"})


def test_guards_are_asked_again_before_apply(fake_nft: Callable[[str], Path]) -> None:
    hands = responder(fake_nft("No such file or directory"))
    preview = hands.preview(STEP, GuardContext(), NOW)
    now_logged_in = GuardContext(ssh_peers=frozenset({ip_address("203.0.113.7")}))
    with pytest.raises(GuardError, match="logged in to this machine over SSH"):
        hands.apply(preview, now_logged_in, NOW)


def test_without_permission_the_preview_stands_and_apply_says_what_to_run(fake_nft: Callable[[str], Path]) -> None:
    hands = responder(fake_nft("Operation not permitted (you must be root)"))
    preview = hands.preview(STEP, GuardContext(), NOW)
    assert "not permitted to use nftables" in preview.notes[0]
    assert preview.script.endswith("}\n")
    with pytest.raises(ResponseError) as caught:
        hands.apply(preview, GuardContext(), NOW)
    assert caught.value.remedy == f"run by hand as root:\n{by_hand(preview.script)}"


def test_nothing_to_undo_is_no_error() -> None:
    result = Responder(ResponseSettings()).undo({}, NOW)
    assert (result.state, result.changed) == ("undone", False)
