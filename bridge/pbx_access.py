"""From the settings to where the PBX is and how the service logs in there."""

from __future__ import annotations

from dataclasses import replace

from bridge.local_asterisk.local import AsteriskSecrets
from bridge.local_asterisk.ports import management_address
from bridge.pbx.pbx_settings import AmiSettings, AriSettings
from bridge.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET, SecretSource
from bridge.settings import Settings


def pbx_host(settings: Settings) -> str:
    """Where AMI and ARI are: the PBX of the settings, or the one we start ourselves."""
    return settings.pbx_host or management_address(settings.bind_address)


def ami_settings(settings: Settings, secrets: SecretSource) -> AmiSettings:
    return AmiSettings(
        host=pbx_host(settings),
        port=settings.ami_port,
        username=settings.ami_username,
        secret=settings.ami_secret.get_secret_value() or secrets.get_or_create(AMI_SECRET),
        pbx_name=settings.pbx_name,
        connect_timeout_s=settings.connect_timeout_s,
        boot_timeout_s=settings.boot_timeout_s,
        action_timeout_s=settings.action_timeout_s,
        ping_interval_s=settings.ping_interval_s,
        ping_timeout_s=settings.ping_timeout_s,
        reconnect_min_s=settings.reconnect_min_s,
        reconnect_max_s=settings.reconnect_max_s,
        audio_codecs=settings.audio_codecs,
        video_codecs=settings.video_codecs,
    )


def ami_recording_settings(settings: Settings, secrets: SecretSource) -> AmiSettings:
    """The same PBX, as the user who may record and nothing else."""
    given = settings.ami_recording_secret.get_secret_value()
    return replace(
        ami_settings(settings, secrets),
        username=settings.ami_recording_username,
        secret=given or secrets.get_or_create(AMI_RECORDING_SECRET),
    )


def ari_settings(settings: Settings, secrets: SecretSource) -> AriSettings:
    return AriSettings(
        base_url=f"http://{pbx_host(settings)}:{settings.ari_port}/ari",
        username=settings.ari_username,
        secret=settings.ari_secret.get_secret_value() or secrets.get_or_create(ARI_SECRET),
        request_timeout_s=settings.action_timeout_s,
    )


def asterisk_secrets(settings: Settings, secrets: SecretSource) -> AsteriskSecrets:
    """The users of an Asterisk of ours, which the service then logs in as."""
    ami, recording = ami_settings(settings, secrets), ami_recording_settings(settings, secrets)
    ari = ari_settings(settings, secrets)
    return AsteriskSecrets(
        ami_user=ami.username,
        ami_secret=ami.secret,
        ami_recording_user=recording.username,
        ami_recording_secret=recording.secret,
        ari_user=ari.username,
        ari_secret=ari.secret,
    )
