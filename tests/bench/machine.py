"""On what was measured."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import sqlite3
import sysconfig
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bridge.config.settings import Settings
from bridge.testing.lab.installation import test_installation
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .plan import Plan
from .stage import UNLIMITED

_PACKAGES = ("aiohttp", "panoramisk", "pydantic", "sqlalchemy", "uvloop")


async def describe(plan: Plan) -> dict[str, dict[str, Any]]:
    """Machine, versions and settings, for the table's foot and the JSON."""
    defaults = Settings.model_fields
    return {
        "machine": {
            "processor": _processor(),
            "cpus": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
            "kernel": platform.release(),
            "load_before": round(os.getloadavg()[0], 2),
        },
        "versions": {
            "uapi-bridge": importlib.metadata.version("uapi-bridge"),
            "python": _python(),
            "asterisk": (await test_installation()).version,
            "sipp": await _sipp_version(),
            "sqlite": sqlite3.sqlite_version,
            **_installed(),
        },
        "settings": {
            "sqlite_synchronous": defaults["sqlite_synchronous"].default,
            "log_level": defaults["log_level"].default,
            **UNLIMITED,
        },
        "plan": asdict(plan),
    }


def _python() -> str:
    """Version and build. One without PGO and LTO takes a tenth more, or a fifth."""
    built = sysconfig.get_config_var("CONFIG_ARGS") or ""
    flags = f"{built} {sysconfig.get_config_var('CFLAGS')}"
    pgo = "--enable-optimizations" in built or "-fprofile-use" in flags
    lto = "--with-lto" in built or "-flto" in flags
    with_ = {True: "with", False: "without"}
    return f"{platform.python_version()} {with_[pgo]} PGO, {with_[lto]} LTO"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def _installed() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


async def _sipp_version() -> str:
    ensure_phone_tools()
    process = await asyncio.create_subprocess_exec(
        "sipp", "-v", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    return output.decode().split()[1].rstrip(".")
