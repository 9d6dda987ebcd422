"""``knowledge``: what is known of risks and what experts do about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one, talk
from soc_tui.core.errors import UsageError

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
    advisories: Annotated[
        list[Path] | None,
        typer.Option("--advisories", readable=False, metavar="DIR", help="Advisories in OSV format: a folder or file."),
    ] = None,
    kev: Annotated[
        Path | None, typer.Option("--kev", readable=False, metavar="FILE", help="CISA's list of exploited ones (JSON).")
    ] = None,
    sigma: Annotated[
        Path | None, typer.Option(metavar="DIR", readable=False, help="A folder of Sigma rules, or one file.")
    ] = None,
) -> None:
    """Load risk data and rules from local folders; what an ecosystem or a folder brought before is replaced whole."""
    if not advisories and kev is None and sigma is None:
        raise UsageError("nothing to load", remedy="name a mirror, e.g. --advisories /srv/osv --sigma /srv/sigma")
    damaged = (advisories or kev is not None) and _update_advisories(context.obj, advisories or [], kev)
    if sigma is not None:
        from soc_tui.cli.sigma import update_sigma

        damaged |= not update_sigma(context.obj, sigma)
    if damaged:
        raise typer.Exit(1)


def _update_advisories(options: Globals, advisories: list[Path], kev: Path | None) -> bool:
    """Load advisories and say what came of it; True when something could not be read."""
    from soc_tui.knowledge.advisories.store import AdvisoryStore

    store = AdvisoryStore(options.settings().workspace / "knowledge")
    done = store.update([path.expanduser() for path in advisories], kev.expanduser() if kev else None)
    rows = [
        {"what": base, "before": before, "now": now} for base, (before, now) in sorted(done.ecosystems.items())
    ]  # fmt: skip
    if done.exploited is not None:
        rows.append({"what": "exploited in the wild", "before": done.exploited[0], "now": done.exploited[1]})
    damages = [
        {"file": one.source, "line": one.line, "message": one.message, "remedy": one.remedy} for one in done.damages
    ]  # fmt: skip
    if options.format in {"table", "csv"}:
        emit(rows, options.format, ("what", "before", "now"))
    else:
        emit_one(
            {"loaded": rows, "documents": done.documents, "withdrawn": done.withdrawn,
             "without_package": done.elsewhere, "damaged": done.damaged, "damages": damages}, options.format,
        )  # fmt: skip
    for one in damages:
        talk(f"{one['file']}{':' + str(one['line']) if one['line'] else ''}: {one['message']}; {one['remedy']}")
    talk(
        f"{done.documents} advisories read: {done.withdrawn} withdrawn, {done.elsewhere} about no package, "
        f"{done.damaged} damaged; {done.advisories} kept"
    )
    return done.damaged > 0
