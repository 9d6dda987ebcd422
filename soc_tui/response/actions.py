"""What a response action is: it can be previewed, run, looked after and taken back.

The values here are all that the engine has to keep (table ``actions``) and to audit; nothing in ``response`` touches
the store. The order is fixed: *preview*, then the engine writes ``preview.undo`` down, then *apply*. So a crash at any
point leaves a row that says how to look for the action's traces (*verify*) and how to remove them (*undo*).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from soc_tui.core.clock import iso
from soc_tui.core.errors import ResponseError
from soc_tui.response.guards import GuardContext, Refusal

State = Literal["applied", "unchanged", "undone", "expired", "gone"]
"""``applied`` in force and ours; ``unchanged`` it was in force already, nothing was done; ``undone`` taken back now;
``expired`` ended by its own timeout; ``gone`` no longer there although its time was not over."""


@dataclass(frozen=True)
class ActionContext:
    """What an action may know about the moment it is planned or run in."""

    guards: GuardContext
    now: datetime
    """Aware, UTC."""
    subject_id: str = ""
    """The alert or incident it answers, e.g. ``A12``."""
    affected: tuple[str, ...] = ()
    """Lines that tell whom it will hit, e.g. the target's sessions of the last 24 hours."""


@dataclass(frozen=True)
class ActionPreview:
    """Exactly what would happen. Showing it changes nothing."""

    action: str
    target: str
    params: Mapping[str, Any]
    subject_id: str
    made: datetime
    """When the preview was made; it is part of the mark the action leaves, so apply takes it from here."""
    refusals: tuple[Refusal, ...] = ()
    """Guards that forbid it; empty when it may be applied."""
    argv: tuple[str, ...] = ()
    script: str = ""
    """The very bytes that apply hands to ``argv`` on standard input (ASCII); empty when nothing would be run."""
    effect: str = ""
    """What it does, one sentence."""
    affected: tuple[str, ...] = ()
    undo_text: str = ""
    undo: Mapping[str, Any] = field(default_factory=dict)
    """What takes it back, to be written down before apply; empty when there would be nothing to take back."""
    expires: datetime | None = None
    """When it would end by itself if applied at ``made``."""
    notes: tuple[str, ...] = ()
    """What else the analyst must know: already in force, not permitted here, foreign rules in our table."""

    @property
    def allowed(self) -> bool:
        """True when no guard forbids it."""
        return not self.refusals

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy (``actions.plan``); :meth:`from_dict` reads it back."""
        data = asdict(self)
        return data | {"made": iso(self.made), "expires": iso(self.expires), "allowed": self.allowed}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ActionPreview:
        """A preview from the JSON that was kept.

        Raises:
            ResponseError: a part is missing or of the wrong type.
        """
        values = {key: value for key, value in data.items() if key != "allowed"}
        try:
            values["made"] = moment(values["made"])
            values["expires"] = moment(values["expires"]) if values["expires"] else None
            values["refusals"] = tuple(Refusal(**item) for item in values["refusals"])
            for name in ("argv", "affected", "notes"):
                values[name] = tuple(str(item) for item in values[name])
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise ResponseError(
                f"the kept plan cannot be read: {error!r}", remedy="preview the action again"
            ) from error

    def as_text(self) -> str:
        """The preview as an analyst reads it on a plain terminal (what comes from data is still data: use ``safe``)."""
        lines = [f"{self.action} {self.target}", "", self.effect]
        lines += [f"REFUSED {r.message}" + (f" ({r.remedy})" if r.remedy else "") for r in self.refusals]
        lines += [f"note: {note}" for note in self.notes]
        if self.script:
            lines += ["", f"will run: {' '.join(self.argv)}  with this on standard input:", self.script.rstrip("\n")]
        if self.affected:
            lines += ["", "affected:", *(f"  {line}" for line in self.affected)]
        if self.expires:
            lines += ["", f"ends by itself at {iso(self.expires)} if applied now"]
        if self.undo_text:
            lines += [f"undo: {self.undo_text}"]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class ActionResult:
    """What did happen."""

    action: str
    target: str
    state: State
    changed: bool
    """False when the system was left as it was found."""
    text: str
    """What happened, one sentence."""
    expires: datetime | None = None
    undo: Mapping[str, Any] = field(default_factory=dict)
    """What takes it back (as in the preview; empty when there is nothing to take back)."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Proof for the audit record: what was run and what the kernel answered."""

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy (``actions.result``)."""
        return asdict(self) | {"expires": iso(self.expires)}


class Action(Protocol):
    """One kind of response."""

    @property
    def name(self) -> str:
        """Its kebab-case name."""
        ...

    def preview(self, target: str, params: Mapping[str, Any], context: ActionContext) -> ActionPreview:
        """What would happen; never raises for a refused target, says so in ``refusals``."""
        ...

    def apply(self, preview: ActionPreview, context: ActionContext) -> ActionResult:
        """Check the guards again, run exactly what was previewed, prove that it holds."""
        ...

    def verify(self, undo: Mapping[str, Any], now: datetime) -> ActionResult:
        """Whether an action is in force, from what was written down before it ran; changes nothing."""
        ...

    def undo(self, undo: Mapping[str, Any], now: datetime) -> ActionResult:
        """Take it back; succeeds, and says so, when it is no longer there."""
        ...

    def tidy(self) -> bool:
        """Remove what expired actions left behind; True when something was removed."""
        ...


def moment(text: str) -> datetime:
    """The aware UTC time that :func:`soc_tui.core.clock.iso` wrote.

    Raises:
        ValueError: it is no ISO 8601 time.
    """
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def refused(preview: ActionPreview, refusals: tuple[Refusal, ...]) -> ActionPreview:
    """The preview with nothing left to run."""
    return replace(preview, refusals=refusals, argv=(), script="", undo={}, undo_text="", expires=None)
