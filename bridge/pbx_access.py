"""From the settings to where the PBX is and how the service logs in there."""

from __future__ import annotations

from bridge.pbx.pbx_settings import AmiSettings, AriSettings
from bridge.secrets_file import AMI_SECRET, ARI_SECRET, SecretsFile
from bridge.settings import Settings


def pbx_host(settings: Settings) -> str:
    """Where AMI and ARI are: the PBX of the settings, or the one we start ourselves."""
    return settings.pbx_host or settings.bind_address


def ami_settings(settings: Settings, secrets: SecretsFile) -> AmiSettings:
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


def ari_settings(settings: Settings, secrets: SecretsFile) -> AriSettings:
    return AriSettings(
        base_url=f"http://{pbx_host(settings)}:{settings.ari_port}/ari",
        username=settings.ari_username,
        secret=settings.ari_secret.get_secret_value() or secrets.get_or_create(ARI_SECRET),
        request_timeout_s=settings.action_timeout_s,
    )
