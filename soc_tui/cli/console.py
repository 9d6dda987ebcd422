"""The console itself and ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.core.errors import UsageError

if TYPE_CHECKING:
    from soc_tui.core.settings import Settings
    from soc_tui.management.client import Client


def open_console(options: Globals) -> None:
    """Open the console on the workspace's engine; start one that lives as long as the console if none runs."""
    _run(options.settings(), title="soc-tui", demo=None)


@app.command()
def demo(context: typer.Context) -> None:
    """The console on sample data in a throw-away workspace; responses are previewed only."""
    import shutil
    import tempfile
    from dataclasses import replace

    from soc_tui.core.resources import resource_dir

    options: Globals = context.obj
    folder = Path(tempfile.mkdtemp(prefix="soc-tui-demo-"))
    try:
        _run(
            replace(options.settings(), workspace=folder / "workspace"),
            title="soc-tui demo",
            demo=resource_dir("sample_data"),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(settings: Settings, *, title: str, demo: Path | None) -> None:
    import sys
    import threading

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the console needs a terminal", remedy="use soc-tui ingest, alerts and show in scripts")
    from soc_tui.console.app import ConsoleApp

    held: list[Any] = []

    def connect() -> Any:
        """Runs in a worker after the first frame: this is where the heavy imports happen."""
        from soc_tui.management.launch import connect as connect_engine

        connection = connect_engine(settings.workspace, options=["--demo"] if demo else [])
        if demo and not held:
            threading.Thread(target=_read_samples, args=(connection.client, demo), daemon=True).start()
        held.append(connection)
        return connection.client

    look = settings.console
    try:
        ConsoleApp(connect, title=title, refresh_seconds=look.refresh_seconds, theme=look.theme).run()
    finally:
        for connection in held:
            connection.close()


def _read_samples(client: Client, folder: Path) -> None:
    """Feed the demo while the console is already up, so that alerts are seen arriving."""
    import contextlib

    from soc_tui.core.errors import SocTuiError

    logs = [str(path) for path in sorted(folder.iterdir()) if path.is_dir()]
    with contextlib.suppress(SocTuiError):  # the console was left early; its own banner tells of anything else
        for _ in client.stream("ingest", paths=logs):
            pass
