"""Shows the person who waits how far the build of a private Asterisk is."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_STEPS = (
    "running apt-get update",
    "downloading packages with apt",
    "extracting archives",
    "installing essential packages",
    "installing remaining packages",
    "cleaning package lists",
)
"""Of mmdebstrap, in order; it may name others between them."""


class BuildSteps:
    """A bar on a terminal, a line for each step elsewhere; both on stderr.

    Use as `with BuildSteps() as step`, and call `step` with each step.
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def __enter__(self) -> BuildSteps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stop()

    def __call__(self, step: str) -> None:
        """`step` has begun; empty: the command has ended."""
        if not step:
            self._stop()
            return
        done = next((n for n, x in enumerate(_STEPS) if step.startswith(x)), None)
        if done is None:
            return
        if not sys.stderr.isatty():
            print(f"  {step}", file=sys.stderr, flush=True)  # noqa: T201
            return
        bar = self._bar = self._bar or _begun()
        bar.update(bar.task_ids[0], completed=done, description=step)

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _begun() -> Progress:
    # Only a build needs it; `serve` must start as fast without one.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
    )
    bar.add_task("", total=len(_STEPS))
    bar.start()
    return bar
