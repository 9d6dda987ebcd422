"""The repair dialog: shows everything, runs only on a clear yes, shows the result, takes it back."""

from __future__ import annotations

import threading

from console_wire import Wire
from textual.widgets import Button

from soc_tui.console.screens.repair import RepairScreen
from soc_tui.console.screens.undo import UndoScreen
from soc_tui.core.errors import EngineError


async def opened(app, pilot, until) -> RepairScreen:
    await pilot.press("r")
    await until(pilot, lambda: isinstance(app.screen, RepairScreen) and "runs step" in app.screen.pane.plain)
    return app.screen


def of_sixty_commands(wire: Wire, monkeypatch, command: str) -> None:
    """Make the plan's first step as long as sixty commands; ``{}`` in each is its number."""
    plan, long = wire._command_plan, [command.format(i) for i in range(60)]
    monkeypatch.setattr(
        wire, "_command_plan", lambda **k: {**plan(**k), "previews": [{**plan(**k)["previews"][0], "commands": long}]}
    )


async def test_the_whole_plan_is_shown_and_cancel_has_the_focus(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        for text in (
            "1. one-key    Block the source for an hour", "$ nft add element inet soc_tui blocked4",
            "affects  1 session from 203.0.113.1", "undo     nft delete element", "expires  2026-11-02 15:03:22",
            "2. manual     Ask the owner", "⊘ refused  10.0.0.1 is the default gateway", "y runs step 1",
        ):  # fmt: skip
            assert text in screen.pane.plain
        assert app.focused is screen.query_one("#cancel")
        assert screen.pane.size.height >= 12  # nothing is hidden by the layout
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.main)
        assert wire.named("apply") == []


async def test_y_runs_the_step_once_and_shows_the_verified_result(wire: Wire, run, until, monkeypatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.9 22")
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        await pilot.press("y")
        await until(pilot, lambda: "verified in the system" in screen.pane.plain)
        await pilot.press("y")
        assert wire.named("apply") == [{"subject": "A1", "step": 0, "ssh_connection": "192.0.2.7 50000 192.0.2.9 22"}]
        assert wire.named("plan")[0]["ssh_connection"] == "192.0.2.7 50000 192.0.2.9 22"
        assert "applied  action 7" in screen.pane.plain
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, UndoScreen))
        await pilot.press("y")
        await until(pilot, lambda: "203.0.113.1 is free again" in app.screen.pane.plain)
        assert wire.named("undo") == [{"action_id": 7}]


async def test_buttons_and_keys_show_however_long_the_plan_and_however_small_the_screen(
    wire, run, until, monkeypatch
) -> None:
    of_sixty_commands(wire, monkeypatch, "add rule number {}")
    async with run(wire, size=(80, 24)) as (app, pilot):
        screen = await opened(app, pilot, until)
        await pilot.pause()
        for button in screen.query(Button):
            assert button.region.height == 1
            assert app.screen.region.contains_region(button.region)
            assert screen.query_one("#dialog").content_region.contains_region(button.region)
        assert "y runs step 1" in screen.query_one("#dialog").border_subtitle
        await pilot.press("pagedown", "j")
        assert screen.pane.scroll_y > 5
        assert app.focused is screen.query_one("#cancel")


async def test_the_result_is_in_sight_below_a_long_plan(wire, run, until, monkeypatch) -> None:
    of_sixty_commands(
        wire, monkeypatch, "add rule number {} with so many words that the line has to wrap at this width"
    )
    async with run(wire, size=(80, 24)) as (app, pilot):
        screen = await opened(app, pilot, until)
        assert screen.pane.scroll_y == 0
        await pilot.press("y")
        await until(pilot, lambda: "u takes it back" in screen.pane.plain)
        await pilot.pause()
        assert screen.pane.scroll_y == screen.pane.max_scroll_y > 100
        await pilot.press("pageup", "k")
        read = screen.pane.scroll_y
        assert read < screen.pane.max_scroll_y - 5
        screen.pane.refresh(layout=True)
        await pilot.pause()
        assert screen.pane.scroll_y == read, "who reads the plan again is not pulled down"


async def test_a_paste_confirms_nothing(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        for key in ("x", "y", "y"):
            app.simulate_key(key)
        await pilot.pause()
        assert wire.named("apply") == []
        assert screen.query_one("#confirm", Button).disabled is False


async def test_a_refused_plan_cannot_be_confirmed(wire: Wire, run, until, monkeypatch) -> None:
    plan = wire._command_plan
    monkeypatch.setattr(
        wire,
        "_command_plan",
        lambda **k: {**plan(**k), "previews": [{**p, "allowed": False} for p in plan(**k)["previews"]]},
    )
    async with run(wire) as (app, pilot):
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RepairScreen) and "allow no step" in app.screen.pane.plain)
        await pilot.press("y")
        await pilot.pause()
        assert app.screen.query_one("#confirm", Button).disabled
        assert wire.named("apply") == []


async def test_a_failed_plan_and_a_failed_step_say_why(wire: Wire, run, until) -> None:
    wire.fail["apply"] = EngineError("nft is not there", remedy="install nftables")
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        await pilot.press("y")
        await until(pilot, lambda: "✕ failed" in screen.pane.plain)
        assert "nft is not there install nftables" in screen.pane.plain
        await pilot.press("escape")
        wire.fail["plan"] = EngineError("no such alert")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RepairScreen) and "no such alert" in app.screen.pane.plain)


async def test_leaving_while_a_step_runs_still_tells_the_result(wire: Wire, run, until) -> None:
    wire.hang["apply"] = threading.Event()
    async with run(wire) as (app, pilot):
        await opened(app, pilot, until)
        await pilot.press("y")
        await until(pilot, lambda: wire.named("apply"))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        wire.hang["apply"].set()
        await until(pilot, lambda: [n for n in app._notifications if "is blocked" in n.message])


async def test_undo_asks_first(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, UndoScreen))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.main)
        assert wire.named("undo") == []
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, UndoScreen))
        await pilot.press("y")
        await until(pilot, lambda: "undone" in app.screen.pane.plain)
        assert wire.named("undo") == [{"action_id": None}]
