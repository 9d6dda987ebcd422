"""Run inside a network namespace: reads one JSON request a line, asks a real Responder, answers one JSON line."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

from soc_tui.core.errors import SocTuiError
from soc_tui.core.settings import ResponseSettings
from soc_tui.core.types import PlanStep
from soc_tui.response.actions import ActionPreview, moment
from soc_tui.response.responder import Responder
from soc_tui.response.surroundings import gather_context


def answer(request: dict[str, Any]) -> dict[str, Any]:
    settings = ResponseSettings(allowlist=tuple(request.get("allowlist", ())))
    responder = Responder(settings)
    now = moment(request["now"]) if "now" in request else datetime.now(UTC)
    guards = gather_context(settings, request.get("ssh", ""))
    match request["do"]:
        case "gather":
            return {name: sorted(str(item) for item in items) for name, items in vars(guards).items()}
        case "preview":
            params = {"minutes": request["minutes"]} if "minutes" in request else {}
            step = PlanStep("one-key", "block it", "block-ip", request["target"], params)
            return responder.preview(step, guards, now, subject_id=request.get("subject", "A1")).as_dict()
        case "apply":
            return responder.apply(ActionPreview.from_dict(request["preview"]), guards, now).as_dict()
        case "verify":
            return responder.verify(request["undo"], now).as_dict()
        case "undo":
            return responder.undo(request["undo"], now).as_dict()
        case "tidy":
            return {"removed": responder.tidy()}
        case other:
            raise SystemExit(f"unknown request {other}")


def main() -> None:
    for line in sys.stdin:
        try:
            out = answer(json.loads(line))
        except SocTuiError as error:
            out = {"error": type(error).__name__, "message": error.message, "remedy": error.remedy}
        print(json.dumps(out), flush=True)


if __name__ == "__main__":
    main()
