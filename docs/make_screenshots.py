"""Write the screenshots of the documents: ``python docs/make_screenshots.py [--workspace DIR]``.

Without a workspace the pictures show the same realistic rows that the console's own tests use; with one they show what
its engine has found. SVG, so that they stay sharp and small and differ only when the console differs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc_tui.management.launch import Connection

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "console")]

from soc_tui.console.app import ConsoleApp  # noqa: E402
from soc_tui.console.link import Link  # noqa: E402

SHOTS = (
    ("console", (120, 35), ()),
    ("console-80x24", (80, 24), ()),
    ("repair", (120, 35), ("r",)),
    ("events", (120, 35), ("v",)),
    ("status", (120, 35), ("s",)),
    ("help", (120, 40), ("question_mark",)),
)
"""Name, size in cells, keys pressed."""


async def shoot(connect: Callable[[], Link], name: str, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    """Run the console, press keys, wait until every answer is there, save."""
    app = ConsoleApp(connect, title="sensor-1", refresh_seconds=0.2)
    async with app.run_test(size=size) as pilot:
        while not app.main.alerts.row_count() or not app.loader.idle:
            await pilot.pause(0.05)
        for key in keys:
            await pilot.press(key)
        await pilot.pause(0.3)
        while not app.loader.idle:
            await pilot.pause(0.05)
        (ROOT / "docs" / "screenshots").mkdir(exist_ok=True)
        (ROOT / "docs" / "screenshots" / f"{name}.svg").write_text(app.export_screenshot(title="soc-tui"), "utf-8")


def main() -> None:
    """Write every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, help="a workspace with something in it")
    workspace: Path | None = parser.parse_args().workspace
    held: list[Connection] = []

    def connect() -> Link:
        if workspace is None:
            from console_wire import Wire

            return Wire(alerts=60)
        from soc_tui.management.launch import connect as connect_engine

        held.append(connect_engine(workspace))
        return held[-1].client

    try:
        for name, size, keys in SHOTS:
            asyncio.run(shoot(connect, name, size, keys))
            print(f"docs/screenshots/{name}.svg")
    finally:
        for connection in held:
            connection.close()


if __name__ == "__main__":
    main()
