"""From the settings to where the PBX is, how the service logs in there, and its phones.

The command line needs it long before the service is loaded: nothing large is imported here.
"""

from __future__ import annotations

from dataclasses import replace

from yarl import URL

from bridge.config.secrets_file import AMI_RECORDING_SECRET, AMI_SECRET, ARI_SECRET, SecretSource
from bridge.config.setting_values import edge_places
from bridge.config.settings import Settings
from bridge.local_asterisk.local_asterisk import AsteriskSecrets
from bridge.local_asterisk.ports import management_address
from bridge.pbx.pbx_settings import (
    AmiSettings,
    AriSettings,
    EdgeAddress,
    PhoneProfile,
    VoicemailLimits,
)
from bridge.pbx.tls import PbxTls


def pbx_host(settings: Settings) -> str:
    """The addresses and logins of AMI and ARI: the PBX of the settings, or the local Asterisk."""
    return settings.pbx_host or management_address(settings.bind_address)


def pbx_url(settings: Settings, path: str) -> str:
    """Of the PBX's HTTP server; `path` is `/ari` or `/ws`, below the prefix that it may have."""
    return str(
        URL.build(
            scheme="https" if settings.ari_tls else "http",
            host=pbx_host(settings),
            port=settings.ari_port,
            path=settings.ari_prefix + path,
        )
    )


def pbx_tls(settings: Settings) -> PbxTls:
    """How to check the certificate of the PBX."""
    return PbxTls(settings.pbx_ca_file, settings.pbx_tls_verify)


_BROWSER_CODECS = ("opus", "g722", "ulaw", "alaw")


def ami_settings(settings: Settings, secrets: SecretSource) -> AmiSettings:
    """The settings of the AMI link.

    A secret that is not set comes from `secrets`. Raises SecretsFileError.
    """
    return AmiSettings(
        host=pbx_host(settings),
        port=settings.ami_port,
        username=settings.ami_username,
        secret=settings.ami_secret.get_secret_value() or secrets.get_or_create(AMI_SECRET),
        pbx_name=settings.pbx_name,
        tls=pbx_tls(settings) if settings.ami_tls else None,
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
    """The same PBX with the user that may only record."""
    given = settings.ami_recording_secret.get_secret_value()
    return replace(
        ami_settings(settings, secrets),
        username=settings.ami_recording_username,
        secret=given or secrets.get_or_create(AMI_RECORDING_SECRET),
    )


def ari_settings(settings: Settings, secrets: SecretSource) -> AriSettings:
    """The settings of the ARI client.

    A secret that is not set comes from `secrets`. Raises SecretsFileError.
    """
    return AriSettings(
        base_url=pbx_url(settings, "/ari"),
        tls=pbx_tls(settings) if settings.ari_tls else None,
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


def phone_profile(settings: Settings) -> PhoneProfile | None:
    """None where the PBX's own configuration has the phones."""
    if not settings.provision_phones:
        return None
    codecs = filter(None, (settings.audio_codecs, settings.video_codecs))
    return PhoneProfile(
        codecs=",".join(codecs),
        browser_codecs=_browser_codecs(settings.audio_codecs),
        media_address=settings.phone_media_address,
        rtp_timeout_s=settings.phone_rtp_timeout_s,
        rtp_timeout_hold_s=settings.phone_rtp_timeout_hold_s,
        qualify_frequency_s=settings.phone_qualify_frequency_s,
        session_timers=settings.phone_session_timers,
        session_expires_s=settings.phone_session_expires_s,
        edges=edge_addresses(settings),
    )


def edge_addresses(settings: Settings) -> tuple[EdgeAddress, ...]:
    """The edges at which phones register; none where they register at the PBX."""
    return tuple(EdgeAddress(*x) for x in edge_places(settings.edge_address))


def has_several_edges(settings: Settings) -> bool:
    """Whether a phone may register at one of several edges."""
    return len(edge_addresses(settings)) > 1


def _browser_codecs(audio_codecs: str) -> str:
    """Those of the phones that a browser knows; it always knows both forms of G.711."""
    known = [x for x in audio_codecs.split(",") if x in _BROWSER_CODECS]
    return ",".join(known) or "ulaw,alaw"


def voicemail_limits(settings: Settings) -> VoicemailLimits:
    """The part of the settings that the dialplan of mailboxes needs."""
    return VoicemailLimits(
        message_max_s=settings.voicemail_message_max_s,
        messages_max=settings.voicemail_messages_max,
        folder=settings.recording_folder,
    )
