"""`uapi-bridge check --pbx`: the PBX of the settings, looked at from both sides."""

from __future__ import annotations

from functools import partial

from bridge.config.secrets_file import SecretsFileError, ThrowawaySecrets
from bridge.config.settings import Settings
from bridge.config.state_folder import SECRETS_FILE
from bridge.directory.directory import Directory
from bridge.pbx.pbx_settings import Dialplan
from bridge.pbx.phones.directory_phones import CONTEXT_ANY, CONTEXT_LOCAL
from bridge.pbx.readiness.ami import AmiReadiness
from bridge.pbx.readiness.ari import AriReadiness
from bridge.pbx.readiness.browser_phones import ice_findings
from bridge.pbx.readiness.check_call import call_findings
from bridge.pbx.readiness.dialplan import dialplan_findings
from bridge.pbx.readiness.directory import endpoints_of, number_findings
from bridge.pbx.readiness.finding import Finding
from bridge.pbx.readiness.kept_back_events import kept_back_findings
from bridge.pbx.readiness.queues import queue_findings
from bridge.pbx.readiness.recording import recording_findings
from bridge.pbx.readiness.toll_fraud import dial_findings
from bridge.wiring.pbx import ami_recording_settings, ami_settings, ari_settings


async def check_pbx(
    settings: Settings, directory: Directory, secrets: ThrowawaySecrets | None
) -> list[Finding]:
    """Whether that PBX has all that calls of this directory need. `secrets`: those generated here.

    Raises SecretsFileError if nobody can log in.
    """
    given = settings.ami_secret.get_secret_value() and settings.ari_secret.get_secret_value()
    if not given and secrets is None:
        file = settings.state_dir / SECRETS_FILE
        raise SecretsFileError(
            f"BRIDGE_AMI_SECRET and BRIDGE_ARI_SECRET are not set, and there are none in {file}"
        )
    secrets = secrets or ThrowawaySecrets()
    plan = Dialplan()
    recording = ami_recording_settings(settings, secrets) if settings.recording else None
    ami = AmiReadiness(
        ami_settings(settings, secrets),
        (
            partial(
                dialplan_findings,
                plan=plan,
                phone_contexts=(CONTEXT_ANY, CONTEXT_LOCAL) if settings.provision_phones else (),
                voicemail=directory.has_voicemail,
            ),
            partial(number_findings, directory=directory),
            partial(dial_findings, directory=directory),
            partial(queue_findings, directory=directory, written=settings.queues_file is not None),
            partial(call_findings, plan=plan),
            partial(kept_back_findings, recording=recording, voicemail=directory.has_voicemail),
            partial(ice_findings, recording=recording, directory=directory),
        ),
    )
    ari = AriReadiness(
        ari_settings(settings, secrets),
        provisioning=settings.provision_phones,
        recording=settings.recording,
        deletes_recordings=settings.recording and settings.recording_shared_folder is None,
        endpoints=endpoints_of(directory, provisioning=settings.provision_phones),
        directory=directory,
    )
    found = await ami.findings()
    if recording is not None:
        found += await recording_findings(recording)
    return [*found, *await ari.findings()]
