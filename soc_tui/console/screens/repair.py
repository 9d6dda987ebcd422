"""The repair dialog: the whole plan, the exact commands, what the guards say, and one key to run a step."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button

from soc_tui.console.connection import ssh_connection
from soc_tui.console.link import Link
from soc_tui.console.loading import Reply
from soc_tui.console.screens.modal import Dialog
from soc_tui.console.widgets.detail import heading
from soc_tui.console.widgets.glyphs import glyphs
from soc_tui.console.widgets.text import content, hanging, joined, lines, when
from soc_tui.core.text import safe

PASTE_SECONDS = 0.05
"""Keys that follow one another faster were pasted, not typed; a paste must never confirm a repair."""


def plan_lines(plan: Mapping[str, Any], chosen: int | None, width: int = 100) -> list[Content]:
    """A plan with its previews: who does each step, the exact commands, and what speaks against them.

    Args:
        plan: what the engine's ``plan`` command answered.
        chosen: the step that ``y`` would run.
        width: cells of a line; longer ones wrap under their beginning.
    """
    marks = glyphs()
    previews = {p.get("step"): p for p in plan.get("previews") or []}
    result = [
        joined((plan.get("title"), "bold"), "  ", (plan.get("knowledge_id"), "$text-muted")),
        content(""),
    ]
    for number, step in enumerate(plan.get("steps") or []):
        here = f"{marks.cursor} " if number == chosen else "  "
        mode = str(step.get("mode"))
        style = {"automatic": "$text-accent", "one-key": "bold $text-primary"}.get(mode, "$text-muted")
        head = joined((here, "$text-primary"), (f"{number + 1}. ", "bold"), (mode.ljust(11), style))
        result.append(hanging(head, content(step.get("text")), width))
        preview = previews.get(number)
        if preview is not None:
            result += [hanging(joined("     ", lead), rest, width) for lead, rest in preview_lines(preview)]
    if not plan.get("steps"):
        result.append(content("No repair is known for this. The knowledge pane says how to verify.", "$text-muted"))
    return result


def preview_lines(preview: Mapping[str, Any]) -> list[tuple[Content, Content]]:
    """The preview of one step: a lead and its text for each line."""
    marks = glyphs()
    action = joined((preview.get("action"), "bold"), " ", (preview.get("target"), "bold $text-warning"))
    result = [(content(""), action)]
    for command in _texts(preview.get("commands")):
        result += [(content("$ ", "$text-muted"), content(line, "$text-accent")) for line in command.split("\n")]
    result += [(content("affects  ", "$text-muted"), content(line)) for line in _texts(preview.get("affected"))]
    if preview.get("undo"):
        result.append((content("undo     ", "$text-muted"), content(preview["undo"])))
    if preview.get("expires"):
        result.append((content("expires  ", "$text-muted"), content(when(preview["expires"]))))
    for refusal in _texts(preview.get("refusals")):
        result.append((content(f"{marks.refused} refused  ", "bold $text-error"), content(refusal)))
    if not preview.get("allowed") and not preview.get("refusals"):
        result.append((content(""), content(f"{marks.refused} not allowed here", "bold $text-error")))
    return result


def result_lines(result: Mapping[str, Any]) -> list[Content]:
    """What came of a step."""
    marks = glyphs()
    state = str(result.get("state"))
    mark, style = {
        "applied": (marks.done, "bold $text-success"),
        "undone": (marks.done, "bold $text-success"),
        "refused": (marks.refused, "bold $text-error"),
    }.get(state, (marks.failed, "bold $text-error"))
    text = [
        joined((f"{mark} ", style), (state, style), "  ", (f"action {result.get('action_id')}", "$text-muted")),
        content(result.get("message"), multiline=True),
    ]
    if state == "applied":
        verified = bool(result.get("verified"))
        says = f"{marks.done} verified in the system" if verified else f"{marks.failed} not verified: check it by hand"
        text.append(content(says, "$text-success" if verified else "$text-warning"))
    if result.get("expires"):
        text.append(joined(("ends by itself ", "$text-muted"), when(result["expires"])))
    return text


def _texts(value: object) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [safe(item, multiline=True, limit=4000) for item in value]
    return []


class RepairScreen(Dialog):
    """The plan for one alert or incident.

    Nothing runs before the plan is on the screen and somebody typed ``y`` or chose Confirm; Cancel has the focus, and
    keys that arrive as fast as a paste are not taken for an answer.

    Args:
        subject: the alert or incident, e.g. ``A12``.
    """

    HELP_TITLE = "Repair"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "confirm", "Run the step"),
        Binding("u", "undo", "Undo it", show=False),
        Binding("n", "leave", "Cancel", show=False),
        Binding("left_square_bracket", "other(-1)", "Previous one-key step", show=False, key_display="["),
        Binding("right_square_bracket", "other(1)", "Next one-key step", show=False, key_display="]"),
    ]

    def __init__(self, subject: str) -> None:
        super().__init__(f"Repair {subject}")
        self._subject = subject
        self._plan: Mapping[str, Any] = {}
        self._chosen: int | None = None
        self._busy = False
        self._result: Mapping[str, Any] | None = None
        self._last_key = 0.0
        self._key_gap = PASTE_SECONDS

    def buttons(self) -> Iterable[Button]:
        """Cancel first: it has the focus."""
        yield Button("Cancel", id="cancel")
        yield Button("Confirm (y)", id="confirm", disabled=True)

    def on_mount(self) -> None:
        """Ask for the plan."""
        self.query_one("#cancel").focus()
        ssh, subject = ssh_connection(), self._subject

        def work(link: Link) -> dict[str, Any]:
            return link.command("plan", subject=subject, action="", ssh_connection=ssh)

        if self.soc.loader.ask(self, "plan", work, self._got_plan, topic=subject):
            self.pane.wait("Working out the plan")
        else:
            self.pane.say("Not connected to the engine", "The plan can be made when it is back.", "bad")

    def _got_plan(self, reply: Reply[dict[str, Any]]) -> None:
        if reply.value is None:
            self.pane.fail(reply.error)
            return
        self._plan = reply.value
        self._chosen = self._runnable()[0] if self._runnable() else None
        self._draw()

    def _runnable(self) -> list[int]:
        """The one-key steps that the guards allow."""
        steps = self._plan.get("steps") or []
        return [
            int(p["step"])
            for p in self._plan.get("previews") or []
            if p.get("allowed") and 0 <= int(p["step"]) < len(steps) and steps[int(p["step"])].get("mode") == "one-key"
        ]

    def _draw(self) -> None:
        text = plan_lines(self._plan, self._chosen, max(40, (self.pane.size.width or 101) - 1))
        keys = "j k scroll  esc back"
        if self._busy:
            text += [content(""), content("Running" + glyphs().more, "bold $text-accent")]
        elif self._result is not None:
            text += [content(""), heading("Result"), *result_lines(self._result)]
            if self._result.get("state") == "applied":
                text.append(joined(("u", "bold $text-accent"), " takes it back"))
                keys = f"u takes it back  {keys}"
        elif self._chosen is not None:
            text += [
                content(""),
                joined(("y", "bold $text-accent"), " ", f"runs step {self._chosen + 1}; esc leaves"),
            ]
            keys = f"y runs step {self._chosen + 1}  {keys}"
        elif self._plan.get("previews"):
            text += [content(""), content("The guards allow no step; nothing can be run by one key.", "$text-warning")]
        self.pane.show(lines(text))
        self.say_keys(keys)
        confirm = self.query_one("#confirm", Button)
        confirm.disabled = self._chosen is None or self._busy or self._result is not None
        if self._result is not None or self._busy:
            self.pane.anchor()  # the result stands below the plan, however often the text is laid out

    def on_resize(self) -> None:
        """Lines wrap to the width there is."""
        if self._plan:
            self.call_after_refresh(self._draw)

    def on_key(self, _event: events.Key) -> None:
        """Measure how fast keys follow one another, to know a paste."""
        now = time.monotonic()
        self._key_gap, self._last_key = now - self._last_key, now

    def on_mouse_down(self) -> None:
        """A click is no paste."""
        self._key_gap = PASTE_SECONDS

    def action_other(self, by: int) -> None:
        """Choose another step."""
        runnable = self._runnable()
        if self._chosen is not None and not self._busy and self._result is None:
            self._chosen = runnable[(runnable.index(self._chosen) + by) % len(runnable)]
            self._draw()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_leave()

    @on(Button.Pressed, "#confirm")
    def action_confirm(self) -> None:
        """Run the chosen step."""
        pasted = self._key_gap < PASTE_SECONDS
        if self._chosen is None or self._busy or self._result is not None or pasted:
            return
        subject, step, ssh = self._subject, self._chosen, ssh_connection()

        def work(link: Link) -> dict[str, Any]:
            return link.command("apply", subject=subject, step=step, ssh_connection=ssh)

        self._busy = self.soc.loader.ask(self.app, f"apply {subject} {step}", work, self._applied)
        if not self._busy:
            self.soc.toast("Not connected: nothing was run", "warning")
        self._draw()

    def _applied(self, reply: Reply[dict[str, Any]]) -> None:
        """Show the result here, or as a toast when the dialog has been left meanwhile."""
        error = reply.error
        result = reply.value or {"state": "failed", "message": f"{error.message} {error.remedy}" if error else ""}
        self._busy, self._result = False, result
        if self.conclude(result, "applied"):
            self._draw()

    def action_undo(self) -> None:
        """Take back what was just done."""
        if self._result is not None and self._result.get("state") == "applied":
            self.soc.open_undo(self._result.get("action_id"))
