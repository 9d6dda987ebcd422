"""Windows and the cursor of a long list."""

from __future__ import annotations

from console_wire import Wire, make_alert

from soc_tui.console.widgets.alert_table import PAGE


async def test_a_long_list_is_read_in_windows(run, until) -> None:
    wire = Wire(alerts=3000)
    async with run(wire) as (app, pilot):
        table = app.main.alerts
        assert table.count_line == "1 of 3,000"
        await pilot.press("G")
        await until(pilot, lambda: table.alert_id == 3000)
        assert table.count_line == "3,000 of 3,000"
        await pilot.press("pageup")
        assert "A2" in table.render_line(3).text
        await pilot.press("g")
        await until(pilot, lambda: table.alert_id == 1)
        assert all(call["limit"] == PAGE for call in wire.named("alerts"))
        assert len(wire.named("alerts")) < 8


async def test_the_selection_survives_a_flood_above_it(run, until) -> None:
    wire = Wire(alerts=1000)
    async with run(wire) as (app, pilot):
        table = app.main.alerts
        table.move_to(300)
        await until(pilot, lambda: table.alert_id == 301 and app.main.detail.plain)
        line = table.render_line(table.cursor - table.first_visible + 1).text
        wire.alert_list[:0] = [make_alert(10_000 + i) for i in range(900)]
        wire.revision += 1
        await until(pilot, lambda: table.row_count() == 1900 and app.loader.idle)
        assert table.alert_id == 301
        assert table.cursor == 1200
        await until(pilot, lambda: table.render_line(table.cursor - table.first_visible + 1).text == line)


async def test_the_selection_follows_an_alert_that_rises_to_the_top(run, until) -> None:
    wire = Wire(alerts=1000)
    async with run(wire) as (app, pilot):
        table = app.main.alerts
        table.move_to(800)
        await until(pilot, lambda: table.alert_id == 801)
        wire.alert_list.insert(0, wire.alert_list.pop(800))
        wire.revision += 1
        await until(pilot, lambda: table.cursor == 0)
        assert table.alert_id == 801


async def test_an_alert_that_leaves_the_list_gives_the_cursor_to_its_neighbour(run, until) -> None:
    wire = Wire(alerts=20)
    async with run(wire) as (app, pilot):
        await pilot.press("j", "j")
        del wire.alert_list[2]
        wire.revision += 1
        await until(pilot, lambda: app.main.alerts.row_count() == 19)
        assert app.main.alerts.alert_id == 4
        assert app.main.alerts.cursor == 2


async def test_without_a_total_the_count_is_honest(run, until) -> None:
    wire = Wire(alerts=1000)
    wire.total_known = False
    async with run(wire) as (app, pilot):
        assert app.main.alerts.count_line == "1 of 1,000"
        app.main.filter_bar.apply("SSH")
        await until(pilot, lambda: app.main.alerts.row_count() == 167)
        assert app.main.alerts.count_line == "1 of 167"
