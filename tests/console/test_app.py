"""The console as a whole: start, panes, live updates, errors, leaving."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from console_wire import Wire, make_alert

from soc_tui.console.app import ConsoleApp
from soc_tui.console.connection import EngineState
from soc_tui.console.screens.attacker import AttackerScreen
from soc_tui.console.screens.events import EventScreen, EventsScreen
from soc_tui.console.screens.help import HelpScreen
from soc_tui.console.screens.status import StatusScreen
from soc_tui.console.widgets.glyphs import ASCII, glyphs
from soc_tui.core.errors import EngineError, StoreError

ROOT = Path(__file__).resolve().parents[2]


def test_importing_the_console_imports_nothing_heavy() -> None:
    code = (
        "import sys, soc_tui.console.app\n"
        "print([m for m in ('duckdb', 'torch', 'pyarrow', 'numpy', 'watchdog', 'yaml') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "[]"


async def test_first_frame_is_painted_before_the_engine_is_asked(wire: Wire, run, until) -> None:
    gate = threading.Event()
    painted: list[bool] = []

    def connect() -> Wire:
        painted.append(bool(app.main.alerts.size.width))
        gate.wait()
        return wire

    app = ConsoleApp(connect, title="sensor-1", refresh_seconds=0.15)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: painted)
        assert painted == [True]
        assert "connecting" in app.main.status_line.plain or app.connection.state is EngineState.CONNECTING
        notice = "".join(app.main.alerts.render_line(y).text for y in range(6))
        assert "Connecting to the engine" in notice
        gate.set()
        await until(pilot, lambda: app.main.alerts.row_count() == 19)


async def test_four_panes_are_filled(wire: Wire, run) -> None:
    async with run(wire) as (app, _):
        main = app.main
        assert main.alerts.count_line == "1 of 19"
        assert main.alerts.alert_id == 1
        assert "SSH password guessing that succeeded" in main.detail.plain
        assert "failed logins" in main.detail.plain
        assert "+0.61" in main.detail.plain
        assert "−0.06" in main.detail.plain
        assert "/var/log/auth.log @10,000 +97" in main.detail.plain
        assert "How to recognise it" in main.knowledge.plain
        assert "└─ ? sudo to uid 0 by root" in main.clues.plain
        assert "‼ 4" in main.status_line.plain
        assert "✓ connected" in main.status_line.plain


async def test_everything_is_reachable_at_80x24(wire: Wire, run, until) -> None:
    async with run(wire, size=(80, 24)) as (app, pilot):
        main = app.main
        assert main.has_class("-narrow")
        assert main.alerts.size.height >= 4
        for key, pane in (("3", main.knowledge), ("4", main.clues), ("2", main.detail)):
            await pilot.press(key)
            await pilot.pause()
            assert pane.has_focus
            assert pane.size.height >= 6
            assert [p.display for p in (main.detail, main.knowledge, main.clues)].count(True) == 1
        await pilot.press("z")
        await pilot.pause()
        assert main.detail.size.height >= 18
        assert not main.alerts.display
        await pilot.press("escape")
        await pilot.pause()
        assert main.alerts.display


@pytest.mark.campaign
@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_zoom_shows_one_pane_alone_whichever_is_in_front(wire: Wire, run, size: tuple[int, int]) -> None:
    async with run(wire, size=size) as (app, pilot):
        panes = [app.main.alerts, app.main.detail, app.main.knowledge, app.main.clues]
        for front in ("detail", "knowledge", "clues"):
            for name in ("alerts", "detail", "knowledge", "clues"):
                app.main.action_pane(front)
                app.main.action_pane(name)  # the keys come as fast as two can be typed
                app.main.action_zoom()
                await pilot.pause()
                assert [pane.id for pane in panes if pane.region.height] == [name]
                assert app.main.query_one(f"#{name}").region.height == app.main.query_one("#panes").region.height
                app.main.action_zoom()
                await pilot.pause()


async def test_wide_screens_show_all_panes_at_once(wire: Wire, run) -> None:
    async with run(wire, size=(100, 30)) as (app, _):
        main = app.main
        assert all(p.display and p.size.height >= 8 for p in (main.alerts, main.detail, main.knowledge, main.clues))


async def test_keys_move_the_cursor_and_the_panes_follow(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("j", "j")
        assert app.main.alerts.alert_id == 3
        await until(pilot, lambda: wire.named("knowledge")[-1] == {"subject": "A3"})
        assert "Port scan of 412 ports" in app.main.detail.plain
        await pilot.press("G")
        assert app.main.alerts.alert_id == 19
        await pilot.press("g")
        assert app.main.alerts.alert_id == 1
        await pilot.press("tab")
        assert not app.main.alerts.has_focus
        await pilot.press("shift+tab")
        assert app.main.alerts.has_focus
        await pilot.press("enter")
        assert app.main.detail.has_focus


async def test_live_updates_never_move_the_selection(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("j", "j", "j")
        assert app.main.alerts.alert_id == 4
        for number in (100, 101, 102):
            wire.alert_list.insert(0, make_alert(number))
        wire.revision += 1
        await until(pilot, lambda: app.main.alerts.row_count() == 22)
        assert app.main.alerts.alert_id == 4
        assert app.main.alerts.cursor == 6
        assert app.main.alerts.count_line == "7 of 22"


async def test_nothing_is_asked_again_while_nothing_changes(wire: Wire, run, until) -> None:
    async with run(wire) as (_, pilot):
        before = [name for name, _ in wire.calls if name != "pulse"]
        pulses = len(wire.named("pulse"))
        await until(pilot, lambda: len(wire.named("pulse")) > pulses + 5)
        assert [name for name, _ in wire.calls if name != "pulse"] == before


async def test_pause_stops_updates_and_resume_catches_up(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("p")
        wire.alert_list.append(make_alert(20))
        wire.revision += 1
        await until(pilot, lambda: "PAUSED +1" in app.main.status_line.plain)
        assert app.main.alerts.row_count() == 19
        await pilot.press("p")
        await until(pilot, lambda: app.main.alerts.row_count() == 20)
        assert "PAUSED" not in app.main.status_line.plain


async def test_empty_list_says_what_to_do(run, until) -> None:
    async with run(Wire(alerts=0), wait=False) as (app, pilot):
        await until(pilot, lambda: app.connection.state is EngineState.CONNECTED)
        shown = lambda: "".join(app.main.alerts.render_line(y).text for y in range(8))  # noqa: E731
        await until(pilot, lambda: "No alerts" in shown())
        assert "soc-tui ingest" in shown()
        assert "No alert selected" in app.main.detail.plain


async def test_loading_shows_only_when_an_answer_is_late(wire: Wire, run, until) -> None:
    wire.hang["knowledge"] = threading.Event()
    async with run(wire, wait=False) as (app, pilot):
        await until(pilot, lambda: "Looking for knowledge" in app.main.knowledge.plain)
        wire.hang["knowledge"].set()
        await until(pilot, lambda: "SSH brute force" in app.main.knowledge.plain)


async def test_a_failing_pane_shows_message_and_remedy_and_the_others_work(wire: Wire, run, until) -> None:
    wire.fail["knowledge"] = StoreError("knowledge base is damaged", remedy="run soc-tui knowledge update")
    wire.fail["clues"] = ValueError("boom [/red]")
    async with run(wire, wait=False) as (app, pilot):
        await until(pilot, lambda: "knowledge base is damaged" in app.main.knowledge.plain)
        assert "run soc-tui knowledge update" in app.main.knowledge.plain
        await until(pilot, lambda: "auth.log" in app.main.detail.plain)
        lines = lambda: "".join(app.main.clues.render_line(y).text for y in range(6))  # noqa: E731
        await until(pilot, lambda: "ValueError: boom [/red]" in lines())


async def test_evidence_error_is_shown_in_its_section(wire: Wire, run, until) -> None:
    wire.fail["evidence"] = StoreError("source was deleted", remedy="restore it")
    async with run(wire, wait=False) as (app, pilot):
        await until(pilot, lambda: "source was deleted" in app.main.detail.plain)
        assert "failed logins" in app.main.detail.plain


async def test_engine_lost_and_found_again(wire: Wire, run, until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soc_tui.console.connection.BACK_OFF", (0.02, 0.02))
    monkeypatch.setattr("soc_tui.console.connection.LOST_AFTER", 2)
    links = [wire]
    reachable = [True]

    def connect() -> Wire:
        if not reachable[0]:
            raise EngineError("no engine listens", remedy="start soc-tui watch")
        links.append(Wire(alerts=25))
        return links[-1]

    app = ConsoleApp(connect, title="s", refresh_seconds=0.05)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: app.main.alerts.row_count() == 25)
        reachable[0] = False
        links[-1].fail["pulse"] = EngineError("connection reset", remedy="")
        await until(pilot, lambda: app.connection.state is EngineState.LOST)
        assert "not reachable" in app.main.banner.plain
        assert "no engine listens" in app.main.banner.plain
        assert app.main.alerts.row_count() == 25  # what was read stays readable
        await pilot.press("c")  # an action without an engine says so and changes nothing
        reachable[0] = True
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.connection.state is EngineState.CONNECTED)
        await until(pilot, lambda: not app.main.banner.plain)
        assert links[1].closed


async def test_unreachable_engine_from_the_start_says_so(run, until, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect() -> Wire:
        raise EngineError("workspace is locked", remedy="stop the other engine")

    app = ConsoleApp(connect, title="s", refresh_seconds=0.05)
    async with app.run_test(size=(80, 24)) as pilot:
        shown = lambda: "".join(app.main.alerts.render_line(y).text for y in range(8))  # noqa: E731
        await until(pilot, lambda: "workspace is locked" in shown())
        assert "stop the other engine" in shown()


async def test_quit_leaves_while_every_query_hangs(wire: Wire, run, until) -> None:
    for name in ("alerts", "pulse"):
        wire.hang[name] = threading.Event()
    async with run(wire, wait=False) as (app, pilot):
        await until(pilot, lambda: wire.named("pulse"))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    for event in wire.hang.values():
        event.set()


async def test_states_are_set_for_the_marked_alerts(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("space", "space", "c")
        await until(pilot, lambda: wire.named("set_state"))
        assert wire.named("set_state") == [{"alert_ids": [1, 2], "state": "closed"}]
        await until(pilot, lambda: "✕" in app.main.alerts.render_line(1).text)
        assert not app.main.alerts.marks
        await pilot.press("g", "o")
        await until(pilot, lambda: len(wire.named("set_state")) == 2)
        assert wire.named("set_state")[1] == {"alert_ids": [1], "state": "open"}
        await pilot.press("a")
        await pilot.press("f")
        await until(pilot, lambda: len(wire.named("set_state")) == 4)
        assert [call["state"] for call in wire.named("set_state")[2:]] == ["acknowledged", "false-positive"]


async def test_every_screen_opens_and_closes(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        for key, screen, text in (
            ("question_mark", HelpScreen, "severity:>=high"),
            ("s", StatusScreen, "sensor not reachable"),
            ("i", AttackerScreen, "sqlmap/1.8"),
        ):
            await pilot.press(key)
            await until(pilot, lambda screen=screen: isinstance(app.screen, screen))
            await until(pilot, lambda text=text: text in app.screen.pane.plain)
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is app.main)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, EventsScreen) and app.screen.events.row_count())
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, EventScreen))
        assert "Failed password, event 2000" in app.screen.pane.plain
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.main)


async def test_palette_runs_a_command(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen is not app.main)
        await pilot.press(*"attacker")
        await pilot.pause(0.3)  # the palette gathers hits for a moment before enter takes the best
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AttackerScreen) or wire.named("attacker"))


async def test_choosing_a_clue_shows_its_alert(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("4", "j", "enter")
        await until(pilot, lambda: app.main.alerts.row_count() == 1)
        assert app.main.filter_bar.text == "id:A3"
        assert app.main.alerts.alert_id == 3


async def test_evidence_key_scrolls_to_the_records(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("e")
        await until(pilot, lambda: app.main.detail.scroll_y > 0)
        assert app.main.detail.has_focus


async def test_over_ssh_nothing_is_animated(wire: Wire, run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ConsoleApp(lambda: wire, title="s").animation_level != "none"
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.9 22")
    assert ConsoleApp(lambda: wire, title="s").animation_level == "none"


async def test_terminals_without_unicode_get_ascii(wire: Wire, run, until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    glyphs.cache_clear()
    app = ConsoleApp(lambda: wire, title="sensor-1", refresh_seconds=0.15)
    assert glyphs() is ASCII
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.main.alerts.row_count() and "auth.log" in app.main.detail.plain)
        await until(pilot, lambda: "connected" in app.main.status_line.plain)
        screen = "\n".join("".join(s.text for s in strip) for strip in app.screen._compositor.render_strips())
        assert screen.isascii()
    glyphs.cache_clear()


@pytest.mark.parametrize("theme", ["soc-light", "textual-dark", "nord", "ansi-dark", "no-such-theme"])
async def test_every_kind_of_theme_works(wire: Wire, until, theme: str) -> None:
    app = ConsoleApp(lambda: wire, title="s", refresh_seconds=0.15, theme=theme)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.main.alerts.row_count() == 19)
        assert app.theme == ("soc-dark" if theme == "no-such-theme" else theme)


@pytest.mark.campaign
@pytest.mark.parametrize("size", [(60, 15), (40, 10), (20, 5), (240, 70)])
async def test_unusual_sizes_do_not_crash(wire: Wire, until, size: tuple[int, int]) -> None:
    app = ConsoleApp(lambda: wire, title="s", refresh_seconds=0.15)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.main.alerts.row_count() == 19)
        await pilot.press("j", "2", "3", "4", "1", "z", "z", "r")
        await pilot.resize_terminal(100, 30)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert app.is_running
