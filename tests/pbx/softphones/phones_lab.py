"""A running Asterisk with phones that these tests may register."""

from __future__ import annotations

import secrets
from pathlib import Path

import aiohttp

from bridge.local_asterisk.local_asterisk import AsteriskSecrets, LocalAsterisk
from bridge.testing.lab.asterisk_ports import free_asterisk_ports
from bridge.testing.lab.installation import test_installation
from bridge.testing.softphones.sipp_behaviour import SippBehaviour
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import AnswerPolicy, Softphone

CALLER_NAMES = {"0003*210": "Ján Žižka"}

_ARI_TIMEOUT_S = 30

RING_ALL = "0003*300"
_RING_ALL_QUEUE = f"[{RING_ALL}]\nstrategy = ringall\nringinuse = no\nautofill = yes\n"
_RING_ALL_MEMBERS = ("0003*210", "0003*211", "0003*212", "0003*213")


class Lab:
    """Asterisk of asterisk-conf/ without the public network, and its phones."""

    def __init__(self, asterisk: LocalAsterisk, ari_secret: str) -> None:
        self._asterisk = asterisk
        self._ari_secret = ari_secret
        self._passwords: dict[str, str] = {}

    @property
    def port(self) -> int:
        return self._asterisk.ports.sip

    def softphone(
        self,
        user: str,
        *,
        answer: AnswerPolicy = "manual",
        tone_hz: int = 440,
        transport: str = "udp",
    ) -> Softphone:
        return Softphone(
            user,
            self._passwords[user],
            port=self.port,
            answer=answer,
            tone_hz=tone_hz,
            transport="tcp" if transport == "tcp" else "udp",
        )

    def scripted(self, user: str, behaviour: SippBehaviour | None = None) -> SippPhone:
        return SippPhone(user, self._passwords[user], port=self.port, behaviour=behaviour)

    async def provision(self, *users: str) -> None:
        """Create phones in Asterisk through ARI."""
        url = f"http://127.0.0.1:{self._asterisk.ports.http}"
        async with aiohttp.ClientSession(
            url,
            headers={"Authorization": aiohttp.encode_basic_auth("bridge", self._ari_secret)},
            timeout=aiohttp.ClientTimeout(total=_ARI_TIMEOUT_S),
            raise_for_status=True,
        ) as ari:
            for user in users:
                self._passwords[user] = "p" + secrets.token_urlsafe(12)  # SIPp reads 0x… as digits
                for kind, values in self._objects(user).items():
                    fields = [{"attribute": key, "value": value} for key, value in values.items()]
                    path = f"/ari/asterisk/config/dynamic/res_pjsip/{kind}/{user}"
                    async with ari.put(path, json={"fields": fields}):
                        pass

    def _objects(self, user: str) -> dict[str, dict[str, str]]:
        """In the order in which they must be made."""
        name = CALLER_NAMES.get(user, user)
        return {
            "auth": {
                "auth_type": "userpass",
                "username": user,
                "password": self._passwords[user],
            },
            "aor": {"max_contacts": "1", "remove_existing": "yes"},
            "endpoint": {
                "context": "phones",
                "aors": user,
                "auth": user,
                "disallow": "all",
                "allow": "ulaw",
                "direct_media": "no",
                # RTP on loopback only. It also spares Asterisk the lookup of this machine's name
                # for each call, which without an /etc/hosts may take seconds.
                "media_address": "127.0.0.1",
                "bind_rtp_to_media_address": "yes",
                "callerid": f'"{name}" <{user}>',
            },
        }


async def start_lab(folder: Path) -> tuple[Lab, LocalAsterisk]:
    ari_secret = secrets.token_urlsafe(16)
    asterisk = LocalAsterisk(
        installation=await test_installation(),
        state_dir=folder,
        ports=free_asterisk_ports(),
        secrets=AsteriskSecrets(
            ami_secret=secrets.token_urlsafe(16),
            ari_secret=ari_secret,
            ami_recording_secret=secrets.token_urlsafe(16),
        ),
        public_network=False,
    )
    members = "".join(f"member => PJSIP/{x}\n" for x in _RING_ALL_MEMBERS)
    asterisk.queues_file.parent.mkdir(parents=True, exist_ok=True)
    asterisk.queues_file.write_text(_RING_ALL_QUEUE + members)
    await asterisk.start()
    return Lab(asterisk, ari_secret), asterisk
