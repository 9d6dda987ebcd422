"""``watch``, ``ingest`` and ``status``: the engine alone, a batch, and how the seven modules are."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from soc_tui.cli.main import Globals, app, complain
from soc_tui.cli.output import emit, emit_one, talk
from soc_tui.core.clock import never
from soc_tui.core.errors import SocTuiError

if TYPE_CHECKING:
    from soc_tui.core.settings import Settings
    from soc_tui.management.engine import Engine


@app.command()
def watch(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(readable=False, help="Files and directories to follow.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Preview responses only.", hidden=True)] = False,
    child: Annotated[bool, typer.Option("--child", hidden=True)] = False,
) -> None:
    """Run the engine alone: follow logs and website trees, detect, and serve consoles until stopped."""
    import json
    import signal
    import threading

    settings = context.obj.settings()
    watched = [path.expanduser().absolute() for path in paths or []]
    try:
        engine = _start(settings, watched, demo=demo)
    except SocTuiError as error:
        if not child:
            raise
        from soc_tui.management.wire import error_to_dict

        print(json.dumps({"error": error_to_dict(error)}), flush=True)
        raise typer.Exit(error.exit_code) from error
    # A pipe: whichever thread the system hands the signal to, a byte of it ends the read below. An Event would need the
    # main thread to be woken, and a handler that sets one may meet the lock that it holds.
    asked, ask = os.pipe()
    os.set_blocking(ask, False)
    signal.set_wakeup_fd(ask, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    if child:
        print(json.dumps({"ready": True}), flush=True)
        threading.Thread(target=_await_parent, args=(engine, ask), daemon=True).start()
    else:
        talk(f"watching {', '.join(map(str, watched)) or 'nothing yet'}; workspace {settings.workspace}; Ctrl-C stops")
    os.read(asked, 1)
    _leave(engine.stop())


def _leave(unfinished: list[str]) -> NoReturn:
    """End the process, saying what did not end.

    The store is closed and nothing else is left to do. Taking the interpreter down in order would wait once more for
    threads, and native ones (DuckDB, gRPC, torch) have been known to wait for it.
    """
    import logging

    if unfinished:
        talk(f"stopped, but did not end in time: {'; '.join(unfinished)}; nothing is lost; see engine.log")
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _start(settings: Settings, watched: list[Path], *, demo: bool) -> Engine:
    import logging.handlers

    os.umask(0o077)  # logs and alerts are nobody else's business
    from soc_tui.management.absent import seek_no_more
    from soc_tui.management.memory import give_memory_back

    seek_no_more()
    give_memory_back()  # before any thread has begun
    from soc_tui.management.engine import Engine

    engine = Engine(settings, demo=demo)
    handler = logging.handlers.RotatingFileHandler(
        settings.workspace / "engine.log", maxBytes=5_000_000, backupCount=2, encoding="utf-8"
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        engine.start(watched)
    except BaseException:
        engine.stop()
        raise
    return engine


def _await_parent(engine: Engine, ask: int) -> None:
    """Write to ``ask`` when the parent has closed our standard input and no other client is about."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    while engine.in_use():
        time.sleep(0.2)
    os.write(ask, b"\0")


@app.command()
def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(readable=False, help="Files and directories to read once.")],
    as_format: Annotated[
        str | None, typer.Option("--as", metavar="FORMAT", help="Do not recognise, use this: docs/formats.md.")
    ] = None,
) -> None:
    """Read logs once: store, detect, score, report with exact accounting, and leave."""
    from soc_tui.cli.progress import Progress
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    settings = options.settings()
    result: dict[str, Any] = {}
    named = [str(path.expanduser().absolute()) for path in paths]
    with connect(settings.workspace) as client, Progress() as bar:
        for said in client.stream("ingest", paths=named, format=as_format):
            if "progress" in said:
                bar.show(said["progress"])
            result = said.get("result", result)
    from soc_tui.management.wire import error_from_dict

    errors = [error_from_dict(data) for data in result["errors"]]
    if options.format == "table":
        _report(result)
    else:
        emit_one(result, options.format)
    for error in [*map(error_from_dict, result["skipped"]), *errors]:
        complain(error)
    if errors:
        raise typer.Exit(1)


def _report(result: dict[str, Any]) -> None:
    columns = (
        "path",
        "format",
        "bytes",
        "records_read",
        "records_stored",
        "records_rejected",
        "pending_bytes",
        "error",
    )
    if result["sources"]:
        emit(result["sources"], "table", columns)
        print()
    rate = result["records_read"] / max(result["seconds"], 0.001)
    print(
        f"{result['records_read']} records read = {result['records_stored']} stored + "
        f"{result['records_rejected']} rejected, {result['bytes']} bytes in {result['seconds']:.1f} s "
        f"({rate:.0f} records/s); {result['findings']} findings, {result['alerts']} alerts, "
        f"{result['incidents']} incidents"
    )


@app.command()
def status(context: typer.Context) -> None:
    """The seven modules: state, activity, lag, last error; every source with its accounting and its lag."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    settings = options.settings()
    with connect(settings.workspace) as client:
        modules = client.query("status").to_pylist()
        sources = [
            {**row, "catch_up_seconds": never(row["catch_up_seconds"])} for row in client.query("sources").to_pylist()
        ]
        pulse = client.command("pulse")
    if options.format == "table":
        emit(modules, "table", ("module", "state", "last_activity", "lag", "failures", "last_error", "detail"))
        print()
        emit(
            sources,
            "table",
            (
                "source_id",
                "path",
                "format",
                "state",
                "records_read",
                "records_stored",
                "records_rejected",
                "lag_bytes",
                "lag_seconds",
                "catch_up_seconds",
                "read_rate",
                "last_event_time",
                "pending_bytes",
                "error",
            ),
        )
    elif options.format == "json":
        emit_one({**pulse, "modules": modules, "sources": sources}, "json")
    else:
        emit(modules, options.format)
