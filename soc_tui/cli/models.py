"""``models`` and ``score``: the risk networks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one, talk
from soc_tui.core.errors import SourceError

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="The risk networks: list, train, evaluate.")
app.add_typer(group, name="models")
