"""The ARI side of the readiness check: login, modules, whether phones can be provisioned."""

from __future__ import annotations

from bridge.directory.directory import Directory
from bridge.pbx.ari.client import AriClient
from bridge.pbx.ari.errors import AriError, AriNotFound, AriNotLoaded, AriRefused, AriUnavailable
from bridge.pbx.pbx_settings import AriSettings
from bridge.pbx.readiness.browser_phones import module_findings
from bridge.pbx.readiness.connection_remedy import connection_remedy
from bridge.pbx.readiness.directory import endpoint_findings, trunk_of
from bridge.pbx.readiness.finding import Finding, advice, lacking, ok, unknown, version_finding
from bridge.pbx.readiness.phones import phone_findings
from bridge.pbx.readiness.steering import missing_modules
from bridge.pbx.readiness.toll_fraud import toll_findings

PROBE = "uapi-bridge-check"
"""Name of an AOR that is made and removed."""

CALL_MODULES = (
    "chan_pjsip",
    "res_pjsip_registrar",
    "app_channelredirect",
    "app_dial",
    "app_exec",
    "app_stack",
    "func_callerid",
    "func_channel",
    "func_cut",
    "func_logic",
    "func_uri",
    "res_ari_endpoints",
)
ACTION_MODULES = {
    "app_chanspy": "Monitor, Whisper and BargeIn",
    "app_directed_pickup": "PickUp",
    "res_parking": "Park and UnPark",
}
RECORDING_MODULES = ("app_mixmonitor", "res_ari_recordings")
VOICEMAIL_MODULES = (
    "app_minivm",
    "app_playback",
    "app_read",
    "app_record",
    "func_db",
    "res_pjsip_mwi",
    "res_pjsip_mwi_body_generator",
)
PRESENCE_MODULES = ("func_pjsip_aor", "func_pjsip_contact", "func_pjsip_endpoint")


class AriReadiness:
    """One look at one PBX: `findings()`.

    `deletes_recordings`: through ARI, not in a folder that the service shares with the PBX.
    `endpoints`: which must be there, with who needs each (readiness_directory).
    """

    def __init__(
        self,
        settings: AriSettings,
        *,
        provisioning: bool,
        recording: bool,
        deletes_recordings: bool,
        endpoints: dict[str, list[str]],
        directory: Directory,
    ) -> None:
        self._settings = settings
        self._provisioning = provisioning
        self._recording = recording
        self._deletes_recordings = deletes_recordings
        self._endpoints = endpoints
        self._directory = directory
        self._trunk = trunk_of(directory)

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
                        "[general]: enabled = yes; BRIDGE_ARI_PREFIX: the `prefix` of http.conf, "
                        "or nothing where it has none",
                    )
                ]
            except AriUnavailable as why:
                return [
                    lacking(
                        f"{where}: {why}",
                        connection_remedy(
                            "ARI",
                            str(why),
                            "http.conf [general]: enabled = yes, bindaddr and bindport; here "
                            "BRIDGE_PBX_HOST and BRIDGE_ARI_PORT",
                        ),
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
            if self._deletes_recordings:
                found.append(await self._deletes(ari))
            found += await self._needed_endpoints(ari)
            return found + await phone_findings(
                ari, self._endpoints, self._directory, provisioning=self._provisioning
            )

    async def _modules(self, ari: AriClient) -> list[Finding]:
        try:
            running = await ari.running_modules()
        except AriError as why:
            return [unknown(f"modules: {why}", "Asterisk's own list could not be read")]
        found = [_module(name, name in running) for name in CALL_MODULES]
        if self._directory.has_voicemail:
            found += [_module(name, name in running) for name in VOICEMAIL_MODULES]
        found += [
            advice(f"module {name}: not loaded, no registered phones in presence", _load(name))
            for name in PRESENCE_MODULES
            if name not in running
        ]
        found += [
            ok(f"module {name}, for {actions}")
            if name in running
            else advice(f"module {name}: not loaded, no {actions}", _load(name))
            for name, actions in ACTION_MODULES.items()
        ]
        found += missing_modules(running)
        if self._provisioning:
            found += module_findings(running, self._directory)
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

    async def _deletes(self, ari: AriClient) -> Finding:
        """By a write that can do nothing: of a recording that is not there."""
        point = "ARI deletes recordings"
        try:
            await ari.delete_stored_recording(PROBE)
        except AriNotLoaded as why:
            return advice(f"{point}: {why}", _load("res_ari_recordings"))
        except AriRefused as why:
            user = self._settings.username
            return lacking(
                f"{point}: {why}",
                f"ari.conf [{user}]: read_only = no; or BRIDGE_RECORDING=false if no call "
                "must be recorded",
            )
        except AriError as why:
            return unknown(f"{point}: {why}", "ARI stopped answering")
        return ok(point)

    async def _needed_endpoints(self, ari: AriClient) -> list[Finding]:
        if not self._endpoints:
            return []
        try:
            there = {x.name for x in await ari.endpoints()}
        except AriError as why:
            return [unknown(f"endpoints: {why}", "Asterisk's own list could not be read")]
        found = endpoint_findings(self._endpoints, there)
        for endpoint in sorted(there & {*self._endpoints, self._trunk}):
            found += await self._toll(ari, endpoint)
        return found

    async def _toll(self, ari: AriClient, endpoint: str) -> list[Finding]:
        """Endpoints that ARI does not tell of, of a realtime driver, are not judged."""
        try:
            fields = await ari.dynamic_object("endpoint", endpoint.partition("/")[2])
        except AriError as why:
            return [unknown(f"endpoint {endpoint}: {why}", "ARI does not tell its options")]
        if fields is None:
            return []
        return toll_findings(endpoint, fields, is_trunk=endpoint == self._trunk)


def _module(name: str, running: bool) -> Finding:
    return ok(f"module {name}") if running else lacking(f"module {name}: not loaded", _load(name))


def _load(name: str) -> str:
    return f"modules.conf: load = {name}.so; it is in Debian's package asterisk"
