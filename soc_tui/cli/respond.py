"""``respond``, ``undo`` and ``actions``: repair with a preview, and take it back."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import emit, emit_one
from soc_tui.core.errors import GuardError, ResponseError, UsageError


def _ssh() -> str:
    """The analyst's own way in, which the guards must never cut."""
    return os.environ.get("SSH_CONNECTION", "")


@app.command()
def respond(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="ID", help="A12 (alert) or I3 (incident).")],
    action: Annotated[str, typer.Option(metavar="NAME", help="Only this action, e.g. block-ip.")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only the exact preview is shown.")] = False,
) -> None:
    """Show the exact repair plan; with --apply, run its one-key step, verify it and record it."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        plan = client.command("plan", subject=subject, action=action, ssh_connection=_ssh())
        if not apply:
            _show_plan(plan, options.format)
            return
        chosen = next((p for p in plan["previews"]), None)
        if chosen is None:
            raise ResponseError(
                f"the plan of {subject} has no step that can be run",
                remedy="its steps are manual: soc-tui respond shows them",
            )
        if not chosen["allowed"]:
            raise GuardError("; ".join(chosen["refusals"]), remedy="choose another address or do it by hand")
        result = client.command("apply", subject=subject, step=chosen["step"], action=action, ssh_connection=_ssh())
    emit_one(result, options.format)
    if result["state"] != "applied":
        raise ResponseError(result["message"])


def _show_plan(plan: dict[str, Any], form: str) -> None:
    if form != "table":
        emit_one(plan, form)
        return
    from soc_tui.core.text import safe

    print(f"{safe(plan['title'])}  ({safe(plan['knowledge_id'])})")
    previews = {preview["step"]: preview for preview in plan["previews"]}
    for number, step in enumerate(plan["steps"]):
        print(f"\n{number + 1}. [{step['mode']}] {safe(step['text'])}")
        preview = previews.get(number)
        if preview is None:
            continue
        print(f"   {safe(preview['action'])} {safe(preview['target'])}, until {safe(preview['expires'])}")
        for refusal in preview["refusals"]:
            print(f"   refused: {safe(refusal)}")
        for name, lines in (("would run", preview["commands"]), ("affected", preview["affected"])):
            for line in lines:
                print(f"   {name}: " + safe(line, multiline=True).replace("\n", "\n     "))
        print(f"   undo: {safe(preview['undo'], multiline=True)}")
    print("\nNothing was done. Add --apply to run the one-key step.")


@app.command()
def undo(
    context: typer.Context,
    action_id: Annotated[
        str, typer.Argument(metavar="ACTION", help="The action's number; the last when left out.")
    ] = "",
) -> None:
    """Take an action back."""
    from soc_tui.management.launch import connect

    if action_id and not (action_id.isascii() and action_id.isdigit() and len(action_id) < 19):
        raise UsageError(f"{action_id!r} is no action number", remedy="soc-tui actions lists them")
    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        result = client.command("undo", action_id=int(action_id) if action_id else None)
    emit_one(result, options.format)
    if result["state"] != "undone":
        raise ResponseError(result["message"])


@app.command()
def actions(context: typer.Context) -> None:
    """Every action: planned, applied, verified, undone."""
    from soc_tui.management.launch import connect

    options: Globals = context.obj
    with connect(options.settings().workspace) as client:
        rows = client.query("actions").to_pylist()
    columns = ("action_id", "name", "target", "subject_id", "state", "actor", "created", "expires", "undone")
    emit(rows, options.format, columns if options.format == "table" else ())
