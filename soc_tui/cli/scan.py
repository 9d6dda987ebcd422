"""``scan``: the risk detection tools on demand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from soc_tui.cli.main import Globals, app, complain
from soc_tui.cli.output import emit, emit_one, talk

group = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True,
    help="Look for what is wrong, with the detection tools: at this machine, a website, a database, or files.",
)  # fmt: skip
app.add_typer(group, name="scan")

_TABLE = ("severity", "tool", "title", "target")
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")]


@group.command()
def system(
    context: typer.Context, root: Annotated[Path, typer.Argument(readable=False, help="The system's root.")] = Path("/")
) -> None:
    """Vulnerable packages, risky configuration and persistence of this machine, or of a tree that holds one."""
    _scan(context.obj, "system", str(root.expanduser().absolute()))


@group.command()
def website(
    context: typer.Context, url: Annotated[str, typer.Argument(metavar="URL")], dry_run: DryRun = False
) -> None:
    """A website that the settings list as yours: read-only requests, at a bounded rate."""
    _scan(context.obj, "website", url, dry=dry_run)


@group.command()
def database(
    context: typer.Context, url: Annotated[str, typer.Argument(metavar="URL")], dry_run: DryRun = False
) -> None:
    """A database service that the settings list as yours: who may log in, how, and with what settings."""
    _scan(context.obj, "database", url, dry=dry_run)


@group.command()
def files(context: typer.Context, path: Annotated[Path, typer.Argument(readable=False)]) -> None:
    """Viruses, Trojan horses and malicious code in a folder or file."""
    _scan(context.obj, "files", str(path.expanduser().absolute()))


def _scan(options: Globals, kind: str, target: str, *, dry: bool = False) -> None:
    from soc_tui.cli.progress import Progress
    from soc_tui.management.launch import connect
    from soc_tui.management.wire import error_from_dict

    with connect(options.settings().workspace) as client:
        if dry:
            for line in client.command("scan_requests", kind=kind, target=target)["requests"]:
                _say(line)
            return
        found: list[dict[str, Any]] = []
        result: dict[str, Any] = {}
        with Progress() as bar:
            for said in client.stream("scan", kind=kind, target=target):
                if "progress" in said:
                    bar.show(said["progress"])
                elif "finding" in said:
                    found.append(said["finding"])
                result = said.get("result", result)
    if options.format == "json":
        emit_one({**result, "found": found}, "json")
    else:
        emit(found, options.format, _TABLE if options.format == "table" else ())
    for note in result["notes"]:
        talk(f"not looked at: {note}")
    if options.format == "table":
        talk(f"{result['findings']} findings in {result['seconds']:.1f} s, {result['alerts']} new alerts")
    errors = [error_from_dict(data) for data in result["errors"]]
    for error in errors:
        complain(error)
    if errors:
        raise typer.Exit(1)


def _say(line: str) -> None:
    from soc_tui.core.text import safe

    print(safe(line))
