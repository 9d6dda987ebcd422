"""Every payload in every field of every widget: nothing acts, nothing crashes, nothing invisible is drawn."""

from __future__ import annotations

import unicodedata

import pytest
from console_wire import Wire
from payloads import PAYLOADS
from textual.content import Content

from soc_tui.console.app import ConsoleApp
from soc_tui.console.link import Rows
from soc_tui.console.screens import attacker, repair, status
from soc_tui.console.screens.events import EventScreen
from soc_tui.console.widgets import detail, knowledge
from soc_tui.core.errors import EngineError, StoreError

ACTIVE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
OUR_STYLES = {
    f"{weight}{colour}"
    for weight in ("", "bold ", "bold reverse ")
    for colour in ("$text-muted", "$text-error", "$text-warning", "$text-success", "$text-accent", "$text-primary")
} | {"bold"}
WIRE_PAYLOADS = [p.encode("utf-8", "backslashreplace").decode() for p in PAYLOADS]  # Arrow text is always UTF-8


def drawn(app: ConsoleApp) -> str:
    """What the compositor would send to the terminal, as text."""
    return "".join(segment.text for strip in app.screen._compositor.render_strips() for segment in strip)


def assert_inert(app: ConsoleApp) -> None:
    text = drawn(app)
    bad = {hex(ord(char)) for char in text if unicodedata.category(char) in ACTIVE}
    assert not bad
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            meta = segment.style.meta if segment.style is not None else {}
            assert not {key for key in meta if key.startswith("@click")}
            assert segment.style is None or segment.style.link is None


def idle(app: ConsoleApp) -> bool:
    return app.loader.idle


def assert_plain(*texts: Content) -> None:
    for text in texts:
        assert not {hex(ord(c)) for c in text.plain if c != "\n" and unicodedata.category(c) in ACTIVE}
        assert all(str(span.style) in OUR_STYLES for span in text.spans), text.spans


@pytest.mark.parametrize("payload", WIRE_PAYLOADS)
def test_every_payload_in_every_field(payload: str) -> None:
    """The functions that make all text of all panes, without a terminal: every payload in every field."""
    wire = Wire(alerts=1, payload=payload)
    alert = Rows(wire.query("alerts", filter="", limit=1, offset=0), key="alert_id").row(0)
    alert.update(severity=payload, state=payload)
    assert_plain(detail.badge(alert["severity"]), *detail.fact_lines(alert))
    assert_plain(*detail.explanation_lines(alert["explanation"], 60), *detail.explanation_lines(payload, 60))
    assert_plain(*detail.evidence_lines(Rows(wire.query("evidence", alert_id=1, limit=3)).all(), None))
    assert_plain(*detail.evidence_lines(None, StoreError(payload, remedy=payload, source=payload)))
    for match in wire.command("knowledge", subject="A1")["matches"]:
        assert_plain(*knowledge.entry_lines(match))
    assert_plain(*repair.plan_lines(wire.command("plan", subject="A1", action="", ssh_connection=""), 0))
    assert_plain(*repair.result_lines(wire.command("apply", subject="A1", step=0, ssh_connection="")))
    known = Rows(wire.query("address", address=payload)).row(0)
    assert_plain(*attacker.attacker_lines({**Rows(wire.query("attacker", address=payload)).row(0), "known": known}))
    ends = {f"{end}_{key}": payload for end in ("src", "dst") for key in ("asset", "name", "asn", "as_org", "country")}
    assert_plain(*detail.fact_lines({**alert, **ends}))
    assert_plain(*status.module_lines(Rows(wire.query("status")).all()))
    assert_plain(*status.source_lines(Rows(wire.query("sources")).all()))


async def test_main_screen_and_dialogs(run, until) -> None:
    """The same payloads mixed over all fields, through layout and compositor."""
    wire = Wire(alerts=30, rotate=WIRE_PAYLOADS)
    async with run(wire, size=(140, 60)) as (app, pilot):
        for number in range(2):
            wire.revision += 1
            await until(pilot, lambda: app.connection.pulse.revision == wire.revision and idle(app))
            assert_inert(app)
            for payload in WIRE_PAYLOADS[number::16]:
                app.toast(payload, "warning")
            for opened in (
                lambda: app.open_repair("A1" + WIRE_PAYLOADS[0]), lambda: app.open_attacker(WIRE_PAYLOADS[30]),
                lambda: app.open_undo(None), app.action_status, app.action_help,
            ):  # fmt: skip
                opened()
                await until(pilot, lambda: app.screen is not app.main and app.screen.is_mounted)
                await until(pilot, lambda: idle(app))
                assert_inert(app)
                app.screen.dismiss()
                await until(pilot, lambda: app.screen is app.main)
            await pilot.press("j")
        assert app.is_running
        assert app._exit is False


async def test_events(run, until) -> None:
    wire = Wire(alerts=1, rotate=WIRE_PAYLOADS)
    async with run(wire, size=(140, 60)) as (app, pilot):
        await pilot.press("v")
        await until(pilot, lambda: app.screen is not app.main and app.screen.events.row_count())
        for _ in range(6):
            assert_inert(app)
            await pilot.press("pagedown")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, EventScreen))
        assert_inert(app)


async def test_clicks_on_hostile_text_run_nothing(run, until) -> None:
    wire = Wire(alerts=3, payload="[@click=app.quit]PWN[/]")
    async with run(wire, size=(120, 35)) as (app, pilot):
        for selector in ("#detail", "#knowledge", "#clues", "#alerts", "#status-line"):
            for offset in ((4, 1), (9, 1), (4, 2), (12, 2), (30, 3)):
                await pilot.click(selector, offset=offset if selector != "#status-line" else (offset[0], 0))
        assert app.is_running
        assert app._exit is False
        assert "[@click=app.quit]PWN[/]" in app.main.detail.plain


@pytest.mark.parametrize("payload", WIRE_PAYLOADS[::20])
async def test_errors_and_states_are_inert(run, until, payload: str) -> None:
    wire = Wire(alerts=2)
    for name in ("knowledge", "clues", "evidence"):
        wire.fail[name] = StoreError(payload, remedy=payload, source=payload, line=3)
    for alert in wire.alert_list:
        alert.update(severity=payload, state=payload, explanation=payload, techniques=[payload])
    async with run(wire, wait=False) as (app, pilot):
        await until(pilot, lambda: app.main.alerts.row_count() == 2)
        await until(pilot, lambda: idle(app))
        assert_inert(app)
        wire.fail["pulse"] = EngineError(payload, remedy=payload)
        await until(pilot, lambda: app.main.banner.plain)
        assert_inert(app)
        await pilot.press("slash", *"PWN[/]")
        app.main.filter_bar.apply(payload)
        await pilot.pause(0.01)
        assert_inert(app)
