"""The command line: global options before or after the command's name, results on stdout, talk on stderr.

Nothing heavy is imported here: ``soc-tui --help`` loads no duckdb, pyarrow, torch or textual.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soc_tui import __version__
from soc_tui.core.errors import SocTuiError, UsageError

if TYPE_CHECKING:
    from soc_tui.core.settings import Settings

app = typer.Typer(
    name="soc-tui",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="A security operations console that lives in a terminal. Without a command it opens the console.",
)

FORMATS = ("table", "json", "jsonl", "csv")
_GLOBAL_VALUES = ("--workspace", "--format")
_GLOBAL_FLAGS = ("--version",)


@dataclass(frozen=True)
class Globals:
    """What the global options said."""

    workspace: Path | None
    format: str

    def settings(self) -> Settings:
        """The settings of this call.

        Raises:
            SettingsError: they cannot be understood, down to the access log layouts that they define.
        """
        from soc_tui.core.settings import load_settings

        settings = load_settings(self.workspace)
        if settings.acquisition.access_formats:  # only acquisition can read them, and its import takes a while
            from soc_tui.acquisition.formats import formats_for

            formats_for(settings.acquisition)
        return settings


def _version(value: bool) -> None:
    if value:
        typer.echo(f"soc-tui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    workspace: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Workspace folder; also SOC_TUI_WORKSPACE.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="table, json, jsonl or csv.")] = "table",
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Keep the global options and open the console when no command is named."""
    if output not in FORMATS:
        raise UsageError(f"unknown format {output!r}", remedy=f"use {', '.join(FORMATS)}")
    context.obj = Globals(workspace, output)
    if context.invoked_subcommand is None:
        from soc_tui.cli.console import open_console

        open_console(context.obj)


def hoist(arguments: list[str]) -> list[str]:
    """Move global options in front of the command, so that they are accepted on both sides of it."""
    front: list[str] = []
    rest: list[str] = []
    items = iter(arguments)
    for item in items:
        if item == "--":
            rest += [item, *items]
        elif item in _GLOBAL_VALUES:
            front += [item, *([value] if (value := next(items, None)) is not None else [])]
        elif item.startswith(tuple(f"{name}=" for name in _GLOBAL_VALUES)) or item in _GLOBAL_FLAGS:
            front.append(item)
        else:
            rest.append(item)
    return front + rest


def complain(error: SocTuiError) -> None:
    """Tell a person on stderr what went wrong and what to do."""
    from soc_tui.core.text import safe

    where = f"{error.location}: " if error.location else ""
    print(f"soc-tui: {safe(where + error.message, multiline=True)}", file=sys.stderr)
    if error.remedy:
        print(f"  what to do: {safe(error.remedy, multiline=True)}", file=sys.stderr)


def run() -> None:
    """The entry point: exit 0 done, 1 failed, 2 usage, 130 interrupted."""
    try:
        app(args=hoist(sys.argv[1:]), prog_name="soc-tui")
    except SocTuiError as error:
        complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("soc-tui: interrupted; what was committed is kept", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


# The commands register themselves on `app`; their modules import nothing heavy at the top either.
from soc_tui.cli import (  # noqa: E402
    archive,  # noqa: F401
    console,  # noqa: F401
    engine,  # noqa: F401
    indicators,  # noqa: F401
    knowledge,  # noqa: F401
    look,  # noqa: F401
    models,  # noqa: F401
    protect,  # noqa: F401
    respond,  # noqa: F401
    scan,  # noqa: F401
    selftest,  # noqa: F401
    sigma,  # noqa: F401
    suppress,  # noqa: F401
)
