"""The filter bar: errors before running, history, clearing."""

from __future__ import annotations

from console_wire import Wire


async def test_an_error_shows_while_typing_and_nothing_is_run(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        bar = app.main.filter_bar
        asked = len(wire.named("alerts"))
        await pilot.press("slash", *"sevrity:high")
        await until(pilot, lambda: "unknown field 'sevrity'" in bar.error_text)
        assert "did you mean severity:" in bar.error_text
        await pilot.press("enter")
        assert bar.editing
        assert len(wire.named("alerts")) == asked
        await pilot.press("escape")
        assert not bar.editing
        assert app.main.alerts.has_focus
        assert bar.text == ""


async def test_a_filter_runs_shows_and_is_cleared(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        await pilot.press("slash", *"severity:high", "enter")
        await until(pilot, lambda: app.main.alerts.row_count() == 6)
        assert wire.named("alerts")[-1]["filter"] == "severity:high"
        assert "severity:high" in str(app.main.filter_bar._active.content)
        await pilot.press("escape")
        await until(pilot, lambda: app.main.alerts.row_count() == 19)


async def test_up_and_down_recall(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        for text in ("severity:high", "state:open"):
            app.main.filter_bar.apply(text)
        await pilot.press("slash", "up", "up")
        assert app.main.filter_bar._input.value == "severity:high"
        await pilot.press("down", "down")
        assert app.main.filter_bar._input.value == ""
        await pilot.press("up", "enter")
        assert app.main.filter_bar.text == "state:open"


async def test_no_match_says_how_to_go_on(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        app.main.filter_bar.apply("nothing-like-this")
        shown = lambda: "".join(app.main.alerts.render_line(y).text for y in range(6))  # noqa: E731
        await until(pilot, lambda: "No alert matches the filter" in shown())
        assert "Press esc to clear it" in shown()
        assert "No alert selected" in app.main.detail.plain
