"""The ARI side of the readiness check: login, modules, whether phones can be provisioned."""

from __future__ import annotations

from bridge.pbx.ari_client import (
    AriClient,
    AriError,
    AriNotFound,
    AriNotLoaded,
    AriRefused,
    AriUnavailable,
)
from bridge.pbx.pbx_settings import AriSettings
from bridge.pbx.readiness import Finding, advice, lacking, ok, unknown, version_finding

PROBE = "uapi-bridge-check"
"""Name of an AOR that is made and removed."""

CALL_MODULES = (
    "chan_pjsip",
    "res_pjsip_registrar",
    "app_dial",
    "app_exec",
    "app_stack",
    "func_callerid",
    "func_channel",
    "func_cut",
    "func_logic",
    "res_ari_endpoints",
)
RECORDING_MODULES = ("app_mixmonitor", "res_ari_recordings")


class AriReadiness:
    def __init__(self, settings: AriSettings, *, provisioning: bool, recording: bool) -> None:
        self._settings = settings
        self._provisioning = provisioning
        self._recording = recording

    async def findings(self) -> list[Finding]:
        """Never raises for what the PBX does."""
        where = f"ARI at {self._settings.base_url}"
        async with AriClient(self._settings) as ari:
            try:
                version = await ari.version()
            except (AriNotFound, AriNotLoaded):
                return [
                    lacking(
                        f"{where}: this HTTP server has no ARI",
                        "modules.conf: load = res_ari.so and res_ari_asterisk.so; ari.conf "
                        "[general]: enabled = yes; http.conf: no `prefix`",
                    )
                ]
            except AriUnavailable as why:
                return [
                    lacking(
                        f"{where}: {why}",
                        "http.conf [general]: enabled = yes, bindaddr and bindport; here "
                        "BRIDGE_PBX_HOST and BRIDGE_ARI_PORT",
                    )
                ]
            except AriError as why:
                user = self._settings.username
                return [
                    lacking(
                        f'{where}: user "{user}": {why}',
                        f"ari.conf: [{user}] with type = user and the `password` of "
                        "BRIDGE_ARI_SECRET; then `module reload res_ari.so`",
                    )
                ]
            found = [ok(f'{where}: user "{self._settings.username}" logs in')]
            found.append(version_finding(version))
            found += await self._modules(ari)
            found.append(await self._writes(ari))
            return found

    async def _modules(self, ari: AriClient) -> list[Finding]:
        try:
            running = await ari.running_modules()
        except AriError as why:
            return [unknown(f"modules: {why}", "Asterisk's own list could not be read")]
        found = [_module(name, name in running) for name in CALL_MODULES]
        if self._recording:
            found += [
                ok(f"module {name}, to record")
                if name in running
                else advice(f"module {name}: not loaded, no recording", _load(name))
                for name in RECORDING_MODULES
            ]
        return found

    async def _writes(self, ari: AriClient) -> Finding:
        if not self._provisioning:
            return ok("phones are not provisioned (BRIDGE_PROVISION_PHONES)")
        point = "ARI makes phones"
        try:
            await ari.put_dynamic_object("aor", PROBE, {"max_contacts": "1"})
            await ari.delete_dynamic_object("aor", PROBE)
        except AriRefused as why:
            if "write access" in str(why).lower():
                remedy = f"ari.conf [{self._settings.username}]: read_only = no"
            else:
                remedy = (
                    "sorcery.conf [res_pjsip]: endpoint, auth and aor also from astdb, and "
                    "modules.conf: preload = res_sorcery_astdb.so; or BRIDGE_PROVISION_PHONES=false"
                )
            return lacking(f"{point}: {why}", remedy)
        except AriError as why:
            return unknown(f"{point}: {why}", "ARI stopped answering")
        return ok(point)


def _module(name: str, running: bool) -> Finding:
    return ok(f"module {name}") if running else lacking(f"module {name}: not loaded", _load(name))


def _load(name: str) -> str:
    return f"modules.conf: load = {name}.so; it is in Debian's package asterisk"
