"""The configuration folder of one baresip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .ports import LOOPBACK, address_towards

# Without an audio player module baresip decodes, writes the wav file and plays no ring tones.
# `account` is loaded as a module_tmp: it reads the accounts file and goes away.
_MODULES = ("g711.so", "ausine.so", "sndfile.so")
_APP_MODULES = ("menu.so", "ctrl_tcp.so")
_TEMPORARY_MODULES = ("uuid.so", "account.so")

# The registration must outlive every test; a refresh in the middle of one would be noise.
_REGISTRATION_INTERVAL_S = 600


@dataclass(frozen=True)
class BaresipConfig:
    """The account, the server and the audio of one baresip; `tone_hz` is the tone that it sends."""

    user: str
    password: str
    server: str
    server_port: int
    transport: str
    tone_hz: int
    ca_file: Path | None = None
    """Certificates of the server, for TLS."""

    def write(self, folder: Path, *, sip_port: int, control_port: int, module_folder: Path) -> None:
        """Raises ValueError for a value that the accounts file cannot carry."""
        for value in (self.user, self.password, self.server):
            if any(char in value for char in ' ;<>"@\r\n') or not value:
                raise ValueError(f"baresip cannot take {value!r} in an account")
        (folder / "config").write_text(self._config(folder, sip_port, control_port, module_folder))
        accounts = folder / "accounts"
        accounts.touch(mode=0o600)
        accounts.write_text(self._account())
        (folder / "contacts").write_text("")

    def _account(self) -> str:
        return (
            f"<sip:{self.user}@{self.server}:{self.server_port};transport={self.transport}>"
            f";auth_user={self.user};auth_pass={self.password}"
            f";regint={_REGISTRATION_INTERVAL_S};answermode=manual;audio_codecs=PCMU/8000/1\n"
        )

    def _config(self, folder: Path, sip_port: int, control_port: int, module_folder: Path) -> str:
        own_address = address_towards(self.server)
        lines = [
            f"sip_listen {own_address}:{sip_port}",
            # Without it RTP goes to the machine's outer address.
            f"net_interface {own_address}",
            f"ctrl_tcp_listen {LOOPBACK}:{control_port}",
            "call_local_timeout 600",  # seconds; the PBX decides how long a phone rings
            "call_max_calls 8",
            f"audio_source ausine,{self.tone_hz}",
            # ausine of version 1 knows only this format.
            "ausrc_srate 48000",
            "ausrc_channels 2",
            "rtp_ports 30000-32766",
            "rtp_tos 0",
            *([f"sip_cafile {self.ca_file}"] if self.ca_file else []),
            # With its jitter buffer version 1 may drop every packet for good after the stream's
            # source changed (a transfer right after the answer). Loopback has no jitter.
            "jitter_buffer_delay 0-0",
            "audio_jitter_buffer_type off",  # the same for version 3
            f"snd_path {folder}",
            f"audio_path {folder}",
            "statmode_default off",
            f"module_path {module_folder}",
            *(f"module {name}" for name in _MODULES),
            *(f"module_tmp {name}" for name in _TEMPORARY_MODULES),
            *(f"module_app {name}" for name in _APP_MODULES),
        ]
        return "\n".join(lines) + "\n"
