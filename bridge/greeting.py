"""What the person who started the service needs for a first call."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from bridge.app import Service
from bridge.directory.caller import Caller
from bridge.directory.directory import SANDBOX_SHORT, Directory
from bridge.directory.model import AccountLevel, App, Extension, ExtensionType
from bridge.settings import Settings
from bridge.shipped_dialplan import attention
from bridge.state_folder import SECRETS_FILE


def greeting(service: Service) -> str:
    """What a person needs to make a first call: addresses, where secrets are, two commands."""
    settings = service.settings
    base = f"http://{settings.http_host}:{settings.http_port}"
    secrets = (settings.state_dir / SECRETS_FILE).resolve()
    directory = service.directory.directory
    who = _who_may_call(directory)
    phone = who[1] if who is not None else next(iter(directory.provisioned_phones()), None)
    lines = [
        "",
        f"uapi-bridge is ready:  {base}/uapi/",
        f"  secrets (generated)  {secrets}",
    ]
    if not settings.pbx_host:  # of a PBX of somebody's own we do not know where phones register
        lines.append(
            f"  SIP server           {settings.bind_address}:{settings.sip_port} (UDP, TCP)"
        )
    if phone is not None and phone in directory.provisioned_phones():
        lines.append(f'  SIP user             {phone.number}, password under "sip/{phone.number}"')
    if service.phones.problem:
        lines.append(f"  ATTENTION            phones cannot be made: {service.phones.problem}")
    if not settings.pbx_host and (unknown := attention(directory)):
        lines.append(f"  ATTENTION            {unknown}")
    lines += [*_first_call(settings, who, base, secrets), "", "Ctrl-C ends it."]
    return "\n".join(lines)


def _first_call(
    settings: Settings, who: tuple[App, Extension] | None, base: str, secrets: Path
) -> list[str]:
    """Two commands that place one; none where the directory has nobody who could."""
    if who is None:
        return ["", "The directory file has no app that could call for a phone."]
    app, extension = who
    which, view = _parties(settings, extension)
    as_written = extension.number if app.level is AccountLevel.ADMINISTRATOR else extension.short
    body = {"extension": as_written, "phoneCallView": [view]}
    user = "@me" if app.user_id is not None else str(extension.user_id)
    secret, hint = _secret(app, secrets)
    return [
        "",
        f"A first call, {which}{hint}:",
        "",
        f"  TOKEN=$(curl -s {base}/oauth/token.php -d grant_type=client_credentials \\",
        f'    -d client_id={app.client_id} --data-urlencode client_secret="{secret}" \\',
        "    | python3 -c 'import json,sys;print(json.load(sys.stdin)[\"access_token\"])')",
        f'  curl -s -H "Authorization: Bearer $TOKEN" {base}/uapi/phoneCalls/{user}/simple \\',
        f"    -d '{json.dumps(body, separators=(',', ':'))}'",
    ]


def _who_may_call(directory: Directory) -> tuple[App, Extension] | None:
    """An app with a phone that it may call for: best one that the PBX learns from us, and of those
    one that may call public numbers."""
    ours = {x.number for x in directory.provisioned_phones()}
    phones = [x for x in directory.extensions.values() if x.type is ExtensionType.PHONE_TERMINAL]
    phones.sort(key=lambda x: (x.number not in ours, not x.may_call_public))
    for extension in phones:
        owner = directory.users[extension.user_id]
        for app in directory.apps.values():
            if Caller.of_app(directory, app).can_act_for(owner):
                return app, extension
    return None


def _parties(settings: Settings, extension: Extension) -> tuple[str, dict[str, object]]:
    """What the call is, and its view. Where it may cost money it goes to nobody outside."""
    if settings.pbx_host or not extension.may_call_public:
        which = "from that phone, once it is registered, to the number that answers and echoes"
        source, destination = extension.number, f"{extension.organization}*{SANDBOX_SHORT}"
    else:
        which = "between two numbers of the simulated public network"
        source, destination = "5354353", "3235742879"
    view: dict[str, object] = {"source": [source], "destination": [destination]}
    if extension.may_set_caller_id:
        view["callerId"] = "John Doe <4242425>"
    return which, view


def _secret(app: App, secrets: Path) -> tuple[str, str]:
    """What a shell makes the secret of, which is not shown, and what has to be done before."""
    if app.secret_name is None:
        return "$SECRET", f", with SECRET set to the client_secret of {app.client_id}"
    read = "import json,sys;print(json.load(open(sys.argv[1]))[sys.argv[2]])"
    return f"$({shlex.join(['python3', '-c', read, str(secrets), app.secret_name])})", ""
