"""`uapi-bridge check --pbx`: the PBX of the settings, looked at from both sides."""

from __future__ import annotations

from bridge.directory_phones import CONTEXT_ANY, CONTEXT_LOCAL
from bridge.pbx.pbx_settings import Dialplan
from bridge.pbx.readiness import Finding
from bridge.pbx.readiness_ami import AmiReadiness
from bridge.pbx.readiness_ari import AriReadiness
from bridge.pbx.readiness_recording import recording_findings
from bridge.pbx_access import ami_recording_settings, ami_settings, ari_settings
from bridge.secrets_file import SecretsFileError, ThrowawaySecrets
from bridge.settings import Settings
from bridge.state_folder import SECRETS_FILE


async def check_pbx(settings: Settings, services_context: str) -> list[Finding]:
    """`services_context`: the directory's. Raises SecretsFileError if nobody can log in."""
    file = settings.state_dir / SECRETS_FILE
    given = settings.ami_secret.get_secret_value() and settings.ari_secret.get_secret_value()
    if not given and not file.exists():
        raise SecretsFileError(
            f"BRIDGE_AMI_SECRET and BRIDGE_ARI_SECRET are not set, and there are none in {file}"
        )
    secrets = ThrowawaySecrets.like(file)
    ami = AmiReadiness(
        ami_settings(settings, secrets),
        Dialplan(),
        phone_contexts=(CONTEXT_ANY, CONTEXT_LOCAL) if settings.provision_phones else (),
        services_context=services_context,
    )
    ari = AriReadiness(
        ari_settings(settings, secrets),
        provisioning=settings.provision_phones,
        recording=settings.recording,
    )
    found = await ami.findings()
    if settings.recording:
        found += await recording_findings(ami_recording_settings(settings, secrets))
    return [*found, *await ari.findings()]
