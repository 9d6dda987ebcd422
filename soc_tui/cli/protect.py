"""``protect``: data protection."""

from __future__ import annotations

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit_one

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Data protection: the audit chain.")
app.add_typer(group, name="protect")


@group.callback()
def protect() -> None:
    """Data protection: the audit chain."""


@group.command()
def audit(context: typer.Context) -> None:
    """Verify the audit chain; exit 0 only when the whole chain verifies."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        report = client.command("verify_audit")
    emit_one(report, options.format)
    if not report["ok"]:
        raise typer.Exit(1)
