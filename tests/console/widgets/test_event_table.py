"""Events: pages found again by event_id, bounded memory, no movement under the reader."""

from __future__ import annotations

from console_wire import Wire

from soc_tui.console.widgets.event_table import KEEP, PAGE


async def opened(app, pilot, until):
    await pilot.press("v")
    await until(pilot, lambda: app.screen is not app.main and app.screen.events.row_count())
    return app.screen


async def test_pages_follow_one_another_by_event_id(wire: Wire, run, until) -> None:
    wire.events = 12_000
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        for _ in range(20):
            await pilot.press("G")
            await until(pilot, lambda: app.loader.idle)
        table = screen.events
        assert table.row_count() > KEEP * PAGE
        assert len(table._pages) <= KEEP
        assert [c["before_id"] for c in wire.named("events")[:3]] == [None, 12_001 - PAGE, 12_001 - 2 * PAGE]
        await pilot.press("g")
        await until(pilot, lambda: table.selected() is not None)
        assert table.selected()["event_id"] == 12_000


async def test_new_events_do_not_move_what_is_read(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        await pilot.press("j", "j")
        wire.events += 50
        wire.revision += 1
        await until(pilot, lambda: "new events above" in screen.events.border_subtitle)
        assert screen.events.selected()["event_id"] == 1998
        await pilot.press("r")
        await until(pilot, lambda: screen.events.newest_id == 2050)


async def test_at_the_top_it_follows(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        wire.events += 5
        wire.revision += 1
        await until(pilot, lambda: screen.events.newest_id == 2005)


async def test_the_filter_bar_speaks_of_events(wire: Wire, run, until) -> None:
    async with run(wire) as (app, pilot):
        screen = await opened(app, pilot, until)
        assert not screen.filter_bar.apply("risk:x")
        assert "unknown field 'risk' for events" in screen.filter_bar.error_text
        screen.filter_bar.apply("1234")
        await until(pilot, lambda: wire.named("events")[-1]["filter"] == "1234")
