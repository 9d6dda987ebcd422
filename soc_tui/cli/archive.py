"""``archive``: old days in Parquet files."""

from __future__ import annotations

from typing import Any

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Old days in Parquet files: run, list, verify.")
app.add_typer(group, name="archive")


@group.callback()
def archive() -> None:
    """Old days in Parquet files: run, list, verify."""


@group.command()
def run(context: typer.Context) -> None:
    """Move days older than store.archive_days to Parquet and delete what is past store.retention_days, now."""
    emit_one(_last(context, "archive_run"), context.obj.format)


@group.command(name="list")
def list_(context: typer.Context) -> None:
    """The archived days, newest first."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        days = client.query("archive").to_pylist()
    columns = ("day", "classes", "files", "rows", "bytes", "min_event_id", "max_event_id", "missing")
    emit(days, options.format, columns)


@group.command()
def verify(context: typer.Context) -> None:
    """Hold every archived file against its record; exit 0 only when all are there and unchanged."""
    report = _last(context, "archive_verify")
    if context.obj.format == "table":
        emit_one({"ok": report["ok"], "files": report["files"], "damaged": len(report["damaged"])}, "table")
        if report["damaged"]:
            print()
            emit(report["damaged"], "table", ("path", "problem"))
    else:
        emit_one(report, context.obj.format)
    if not report["ok"]:
        raise typer.Exit(1)


def _last(context: typer.Context, command: str) -> dict[str, Any]:
    from soc_tui.cli.progress import Progress
    from soc_tui.management.launch import connect

    result: dict[str, Any] = {}
    with connect(context.obj.settings().workspace) as client, Progress() as bar:
        for said in client.stream(command):
            if "progress" in said:
                bar.show(said["progress"])
            result = said.get("result", result)
    return result
