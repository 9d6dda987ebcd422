"""The hands of risk processing: plan step in, what to show, keep and audit out. Knows no store.

The engine's order of calls::

    preview = responder.preview(step, guards, now, subject_id="A12", affected=lines)    # shown to the analyst
    # keep: actions(name, target, subject_id, state='applying', plan=preview.as_dict(), undo=preview.undo, ...)
    result = responder.apply(preview, guards_gathered_again, now)                       # or GuardError, ResponseError
    # keep: state=result.state, result=result.as_dict(), undo=result.undo, expires=result.expires; audit it
    result = responder.undo(kept_undo, now)

After a crash, rows left in ``applying`` are settled by ``verify(row.undo)``: ``applied`` means that the action did run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from soc_tui.core.errors import ResponseError
from soc_tui.core.settings import ResponseSettings
from soc_tui.core.types import PlanStep
from soc_tui.response.actions import Action, ActionContext, ActionPreview, ActionResult
from soc_tui.response.block_ip import BlockIp
from soc_tui.response.guards import GuardContext


class Responder:
    """Previews, runs and takes back actions.

    Args:
        settings: whether anything may be applied at all, and how long a block lasts.
        actions: the actions there are; those that ship by default.
    """

    def __init__(self, settings: ResponseSettings, actions: Sequence[Action] | None = None) -> None:
        self._settings = settings
        shipped = (BlockIp(default_minutes=settings.block_minutes),)
        self._actions = {action.name: action for action in (shipped if actions is None else actions)}

    @property
    def names(self) -> tuple[str, ...]:
        """The actions that can be named in a plan."""
        return tuple(self._actions)

    def preview(
        self,
        step: PlanStep,
        guards: GuardContext,
        now: datetime,
        *,
        subject_id: str = "",
        affected: Sequence[str] = (),
    ) -> ActionPreview:
        """Exactly what applying ``step`` would do; changes nothing and needs no privilege.

        Args:
            step: an ``automatic`` or ``one-key`` step.
            guards: gathered just now.
            now: aware, UTC.
            subject_id: the alert or incident (``A12``, ``I3``); becomes part of the mark in the kernel.
            affected: lines that tell whom it hits; shown as they are.

        Raises:
            ResponseError: the step names no known action, or its parameters are wrong.
        """
        context = ActionContext(guards, now, subject_id, tuple(affected))
        preview = self._action(step.action).preview(step.target, step.params, context)
        if self._settings.enabled:
            return preview
        note = "responses are switched off (response.enabled = false): preview only"
        return replace(preview, notes=(*preview.notes, note))

    def apply(self, preview: ActionPreview, guards: GuardContext, now: datetime) -> ActionResult:
        """Run a preview, after the guards have been asked again.

        Raises:
            GuardError: a guard refuses it.
            ResponseError: responses are switched off, or the action failed (nothing stays behind).
        """
        if not self._settings.enabled:
            raise ResponseError("responses are switched off", remedy="set response.enabled = true")
        context = ActionContext(guards, now, preview.subject_id, preview.affected)
        return self._action(preview.action).apply(preview, context)

    def verify(self, undo: Mapping[str, Any], now: datetime) -> ActionResult:
        """Whether an action is in force, from its undo record.

        Raises:
            ResponseError: the record cannot be read, or the system cannot be asked.
        """
        return self._action(str(undo.get("action", ""))).verify(undo, now)

    def undo(self, undo: Mapping[str, Any], now: datetime) -> ActionResult:
        """Take an action back. Allowed even where responses are switched off; twice is no error.

        Raises:
            ResponseError: the record cannot be read, or the system refuses.
        """
        if not undo:
            return ActionResult("", "", "undone", False, "the action had changed nothing; nothing to take back")
        return self._action(str(undo.get("action", ""))).undo(undo, now)

    def tidy(self) -> bool:
        """Remove what expired actions left behind; True when something was removed.

        Raises:
            ResponseError: the system refuses.
        """
        return sum(action.tidy() for action in self._actions.values()) > 0

    def _action(self, name: str) -> Action:
        if name not in self._actions:
            message = f"there is no action {name!r}" if name else "this step is done by a person, not by soc-tui"
            raise ResponseError(message, remedy=f"known actions: {', '.join(self._actions)}")
        return self._actions[name]
