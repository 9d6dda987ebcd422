"""What is not installed is not looked for again and again."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_SOUGHT = "dateutil"


def seek_no_more() -> None:
    """Have Arrow know that ``dateutil`` is missing, where it is.

    Whenever Arrow makes an array of Python values it tries to import that package for the sake of its time zones, and
    Python remembers no failure: every try searches all folders anew, 0.15 ms that came to a tenth of scoring sessions
    and a fifteenth of reading access logs.
    """
    if _SOUGHT not in sys.modules and find_spec(_SOUGHT) is None:
        sys.modules[_SOUGHT] = None  # type: ignore[assignment]  # so the language has it: import fails at once
