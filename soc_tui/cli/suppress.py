"""``suppress``, ``suppressions`` and ``unsuppress``: hide alerts for a time, with a reason, and show them again."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from soc_tui.cli.look import join_filter
from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one
from soc_tui.core.errors import UsageError


@app.command()
def suppress(
    context: typer.Context,
    filter: Annotated[
        list[str],
        typer.Argument(metavar="FILTER", help="Which alerts, e.g. detector:port-scan src:10.0.0.5 severity:<=low"),
    ],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; needed to apply it.")] = "",
    days: Annotated[int, typer.Option(metavar="N", help="For how long.")] = 30,
    all_alerts: Annotated[bool, typer.Option("--all-alerts", help="Let it hide everything.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only what it would hide is shown.")] = False,
) -> None:
    """Show how many alerts a filter would hide, by severity; with --apply, hide them and their like for a time."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    settings = options.settings()
    with connect(settings.workspace) as client:
        shown = client.command(
            "suppress", filter=join_filter(filter), reason=reason, days=days, apply=apply, all_alerts=all_alerts
        )
    if options.format == "table":
        _print_preview(shown)
    else:
        emit_one(shown, options.format)
    if shown["refusals"]:
        raise typer.Exit(1)


def _print_preview(shown: dict[str, Any]) -> None:
    from soc_tui.core.text import safe

    verb = "hides" if shown["applied"] else "would hide"
    print(f"filter       {safe(shown['filter'])}")
    if "hides" in shown:
        print(f"{verb.ljust(12)} {shown['hides']:,} of {shown['of']:,} alerts, {shown['incidents']:,} incidents whole")
        for word, count in shown["by_severity"].items():
            print(f"  {word.ljust(10)} {count:,}")
        if shown["by_detector"]:
            print(
                "by detector  " + safe(", ".join(f"{name} {count:,}" for name, count in shown["by_detector"].items()))
            )
        if shown["already_hidden"]:
            print(f"hidden       {shown['already_hidden']:,} more that fit are hidden already")
        for row in shown["examples"]:
            print(f"  A{row['alert_id']}  {safe(row['severity'])}  {safe(row['title'], limit=100)}")
    for text in shown["warnings"]:
        print(f"warning      {safe(text)}")
    for text in shown["refusals"]:
        print(f"refused      {safe(text)}")
    if shown["applied"]:
        print(f"\nS{shown['suppression_id']} is in force until {safe(shown['expires'])}."
              f" soc-tui unsuppress S{shown['suppression_id']} takes it back.")  # fmt: skip
    elif shown["refusals"]:
        print("\nNothing was done.")
    else:
        print("\nNothing was done. Add --reason TEXT --apply to hide them" + f" until {safe(shown['expires'])}.")


@app.command()
def suppressions(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
) -> None:
    """The suppressions in force, with what each hides."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        rows = client.query("suppressions", all=all_).to_pylist()
    if options.format == "table":
        rows = [{**row, "id": f"S{row['suppression_id']}"} for row in rows]
        emit(rows, "table", ("id", "state", "hides", "filter", "reason", "created_by", "created", "expires", "ended"))
    else:
        emit(rows, options.format)


@app.command()
def unsuppress(
    context: typer.Context,
    suppression: Annotated[str, typer.Argument(metavar="ID", help="S3, as soc-tui suppressions lists it.")],
) -> None:
    """End a suppression: what it hid is shown again."""
    from soc_tui.management.launch import connect

    found = re.fullmatch(r"[Ss]?([0-9]{1,18})", suppression.strip())
    if not found:
        raise UsageError(f"{suppression!r} names no suppression", remedy="write S3; soc-tui suppressions lists them")
    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        emit_one(client.command("unsuppress", suppression_id=int(found[1])), options.format)
