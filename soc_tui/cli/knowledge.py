"""``knowledge``: what is known of risks and what experts do about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one, talk

group = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="The knowledge database: risks and expert knowledge."
)
app.add_typer(group, name="knowledge")


@group.command("list")
def list_entries(context: typer.Context) -> None:
    """Every entry."""
    _emit(context, "")


@group.command()
def search(context: typer.Context, text: str) -> None:
    """Entries that speak of a word."""
    _emit(context, text)


def _emit(context: typer.Context, text: str) -> None:
    from soc_tui.knowledge.library import Library

    options: Globals = context.obj
    library = Library(options.settings().workspace / "knowledge")
    entries = library.search(text) if text else library.entries
    emit(
        (
            {
                "id": e.id,
                "risk_type": e.risk_type,
                "severity": e.severity,
                "title": e.title,
                "techniques": list(e.techniques),
            }
            for e in entries
        ),
        options.format,
    )


@group.command()
def show(context: typer.Context, entry_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """One entry in full."""
    from soc_tui.knowledge.library import Library

    options: Globals = context.obj
    emit_one(Library(options.settings().workspace / "knowledge").get(entry_id).as_dict(), options.format)


@group.command("match")
def match_subject(
    context: typer.Context, subject: Annotated[str, typer.Argument(metavar="ID", help="A12 or I3.")]
) -> None:
    """The entries that fit an alert or incident, best first, and why."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        found = client.command("knowledge", subject=subject)["matches"]
    emit(found, options.format, ("id", "score", "title", "why") if options.format != "json" else ())


@group.command()
def lint(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(readable=False, help="YAML files or folders.")] = None,
) -> None:
    """Check entries against the schema; problems name file and line."""
    from soc_tui.knowledge.library import SHIPPED
    from soc_tui.knowledge.linting import lint as lint_entries

    options: Globals = context.obj
    problems = lint_entries(paths or [SHIPPED])
    if problems or options.format != "table":
        emit(
            ({"file": str(p.file), "line": p.line, "message": p.message} for p in problems),
            options.format,
            ("file", "line", "message"),
        )
    if problems:
        talk(f"{len(problems)} problems")
        raise typer.Exit(1)
    talk("no problems")


@group.command()
def update(
    context: typer.Context,
    sigma: Annotated[
        Path | None, typer.Option(metavar="DIR", readable=False, help="A folder of Sigma rules, or one file.")
    ] = None,
) -> None:
    """Take rules in from a folder; loading a folder again replaces what came from it."""
    from soc_tui.cli.sigma import update_sigma
    from soc_tui.core.errors import UsageError

    if sigma is None:
        raise UsageError("nothing to load", remedy="name a folder: --sigma DIR")
    if not update_sigma(context.obj, sigma):
        raise typer.Exit(1)
