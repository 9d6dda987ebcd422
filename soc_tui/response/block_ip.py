"""``block-ip``: cut one address off with nftables, in both directions, for a limited time.

The address becomes an element with a kernel timeout in a set of our own table ``inet soc_tui``; rules there drop what
comes from it (input, forward) and what goes to it (output, forward), so a reverse shell that is already open dies too.
The kernel ends the block by itself even if soc-tui is gone. When the last element is taken back, the table goes with
it, and ``nft list ruleset`` is byte for byte what it was. A table that soc-tui did not make is used and never deleted.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from soc_tui.core.clock import iso
from soc_tui.core.errors import GuardError, ResponseError
from soc_tui.response import guards
from soc_tui.response.actions import ActionContext, ActionPreview, ActionResult, State, moment, refused
from soc_tui.response.guards import Refusal
from soc_tui.response.nft import (
    FAMILY,
    NO_SUCH_OBJECT,
    NOT_PERMITTED,
    PIECES,
    SETS,
    TABLE,
    Element,
    Nft,
    TableState,
    by_hand,
)

MAX_MINUTES = 30 * 24 * 60
_AT = f"{FAMILY} {TABLE}"
_TAG = re.compile(r"soc-tui [AI]?[0-9]{0,18} ?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_ATTEMPTS = 3  # an element can expire between listing and deleting, which fails the whole transaction


class BlockIp:
    """The action; see the module's text.

    Args:
        nft: the runner; its own by default.
        default_minutes: how long a block lasts when the step's ``params`` do not say ``minutes``.
    """

    name = "block-ip"

    def __init__(self, nft: Nft | None = None, default_minutes: float = 60) -> None:
        self._nft = nft or Nft()
        self._default_minutes = default_minutes

    def preview(self, target: str, params: Mapping[str, Any], context: ActionContext) -> ActionPreview:
        """The exact nft script, without running it.

        Args:
            target: a single address.
            params: ``minutes`` (> 0, at most 30 days; fractions are rounded up to whole seconds).
            context: guards, time, subject and the lines that tell whom it hits.

        Raises:
            ResponseError: ``params`` cannot be understood.
        """
        seconds = self._seconds(params)
        # JSON keeps milliseconds: cut here, so that a preview that was kept and read back runs the same bytes.
        made = context.now.replace(microsecond=context.now.microsecond // 1000 * 1000)
        refusals = tuple(guards.check(target, context.guards))
        address = (
            str(guards.normalise(target)) if not any(r.code == "not-an-address" for r in refusals) else str(target)
        )
        base = ActionPreview(
            self.name, address, {"minutes": seconds / 60}, context.subject_id, made,
            effect=f"drops everything from and to {address} on this machine for {_span(seconds)}, "
                   "connections that are open now included",
            affected=context.affected,
        )  # fmt: skip
        if refusals:
            return refused(base, refusals)
        state, notes = self._look()
        known = state.elements.get(address)
        if known is not None and not state.missing:
            return replace(base, notes=(*notes, _already(known)), expires=_end(known, made))
        set_name = SETS[guards.normalise(address).version]
        undo = _undo_record(address, set_name, _tag(context.subject_id, made), seconds, made)
        try:
            script = _script(state, set_name, address, seconds, undo["tag"])
        except ResponseError as error:
            return refused(base, (Refusal("foreign-table", error.message, error.remedy),))
        return replace(
            base,
            argv=self._argv(),
            script=script,
            undo_text=f"nft delete element {_AT} {set_name} {{ {address} }}; "
            f"when nothing else is blocked, table {_AT} goes too and the ruleset is as it was before",
            undo=undo,
            expires=made + timedelta(seconds=seconds),
            notes=notes,
        )

    def apply(self, preview: ActionPreview, context: ActionContext) -> ActionResult:
        """Run what was previewed and read it back from the kernel.

        An address that is blocked already is left as it is: its time is not extended, and the result says how long it
        has left.

        Raises:
            GuardError: a guard refuses it now.
            ResponseError: nft failed, the firewall changed since the preview, or the kernel does not hold the element
                afterwards (what was done is then taken back).
        """
        refusals = guards.check(preview.target, context.guards)
        if refusals:
            raise GuardError(
                "; ".join(r.message for r in refusals), remedy="; ".join(r.remedy for r in refusals if r.remedy)
            )
        seconds = self._seconds(preview.params)
        address = str(guards.normalise(preview.target))
        set_name = SETS[guards.normalise(address).version]
        tag = _tag(preview.subject_id, preview.made)
        try:
            state = self._nft.read()
        except ResponseError as error:
            if error.message != NOT_PERMITTED:
                raise
            script = _script(TableState(exists=False), set_name, address, seconds, tag)
            raise ResponseError(NOT_PERMITTED, remedy=f"run by hand as root:\n{by_hand(script)}") from error
        known = state.elements.get(address)
        if known is not None and not state.missing:
            return ActionResult(self.name, address, "unchanged", False, _already(known), _end(known, context.now))
        script = _script(state, set_name, address, seconds, tag)
        if script != preview.script:
            raise ResponseError("the firewall changed since the preview, nothing was done", remedy="preview it again")
        undo = _undo_record(address, set_name, tag, seconds, context.now)
        try:
            self._nft.run(script)
        except ResponseError:
            # nft that was given up after its time may have been done: leave nothing behind that no record knows.
            with contextlib.suppress(ResponseError):
                self.undo(undo, context.now)
            raise
        held = self._nft.read_set(set_name).get(address)
        missing = self._nft.read().missing
        if held is None or held.comment != tag or held.expires is None or missing:
            self.undo(undo, context.now)
            raise ResponseError(f"the kernel does not hold the block of {address}; it was taken back",
                                remedy="look whether another program rewrites the ruleset (nft monitor)")  # fmt: skip
        return ActionResult(
            self.name, address, "applied", True,
            f"{address} is blocked for {_span(seconds)}; the kernel holds it in {_AT} {set_name}",
            context.now + timedelta(seconds=seconds), undo,
            {"script": script, "element": {"address": held.address, "expires": held.expires, "comment": held.comment}},
        )  # fmt: skip

    def verify(self, undo: Mapping[str, Any], now: datetime) -> ActionResult:
        """Whether the block is there: the element with this action's mark, and every rule that uses it.

        An element without its rules is still ``applied`` (it can be undone); ``detail["missing"]`` names what is gone.

        Raises:
            ResponseError: ``undo`` cannot be read, or nft failed.
        """
        target, _, tag, end = _read_undo(undo)
        state = self._nft.read()
        element = state.elements.get(target)
        if element is None or element.comment != tag:
            return _absent(self.name, target, element, now, end, changed=False)
        if state.missing:
            missing = [" ".join(key) for key in state.missing]
            text = f"{target} is in the set, but rules are missing, so it is not blocked: {', '.join(missing)}"
            return ActionResult(self.name, target, "applied", False, text, end, undo, {"missing": missing})
        text = f"{target} is blocked, {_span(element.expires or 0)} left"
        return ActionResult(self.name, target, "applied", False, text, _end(element, now), undo)

    def undo(self, undo: Mapping[str, Any], now: datetime) -> ActionResult:
        """Remove the element, and the table when it is ours and nothing else is in it.

        Only an element with this action's own mark is removed: a block of the same address that somebody set later
        stays. Expired, flushed and already removed elements are no errors.

        Raises:
            ResponseError: ``undo`` cannot be read, or nft failed.
        """
        if not undo:
            return ActionResult(self.name, "", "undone", False, "the action had changed nothing; nothing to take back")
        target, set_name, tag, end = _read_undo(undo)
        for attempt in range(1, _ATTEMPTS + 1):
            state = self._nft.read()
            element = state.elements.get(target)
            mine = element is not None and element.comment == tag
            lines = [f"delete element {_AT} {set_name} {{ {target} }}"] if mine else []
            whole = _removable(state, without=target if mine else "")
            lines += [f"delete table {_AT}"] if whole else []
            script = "".join(line + "\n" for line in lines)
            try:
                if script:
                    self._nft.run(script)
            except ResponseError as error:
                if attempt < _ATTEMPTS and NO_SUCH_OBJECT in error.message:
                    continue
                raise
            break
        if not mine:
            return _absent(self.name, target, element, now, end, changed=whole)
        if target in self._nft.read_set(set_name):
            raise ResponseError(f"{target} is still in the set", remedy="look at `nft list table inet soc_tui`")
        text = f"{target} is no longer blocked"
        text += "; the ruleset is as it was before" if whole else ""
        if state.foreign and state.marked:
            text += f"; table {_AT} stays because it holds what is not soc-tui's: {', '.join(state.foreign)}"
        return ActionResult(self.name, target, "undone", True, text, None, {}, {"script": script})

    def tidy(self) -> bool:
        """Delete our table when every block in it has expired and nothing foreign is in it.

        Raises:
            ResponseError: nft failed.
        """
        if not _removable(self._nft.read(), without=""):
            return False
        self._nft.run(f"delete table {_AT}\n")
        return True

    def _look(self) -> tuple[TableState, tuple[str, ...]]:
        """The table for a preview; where it cannot be read, as if it were absent, with the reason as a note."""
        try:
            state = self._nft.read()
        except ResponseError as error:
            return TableState(exists=False), (f"{error.message}: apply will fail here, the script is still right",)
        note = f"table {_AT} holds what is not soc-tui's: {', '.join(state.foreign)}"
        return state, (note,) if state.foreign else ()

    def _argv(self) -> tuple[str, ...]:
        try:
            return self._nft.argv
        except ResponseError:  # nft is missing, which the preview's notes say; the script can be run elsewhere
            return ("nft", "-f", "-")

    def _seconds(self, params: Mapping[str, Any]) -> int:
        """Whole seconds, rounded up: the kernel's timeout has to be at least one."""
        minutes: Any = params.get("minutes", self._default_minutes)
        unknown = sorted(set(params) - {"minutes"})
        if unknown:
            raise ResponseError(f"block-ip knows no parameter {unknown[0]!r}", remedy="it takes minutes")
        number = isinstance(minutes, int | float) and not isinstance(minutes, bool) and math.isfinite(minutes)
        if not number or not 0 < minutes <= MAX_MINUTES:
            raise ResponseError(f"minutes must be more than 0 and at most {MAX_MINUTES}, not {minutes!r}",
                                remedy="set response.block_minutes or the step's minutes")  # fmt: skip
        return max(1, math.ceil(round(float(minutes) * 60, 6)))


def _undo_record(address: str, set_name: str, tag: str, seconds: int, start: datetime) -> dict[str, str]:
    end = iso(start + timedelta(seconds=seconds))
    return {"action": BlockIp.name, "target": address, "set": set_name, "tag": tag, "expires": end}


def _script(state: TableState, set_name: str, address: str, seconds: int, tag: str) -> str:
    """One transaction: the pieces of our table that are missing, then the element."""
    if state.exists and not state.marked and state.missing:
        lacking = " ".join(state.missing[0])
        raise ResponseError(
            f"a table {_AT} exists that soc-tui did not make and cannot use: {lacking} is missing",
            remedy=f"rename or delete it (nft delete table {_AT}), or complete it as docs/response.md shows",
        )
    lines = [PIECES[key] for key in state.missing]
    if address in state.elements:  # rules are missing, so it is not blocked: this action takes the element over
        lines.append(f"delete element {_AT} {set_name} {{ {address} }}")
    lines.append(f'add element {_AT} {set_name} {{ {address} timeout {seconds}s comment "{tag}" }}')
    return "".join(line + "\n" for line in lines)


def _removable(state: TableState, without: str) -> bool:
    """True when nothing but our own, empty table would be left once the element ``without`` is gone."""
    return state.exists and state.marked and not state.foreign and not (state.elements.keys() - {without})


def _tag(subject_id: str, made: datetime) -> str:
    """The comment that makes an element this action's own: the alert and the moment of its preview."""
    subject = subject_id if re.fullmatch(r"[AI][0-9]{1,18}", subject_id) else ""
    return " ".join(word for word in ("soc-tui", subject, iso(made)) if word)


def _read_undo(undo: Mapping[str, Any]) -> tuple[str, str, str, datetime]:
    """Target, set, tag and end, each checked: the JSON has been in a file since."""
    try:
        address = guards.normalise(undo["target"])
        tag, end = str(undo["tag"]), moment(undo["expires"])
    except (KeyError, TypeError, ValueError, GuardError) as error:
        raise ResponseError(f"the undo record cannot be read: {error}", remedy="remove the element by hand") from error
    if undo.get("action") != BlockIp.name or undo.get("set") != SETS[address.version] or not _TAG.fullmatch(tag):
        raise ResponseError("the undo record is not one of block-ip", remedy="remove the element by hand")
    return str(address), SETS[address.version], tag, end


def _absent(
    action: str, target: str, other: Element | None, now: datetime, end: datetime, *, changed: bool
) -> ActionResult:
    """The result for a block that is no longer there."""
    state: State = "expired" if now >= end else "gone"
    if state == "expired":
        text = f"the block of {target} had expired by itself at {iso(end)}"
    else:
        text = f"the block of {target} was no longer in the kernel (removed by somebody else, flushed or rebooted)"
    if other is not None:
        text += f"; another block of it stays: {other.comment or 'without a comment'}"
    return ActionResult(action, target, state, changed, text, end)


def _already(element: Element) -> str:
    left = "without a time limit" if element.expires is None else f"{element.expires} s left"
    return f"already blocked, {left}; nothing is changed"


def _end(element: Element, now: datetime) -> datetime | None:
    return None if element.expires is None else now + timedelta(seconds=element.expires)


def _span(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds >= 60 and seconds % 60 == 0 else f"{seconds} s"
