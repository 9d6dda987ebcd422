"""``knowledge update --sigma``, ``knowledge sigma``, ``knowledge rerun``: Sigma rules and what came of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from soc_tui.cli.knowledge import group
from soc_tui.cli.main import Globals, complain
from soc_tui.cli.output import emit, emit_one, talk
from soc_tui.core.errors import UsageError

_COLUMNS = ("rule", "state", "level", "source", "title", "why", "set", "kind", "file")
_STATES = ("converted", "not applicable", "damaged")


def update_sigma(options: Globals, folder: Path) -> bool:
    """Take the rules of a folder in and tell what came of them; False when some are damaged."""
    result = _call(options, "load_sigma", path=str(folder.expanduser().absolute()))
    damaged = [entry for entry in result["entries"] if entry["state"] == "damaged"]
    if options.format == "table":
        for entry in damaged:
            talk(f"{entry['file']}: {entry['why']}")
        filters = f", {result['filters']} filters" if result["filters"] else ""
        print(
            f"{result['converted']} rules converted, {result['not_applicable']} not applicable, "
            f"{result['damaged']} damaged{filters}, of {result['files']} files in set {result['set']}"
        )
        print(f"{result['findings']} findings, {result['alerts']} alerts among the stored events")
    else:
        emit_one(result, options.format)
    return not damaged


@group.command()
def sigma(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="Only converted, not applicable or damaged ones.")] = "",
) -> None:
    """Every Sigma rule and filter: converted, not applicable or damaged, and why."""
    from soc_tui.detection.sigma.loading import load

    if state and state not in _STATES:
        raise UsageError(f"unknown state {state!r}", remedy=f"use {', '.join(_STATES)}")
    options: Globals = context.obj
    rules = load(options.settings().workspace / "knowledge" / "sigma")
    entries = [entry for entry in rules.entries if entry.state == state or not state]
    columns = _COLUMNS if options.format in {"table", "csv"} else ()
    emit((entry.shown() for entry in entries), options.format, columns)
    counts = rules.counts()
    talk(", ".join(f"{count} {name}" for name, count in counts.items()))


@group.command()
def rerun(
    context: typer.Context,
    rules: Annotated[list[str] | None, typer.Argument(metavar="RULE", help="Ids of Sigma rules; none: all.")] = None,
) -> None:
    """Match Sigma rules with all stored events again."""
    options: Globals = context.obj
    result = _call(options, "rerun_sigma", rules=[name.lower() for name in rules or []])
    if not result["rules"]:
        raise UsageError("no rule has that id", remedy="see soc-tui knowledge sigma")
    if options.format == "table":
        print(f"{len(result['rules'])} rules: {result['findings']} more findings, {result['alerts']} more alerts")
    else:
        emit_one(result, options.format)


def _call(options: Globals, command: str, **params: Any) -> dict[str, Any]:
    from soc_tui.management.launch import connect
    from soc_tui.management.wire import error_from_dict

    result: dict[str, Any] = {}
    with connect(options.settings().workspace) as client:
        for said in client.stream(command, **params):
            result = said.get("result", result)
    errors = [error_from_dict(data) for data in result["errors"]]
    for error in errors:
        complain(error)
    if errors:
        raise typer.Exit(1)
    return result
