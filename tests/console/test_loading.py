"""Lanes: one question runs, one waits, the newest wins."""

from __future__ import annotations

import threading

import pytest
from console_wire import Wire
from textual.app import App

from soc_tui.console.link import Rows
from soc_tui.console.loading import Loader, as_error
from soc_tui.core.errors import EngineError, SocTuiError


@pytest.fixture
async def app():
    made: App[None] = App()
    async with made.run_test() as pilot:
        yield made, pilot


async def test_a_newer_question_replaces_the_waiting_one_and_the_old_answer(app, until) -> None:
    owner, pilot = app
    loader, gate, got, ran = Loader(), threading.Event(), [], []
    loader.attach(Wire())

    def work(number: int):
        def run(link):
            ran.append(number)
            gate.wait()
            return number

        return run

    for number in (1, 2, 3):
        assert loader.ask(owner, "lane", work(number), lambda reply: got.append(reply.value), topic=number)
    gate.set()
    await until(pilot, lambda: got)
    assert got == [3]
    assert ran == [1, 3]
    assert loader.idle


async def test_answers_about_the_same_topic_are_delivered(app, until) -> None:
    owner, pilot = app
    loader, gate, got = Loader(), threading.Event(), []
    loader.attach(Wire())
    for number in (1, 2):
        loader.ask(owner, "lane", lambda link, n=number: gate.wait() and n, lambda r: got.append(r.value), topic="list")
    gate.set()
    await until(pilot, lambda: len(got) == 2)
    assert got == [1, 2]


async def test_lanes_do_not_wait_for_one_another(app, until) -> None:
    owner, pilot = app
    loader, gate, got = Loader(), threading.Event(), []
    loader.attach(Wire())
    loader.ask(owner, "slow", lambda link: gate.wait(), lambda r: got.append("slow"))
    loader.ask(owner, "fast", lambda link: 1, lambda r: got.append("fast"))
    await until(pilot, lambda: got)
    assert got == ["fast"]
    gate.set()


async def test_errors_arrive_as_replies(app, until) -> None:
    owner, pilot = app
    loader, got = Loader(), []
    loader.attach(Wire())

    def fail(link):
        raise EngineError("gone", remedy="start it")

    loader.ask(owner, "a", fail, got.append)
    loader.ask(owner, "b", lambda link: 1 / 0, got.append)
    await until(pilot, lambda: len(got) == 2)
    assert {reply.error.message for reply in got} == {"gone", "ZeroDivisionError: division by zero"}
    assert all(reply.value is None for reply in got)


async def test_answers_of_a_lost_connection_are_dropped(app, until) -> None:
    owner, pilot = app
    loader, gate, got = Loader(), threading.Event(), []
    wire = Wire()
    loader.attach(wire)
    loader.ask(owner, "lane", lambda link: gate.wait(), lambda r: got.append("old"))
    loader.attach(Wire())
    loader.ask(owner, "lane", lambda link: 1, lambda r: got.append("new"))
    gate.set()
    await until(pilot, lambda: got and wire.closed)
    assert got == ["new"]


async def test_without_a_connection_nothing_is_asked(app) -> None:
    owner, _ = app
    assert not Loader().ask(owner, "lane", lambda link: 1, lambda reply: None)


def test_any_exception_can_be_shown() -> None:
    known = SocTuiError("a", remedy="b")
    assert as_error(known) is known
    assert as_error(ValueError("x")).message == "ValueError: x"


def test_rows_find_by_key_and_default_nulls(wire: Wire) -> None:
    rows = Rows(wire.query("alerts", filter="", limit=5, offset=3), key="alert_id")
    assert (len(rows), rows.total, rows.find(6), rows.find(1)) == (5, 19, 2, None)
    assert rows.get(0, "no such column", "?") == "?"
    assert rows.row(2)["alert_id"] == 6
