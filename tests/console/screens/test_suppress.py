"""Suppressing from the console: a proposal, its effect while it is edited, a reason, one key; and taking it back."""

from __future__ import annotations

import time
import unicodedata

import pytest
from console_wire import Wire
from payloads import PAYLOADS
from textual.widgets import Button

from soc_tui.console.screens.suppress import SuppressScreen, preview_lines
from soc_tui.console.screens.suppressions import SuppressionsScreen, suppression_lines
from soc_tui.core.errors import EngineError, FilterError


async def opened(app, pilot, until) -> SuppressScreen:
    await pilot.press("x")
    await until(pilot, lambda: isinstance(app.screen, SuppressScreen) and "incidents whole" in app.screen.pane.plain)
    return app.screen


async def answered(screen: SuppressScreen, pilot, *keys: str) -> None:
    """Press keys as slowly as a person."""
    for key in keys:
        screen._last_key = time.monotonic() - 1
        await pilot.press(key)


async def test_a_proposal_is_shown_with_its_effect_and_nothing_is_hidden_by_looking(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        assert screen.filter.value == "src:203.0.113.1"
        for text in ("hides 1 of 19 alerts, 1 incidents whole", "1 critical", "0 high", "by       port-scan 1",
                     "A1 critical  SSH password guessing", "hides 1 critical"):  # fmt: skip
            assert text in screen.pane.plain
        assert screen.query_one("#confirm", Button).disabled, "there is no reason yet"
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        assert [call for call in wire.named("suppress") if call.get("apply")] == []


async def test_enter_leads_through_and_the_key_hides(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        await pilot.press("enter", *"our own", "enter")
        assert app.focused is screen.days
        await pilot.press("backspace", "backspace", "7", "enter")
        assert app.focused is screen.query_one("#confirm")
        await answered(screen, pilot, "y")
        await until(pilot, lambda: "S1 hides 1 alerts until" in screen.pane.plain)
        applied = [call for call in wire.named("suppress") if call.get("apply")]
        assert applied == [{"apply": True, "filter": "src:203.0.113.1", "reason": "our own", "days": 7}]
        await answered(screen, pilot, "y")
        assert len([call for call in wire.named("suppress") if call.get("apply")]) == 1
        await pilot.press("escape")
        await until(pilot, lambda: app.main.alerts.row_count() == 18)


async def test_the_effect_follows_what_is_typed(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        screen.filter.value = "risk:intrusion"
        await until(pilot, lambda: "hides 10 of 19" in screen.pane.plain)
        screen.filter.value = ""
        await until(pilot, lambda: "⊘ refused  the filter fits any alert" in screen.pane.plain)
        screen.reason.value = "why"
        await pilot.pause()
        assert screen.query_one("#confirm", Button).disabled
        wire.fail["suppress"] = FilterError("unknown field 'colour'", position=0, remedy="did you mean count:?")
        screen.filter.value = "colour:red"
        await until(pilot, lambda: "unknown field 'colour'" in screen.pane.plain)
        assert screen.query_one("#confirm", Button).disabled


@pytest.mark.parametrize(("reason", "days"), [("", "30"), ("   ", "30"), ("why", "0"), ("why", "")])
async def test_no_key_hides_without_a_reason_or_days(wire: Wire, run, until, reason: str, days: str) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        screen.reason.value, screen.days.value = reason, days
        screen.query_one("#cancel").focus()
        await answered(screen, pilot, "y")
        await pilot.pause()
        assert [call for call in wire.named("suppress") if call.get("apply")] == []


async def test_a_paste_hides_nothing(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        screen.reason.value = "why"
        screen.query_one("#cancel").focus()
        await pilot.pause()
        assert not screen.query_one("#confirm", Button).disabled
        for key in ("x", "y", "y"):
            app.simulate_key(key)
        await pilot.pause()
        assert [call for call in wire.named("suppress") if call.get("apply")] == []


async def test_a_refusal_of_the_engine_is_told_and_can_be_mended(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        screen.reason.value = "why"
        wire.fail["suppress"] = EngineError("the disk is full", remedy="free some")
        screen.query_one("#cancel").focus()
        await answered(screen, pilot, "y")
        await until(pilot, lambda: "✕ the disk is full free some" in screen.pane.plain)
        del wire.fail["suppress"]
        assert not screen.query_one("#confirm", Button).disabled
        await answered(screen, pilot, "y")
        await until(pilot, lambda: "S1 hides" in screen.pane.plain)


async def test_everything_shows_on_a_small_screen(wire: Wire, run, until) -> None:
    async with run(wire, size=(80, 24)) as (app, pilot):
        screen = await opened(app, pilot, until)
        await pilot.pause()
        for widget in (screen.filter, screen.reason, screen.days, *screen.query(Button)):
            assert widget.region.height == 1
            assert screen.query_one("#dialog").content_region.contains_region(widget.region)
        assert screen.pane.size.height >= 5


async def test_hidden_alerts_can_be_listed_and_shown_again(wire: Wire, run, until) -> None:
    wire._command_suppress("risk:web-attack", "why", apply=True)
    async with run(wire) as (app, pilot):
        assert app.main.alerts.row_count() == 13
        assert "6 suppressed, hidden" in app.main.alerts.border_subtitle
        await pilot.press("h")
        await until(pilot, lambda: app.main.alerts.row_count() == 19)
        assert "6 suppressed, shown" in app.main.alerts.border_subtitle
        assert "also suppressed" in app.main.alerts.border_title
        await pilot.press("j")
        await until(pilot, lambda: "by suppression S1" in app.main.detail.plain)
        await pilot.press("h")
        await until(pilot, lambda: app.main.alerts.row_count() == 13)
        await pilot.press("X")
        await until(
            pilot, lambda: isinstance(app.screen, SuppressionsScreen) and "hides 6 until" in app.screen.pane.plain
        )
        assert "risk:web-attack" in app.screen.pane.plain
        await pilot.press("u")
        await until(pilot, lambda: "undone" in app.screen.pane.plain)
        assert wire.named("unsuppress") == [{"suppression_id": 1}]
        await pilot.press("u", "escape")
        await until(pilot, lambda: app.main.alerts.row_count() == 19)
        assert len(wire.named("unsuppress")) == 1


async def test_the_list_chooses_among_those_in_force(wire: Wire, run, until) -> None:
    for text in ("src:203.0.113.1", "src:203.0.113.2", "src:203.0.113.3"):
        wire._command_suppress(text, "why", apply=True)
    async with run(wire) as (app, pilot):
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, SuppressionsScreen) and "S1" in app.screen.pane.plain)
        assert "▌ S3" in app.screen.pane.plain
        await pilot.press("right_square_bracket")
        assert "▌ S2" in app.screen.pane.plain
        await pilot.press("u")
        await until(pilot, lambda: wire.named("unsuppress") == [{"suppression_id": 2}])


async def test_without_suppressions_the_list_says_how_to_make_one(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, SuppressionsScreen) and "Press x" in app.screen.pane.plain)
        await pilot.press("u", "right_square_bracket")
        assert wire.named("unsuppress") == []


ACTIVE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize("payload", [p.encode("utf-8", "backslashreplace").decode() for p in PAYLOADS])
def test_hostile_text_is_inert(payload: str) -> None:
    wire = Wire(alerts=3, payload=payload)
    wire._command_suppress("id:A1", f"why{payload}", apply=True)
    shown = preview_lines({**wire.command("suppress", filter=""), "expires": payload})
    (row,) = wire._query_suppressions(all=True).to_pylist()
    for line in [*shown, *suppression_lines({**row, "state": payload, "created_by": payload}, chosen=True),
                 *suppression_lines({**row, "ended": row["created"], "state": payload}, chosen=False)]:  # fmt: skip
        assert not {hex(ord(c)) for c in line.plain if c != "\n" and unicodedata.category(c) in ACTIVE}


async def test_a_hostile_proposal_reaches_no_terminal(run, until) -> None:
    wire = Wire(payload="\x1b]0;x\x07[red]\u202e")
    async with run(wire, wait=False) as (app, pilot):
        await until(pilot, app.main.alerts.row_count)
        screen = await opened(app, pilot, until)
        text = "".join(segment.text for strip in app.screen._compositor.render_strips() for segment in strip)
        assert not {hex(ord(c)) for c in text if unicodedata.category(c) in ACTIVE}
        assert screen.filter.value.isprintable()
