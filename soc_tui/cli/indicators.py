"""``indicators``: lists of known-bad addresses, names, URLs and files, and what is loaded of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from soc_tui.cli.main import Globals, app, complain
from soc_tui.cli.output import emit, emit_one, talk
from soc_tui.core.errors import UsageError

group = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Known-bad indicators: load, list and remove their sources."
)
app.add_typer(group, name="indicators")

_FORMS = ("stix", "misp", "list", "csv")
_COLUMNS = ("source", "format", "indicators", "records", "rejected", "skipped", "severity", "loaded", "source_file")


@group.command()
def load(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(readable=False, help="Files, or folders of files.")],
    as_format: Annotated[str, typer.Option("--as", metavar="FORM", help="stix, misp, list or csv.")] = "",
    severity: Annotated[str, typer.Option(help="Severity of indicators that do not tell theirs.")] = "",
    column: Annotated[str, typer.Option(help="The column of a CSV that holds the values.")] = "",
) -> None:
    """Load indicators, match them with the events that are stored, and report. Loading a file again replaces it."""
    from soc_tui.core.severity import Severity
    from soc_tui.management.launch import connect
    from soc_tui.management.wire import error_from_dict

    if as_format and as_format not in _FORMS:
        raise UsageError(f"unknown form {as_format!r}", remedy=f"use {', '.join(_FORMS)}")
    word = Severity.parse(severity).word if severity else ""
    options: Globals = context.obj
    named = [str(path.expanduser().absolute()) for path in files]
    result: dict[str, Any] = {}
    with connect(options.settings().workspace) as client:
        for said in client.stream("load_indicators", paths=named, form=as_format, severity=word, column=column):
            result = said.get("result", result)
    if options.format == "table":
        if result["sources"]:
            emit(result["sources"], "table", _COLUMNS[:-2])
            print()
        print(
            f"{result['indicators']} indicators of {len(result['sources'])} files in {result['load_seconds']:.1f} s; "
            f"{result['findings']} findings, {result['alerts']} alerts among the stored events"
        )
    else:
        emit_one({**result, "sources": [_shown(row) for row in result["sources"]]}, options.format)
    errors = [error_from_dict(data) for data in result["errors"]]
    for error in errors:
        complain(error)
    if errors:
        raise typer.Exit(1)


@group.command("list")
def list_sources(context: typer.Context) -> None:
    """Every source of indicators with its counts."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        rows = client.query("indicators").to_pylist()
    emit((_shown(row) for row in rows), options.format, _COLUMNS if options.format in {"table", "csv"} else ())


@group.command()
def remove(context: typer.Context, source: Annotated[str, typer.Argument(metavar="SOURCE")]) -> None:
    """Forget a source, by its name or file. Alerts that it led to stay."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        done = client.command("remove_indicators", source=source)
    if options.format == "table":
        talk(f"{done['removed']} indicators of {done['source']} removed")
    else:
        emit_one(done, options.format)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _COLUMNS}
