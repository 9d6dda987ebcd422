"""Whether the newest lines of a log still are of the format that it began with."""

from __future__ import annotations

from pathlib import Path

from soc_tui.acquisition.formats import formats_for, recognise
from soc_tui.acquisition.stream import LogFile
from soc_tui.core.errors import SourceError
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.types import SourceState

_SAMPLE_BYTES = 16 * 1024
_FEWEST_LINES = 10
_CERTAIN, _DOUBTFUL = 0.9, 0.5
"""Another format must be certain and the source's own doubtful: lines in the middle of a file lack its header, by which
alone some formats (Zeek's) are known."""


def other_format(state: SourceState, settings: AcquisitionSettings) -> str:
    """The name of another format that the lines before the source's offset certainly have; empty when there is none.

    Empty as well for compressed files, whose end cannot be reached without reading the whole, and for plain ``text``,
    of which every format is a kind.
    """
    formats = formats_for(settings)
    own = formats.get(state.format)
    if own is None or own.name == "text" or state.offset == 0:
        return ""
    try:
        with LogFile(Path(state.path)) as log:
            if log.compressed or log.info.st_size < state.offset:
                return ""
            stream = log.stream()
            begin = max(state.offset - _SAMPLE_BYTES, 0)
            stream.skip(begin)
            sample = stream.read(state.offset - begin)
    except SourceError:
        return ""
    whole = sample if begin == 0 else sample[sample.find(b"\n") + 1 :]
    if whole.count(b"\n") < _FEWEST_LINES:
        return ""
    lines = [line for line in whole.decode("utf-8", "backslashreplace").splitlines() if line]
    found = recognise(whole, formats)
    if found.name == own.name or own.confidence(lines) >= _DOUBTFUL:
        return ""
    return found.name if found.confidence(lines) >= _CERTAIN else ""
