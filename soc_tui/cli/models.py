"""``models`` and ``score``: the risk networks."""

from __future__ import annotations

import typer

from soc_tui.cli.main import app

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="The risk networks: list, train, evaluate.")
app.add_typer(group, name="models")
