"""Whether an answer is what a template looks for, and the bytes of it that show it."""

from __future__ import annotations

from collections.abc import Mapping

from soc_tui.detection.website.asking import Answer
from soc_tui.detection.website.template import MARKER, Conditions, Template, found

_SHOWN = 400  # bytes of one match


def shown(template: Template, answer: Answer, marker: str) -> bytes | None:
    """The bytes of the answer that make it a finding, by line; None when it is none."""
    proof = _all(template.match, answer, marker)
    if proof is None or _any(template.unless, answer, marker):
        return None
    return b"\n".join([f"HTTP {answer.status}".encode(), *proof])


def facts_shown(template: Template, facts: Mapping[str, str]) -> bytes | None:
    """The same for what is known of TLS or cookies."""
    proof = [facts[name] for name in template.match.facts if name in facts]
    return "\n".join(proof).encode() if proof and not set(template.unless.facts) & set(facts) else None


def _all(wanted: Conditions, answer: Answer, marker: str) -> list[bytes] | None:
    proofs: list[bytes] = []
    for proof in _checks(wanted, answer, marker):
        if proof is None:
            return None
        proofs += proof
    return proofs


def _any(wanted: Conditions, answer: Answer, marker: str) -> bool:
    return any(proof is not None for proof in _checks(wanted, answer, marker))


def _checks(wanted: Conditions, answer: Answer, marker: str) -> list[list[bytes] | None]:
    """For each condition that is set the bytes that fulfil it, or None."""
    done: list[list[bytes] | None] = []
    if wanted.status:
        done.append([] if answer.status in wanted.status else None)
    for word in wanted.words:
        done.append(_line_of(answer.body, word.replace(MARKER, marker).encode()))
    if wanted.any:
        lines = (_line_of(answer.body, word.replace(MARKER, marker).encode()) for word in wanted.any)
        done.append(next((line for line in lines if line is not None), None))
    if wanted.regex:
        at = found(wanted.regex.replace(MARKER, marker), answer.body)
        done.append(None if at is None else [at[:_SHOWN]])
    if wanted.starts:
        done.append([answer.body[:64]] if answer.body.startswith(wanted.starts) else None)
    for name, pattern in wanted.headers.items():
        held = [v for v in answer.values(name) if found(pattern.replace(MARKER, marker), v.encode()) is not None]
        done.append([f"{name}: {held[0]}".encode()[:_SHOWN]] if held else None)
    for name in wanted.missing:
        done.append(None if answer.values(name) else [f"no {name}".encode()])
    return done


def _line_of(body: bytes, word: bytes) -> list[bytes] | None:
    """What stands around a word on its line, for evidence."""
    at = body.find(word)
    if at < 0:
        return None
    begin = max(body.rfind(b"\n", 0, at) + 1, at - 80)
    end = body.find(b"\n", at)
    return [body[begin : min(end if end >= 0 else len(body), at + len(word) + 120)].strip()]
