"""An instance that is alone loads nothing of what sends requests to others."""

from __future__ import annotations

import subprocess
import sys

_LOADED = """
import sys
import bridge.command.serving, bridge.wiring.service
print([x for x in sys.modules if x.startswith(("bridge.http.cluster", "bridge.cluster.forward"))])
"""


def test_an_instance_that_is_alone_loads_no_forwarding() -> None:
    found = subprocess.run(
        [sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True
    )
    assert found.stdout.strip() == "[]"
