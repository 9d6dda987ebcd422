"""pySigma's processing pipeline to our schema: every field becomes ``source/field``.

A rule that asks for what we do not read is turned away with the reason.
"""

from __future__ import annotations

from collections.abc import Callable

from sigma.exceptions import SigmaTransformationError
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import FieldFunctionTransformation, SetStateTransformation

from soc_tui.core.text import safe
from soc_tui.detection.sigma.sources import SOURCES, Source


class NotApplicableError(SigmaTransformationError):
    """The rule is sound, but speaks of events or fields that there are none of here."""


def pipeline_for(source: Source) -> ProcessingPipeline:
    """The pipeline of the rules of one source; the backend finds the source in the state."""
    return ProcessingPipeline(
        name=f"soc-tui {source.name}",
        items=[
            ProcessingItem(SetStateTransformation("source", source.name)),
            ProcessingItem(FieldFunctionTransformation({}, _mapper(source))),
        ],
    )


def _mapper(source: Source) -> Callable[[str | None], str]:
    def mapped(name: str | None) -> str:
        if name is None or source.find(name) is None:
            raise NotApplicableError(f"no field {safe(name, limit=60)} in {source.title}")
        return f"{source.name}/{name}"

    return mapped


def mapped_field(name: str) -> tuple[Source, str]:
    """The source and the field that a mapped name stands for."""
    source, _, field = name.partition("/")
    return SOURCES[source], field
