"""``selftest``: does every detector here find what it must, and stay silent where it must?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one, talk


@app.command()
def selftest(
    context: typer.Context,
    detectors: Annotated[
        list[str] | None, typer.Argument(metavar="DETECTOR", help="Only these; every one when none is named.")
    ] = None,
) -> None:
    """Replay a packaged case for every detector in a throw-away workspace; exit 0 only when all goes as it must."""
    import logging
    import shutil
    import tempfile
    import time
    from pathlib import Path

    from soc_tui.management import selftest as testing

    options: Globals = context.obj
    folder = Path(tempfile.mkdtemp(prefix="soc-tui-selftest-"))
    logging.getLogger("soc_tui").addHandler(logging.NullHandler())  # a log that is cut is one of the cases: no news
    began = time.monotonic()
    try:
        outcomes = testing.run(folder, detectors or ())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = testing.report(outcomes, time.monotonic() - began)
    if detectors:
        told["not_covered"] = []
    if options.format == "table":
        _print(told)
    elif options.format == "csv":
        emit(told["detectors"], "csv")
    else:
        emit_one(told, options.format)
    if not told["ok"]:
        raise typer.Exit(1)


def _print(told: dict[str, Any]) -> None:
    rows = [
        {
            "detector": row["detector"],
            "fired": f"{row['fired']} of {row['must_fire']}",
            "silent": f"{row['silent']} of {row['must_be_silent']}",
            "seconds": row["seconds"],
            "": "FAILED" if row["problems"] else "",
        }
        for row in told["detectors"]
    ]
    emit(rows, "table", ("detector", "fired", "silent", "seconds", ""))
    for row in told["detectors"]:
        for problem in row["problems"]:
            talk(f"{row['detector']}: {problem}")
    if told["not_covered"]:
        print(f"\nnot covered: {', '.join(told['not_covered'])}")
    print(
        f"\n{told['fired']} of {told['must_fire']} fired,"
        f" {told['silent']} of {told['must_be_silent']} benign cases silent, in {told['seconds']:.1f} s"
    )
