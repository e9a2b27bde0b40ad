"""A step in the words of people, for the terminal, the journal and the report."""

from __future__ import annotations

from bridge.flows.steps import AnyStep, AppCreates

_LEFT_OUT = {"who", "does", "expects", "within_s"}


def words_of(step: AnyStep) -> str:
    """As `alice expects tone of bob within 5 s`."""
    if isinstance(step, AppCreates):
        more = _more(step, {"source", "destination"})
        return f"app creates {_all(step.source)} → {_all(step.destination)}{more}"
    verb = "does" if hasattr(step, "does") else "expects"
    within = getattr(step, "within_s", None)
    limit = f" within {within:g} s" if within is not None else ""
    word = str(getattr(step, verb)).replace("_", " ")
    return f"{step.who} {verb} {word}{_more(step, set())}{limit}"


def _more(step: AnyStep, known: set[str]) -> str:
    rest = step.model_dump(exclude_defaults=True, exclude=_LEFT_OUT | known)
    return "".join(f" {k.replace('_', ' ')} {v}" for k, v in rest.items())


def _all(numbers: tuple[str, ...]) -> str:
    return ", ".join(numbers)
