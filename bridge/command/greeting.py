"""The text that `serve` prints when it is ready: how to place a first call."""

from __future__ import annotations

import json
import math
import shlex

from yarl import URL

from bridge.config.settings import Settings
from bridge.config.state_folder import SECRETS_FILE
from bridge.directory.directory import SANDBOX_SHORT, Directory
from bridge.directory.model import AccountLevel, App, Extension, ExtensionType
from bridge.directory.requester import Requester
from bridge.http.base_url import authority
from bridge.http.server import EVERY_ADDRESS, EVERY_IPV4_ADDRESS
from bridge.local_asterisk.shipped_dialplan import unreachable_extensions_note
from bridge.wiring.service import Service

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def greeting(service: Service) -> str:
    """Addresses, the places of secrets, and two commands for a first call."""
    settings = service.settings
    base = _base_url(settings)
    directory = service.directory.directory
    who = _who_may_call(directory)
    phone = who[1] if who is not None else next(iter(directory.provisioned_phones()), None)
    lines = [
        "",
        f"uapi-bridge is ready:  {base}/uapi/",
        f"  secrets (generated)  {_secrets(settings)}",
        *_console(service, who, base),
    ]
    if not settings.pbx_host:  # of a PBX of somebody's own we do not know where phones register
        lines.append(f"  SIP server           {_sip_server(settings)} (UDP, TCP)")
    if phone is not None and _is_made(settings, directory, phone):
        lines.append(f'  SIP user             {phone.number}, password under "sip/{phone.number}"')
    problems = [x.phones.problem for x in service.nodes.values()]
    lines += [f"  ATTENTION            phones cannot be made: {x}" for x in problems if x]
    if not settings.pbx_host and (unknown := unreachable_extensions_note(directory)):
        lines.append(f"  ATTENTION            {unknown}")
    end = "`docker compose down` ends it." if settings.published_url else "Ctrl-C ends it."
    lines += [*_first_call(settings, directory, who, base), "", end]
    return "\n".join(lines)


def _console(service: Service, who: tuple[App, Extension] | None, base: str) -> list[str]:
    """The address of the web console. On loopback it signs in, once: nobody else reads it here."""
    settings = service.settings
    if not settings.console:
        return []
    link = ""
    if who is not None and settings.console_link_s > 0 and _is_loopback(settings):
        client_id = who[0].client_id
        link = f"#sign-in={service.sign_in_codes.new(client_id, client_id)}"
    lines = [f"  web console          {base}/console/{link}"]
    if link:
        minutes = math.ceil(settings.console_link_s / 60)
        lines.append(f"                       (signs in once, within {minutes} minutes)")
    if link and not settings.pbx_host and _has_browser_phone(service.directory.directory, who):
        lines.append("                       (to speak: page Phone, Go online, call 00, an echo)")
    return lines


def _has_browser_phone(directory: Directory, who: tuple[App, Extension] | None) -> bool:
    """Whether the user of the app has an extension that a browser may be the phone of."""
    users = {x.user_id for x in directory.extensions.values() if x.webrtc}
    return who is not None and who[0].user_id in users


def _is_loopback(settings: Settings) -> bool:
    """Whether nobody outside of this machine reaches the service, as far as it knows."""
    if settings.public_base_url or settings.published_url:
        return False
    return all(x in _LOOPBACK for x in settings.http_hosts)


def _base_url(settings: Settings) -> str:
    """One that works on this machine, or that the settings name for others."""
    if settings.public_base_url:
        return settings.public_base_url.rstrip("/")
    if settings.published_url:
        published = URL(settings.published_url)
        return str(published.with_host(_reached(published.host or ""))).rstrip("/")
    return f"http://{authority(_reached(settings.http_hosts[0]), settings.http_port)}"


def _reached(listening: str) -> str:
    """`listening` as somebody on this machine has to write it: "every address" is none."""
    return "127.0.0.1" if listening in (EVERY_ADDRESS, EVERY_IPV4_ADDRESS) else listening


def _sip_server(settings: Settings) -> str:
    outside = settings.external_address or _reached(settings.bind_address)
    return authority(outside, settings.sip_port)


def _secrets(settings: Settings) -> str:
    """The place of the secrets, for the reader of the greeting."""
    if settings.instance_name:
        return "in PostgreSQL, sealed: uapi-bridge secret list"
    file = (settings.state_dir / SECRETS_FILE).resolve()
    return f"docker compose exec bridge cat {file}" if settings.published_url else str(file)


def _is_made(settings: Settings, directory: Directory, phone: Extension) -> bool:
    """Whether the PBX learns of this phone from us."""
    return settings.provision_phones and phone in directory.provisioned_phones()


def _first_call(
    settings: Settings, directory: Directory, who: tuple[App, Extension] | None, base: str
) -> list[str]:
    """Two commands that place one; none where the directory has nobody who could."""
    if who is None:
        return ["", "The directory file has no app that could call for a phone."]
    app, extension = who
    which, view = _parties(settings, directory, extension)
    as_written = extension.number if app.level is AccountLevel.ADMINISTRATOR else extension.short
    body = {"extension": as_written, "phoneCallView": [view]}
    user = "@me" if app.user_id is not None else str(extension.user_id)
    secret, hint = _secret(app, settings)
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
    """An app, and a phone that it may act for. Phones that the service provisions come first, and
    among them phones that may call public numbers."""
    ours = {x.number for x in directory.provisioned_phones()}
    phones = [x for x in directory.extensions.values() if x.type is ExtensionType.PHONE_TERMINAL]
    phones.sort(key=lambda x: (x.number not in ours, not x.may_call_public))
    for extension in phones:
        owner = directory.users[extension.user_id]
        for app in directory.apps.values():
            if Requester.of_app(directory, app).can_act_for(owner):
                return app, extension
    return None


def _parties(
    settings: Settings, directory: Directory, extension: Extension
) -> tuple[str, dict[str, object]]:
    """A description of the call, and its view. On a real PBX it calls no public number, because
    that may cost money."""
    if settings.pbx_host or not extension.may_call_public:
        source, destination = extension.number, f"{extension.organization}*{SANDBOX_SHORT}"
        which = f"from {source}, once it is registered, to {destination}, which answers and echoes"
        if settings.pbx_host and not settings.published_url:
            which += f" if [{directory.services_context}] of your dialplan has it"
    else:
        which = "between two numbers of the simulated public network"
        source, destination = "5354353", "3235742879"
    view: dict[str, object] = {"source": [source], "destination": [destination]}
    if extension.may_set_caller_id:
        view["callerId"] = "John Doe <4242425>"
    return which, view


def _secret(app: App, settings: Settings) -> tuple[str, str]:
    """The shell expression that yields the secret without showing it, and the commands that must
    run before."""
    if app.secret_name is None:
        return "$SECRET", f", with SECRET set to the client_secret of {app.client_id}"
    if settings.instance_name:
        return f"$({shlex.join(['uapi-bridge', 'secret', 'show', app.secret_name])})", ""
    file = str((settings.state_dir / SECRETS_FILE).resolve())
    if settings.published_url:  # the file is inside of the container
        read = "import json,sys;print(json.load(sys.stdin)[sys.argv[1]])"
        cat = shlex.join(["docker", "compose", "exec", "-T", "bridge", "cat", file])
        return f"$({cat} | {shlex.join(['python3', '-c', read, app.secret_name])})", ""
    read = "import json,sys;print(json.load(open(sys.argv[1]))[sys.argv[2]])"
    return f"$({shlex.join(['python3', '-c', read, file, app.secret_name])})", ""
