"""What the person who started the service needs for a first call."""

from __future__ import annotations

import json
import shlex

from bridge.app import Service
from bridge.directory.directory import SANDBOX_SHORT
from bridge.directory.model import Extension
from bridge.pbx_access import pbx_host
from bridge.secrets_file import app_secret_name
from bridge.state_folder import SECRETS_FILE


def greeting(service: Service) -> str:
    """What a person needs to make a first call: addresses, where secrets are, two commands."""
    settings = service.settings
    base = f"http://{settings.http_host}:{settings.http_port}"
    secrets = (settings.state_dir / SECRETS_FILE).resolve()
    app = next(iter(service.directory.directory.apps.values()))
    phone = next(iter(service.directory.directory.provisioned_phones()), None)
    read = "import json,sys;print(json.load(open(sys.argv[1]))[sys.argv[2]])"
    secret = shlex.join(["python3", "-c", read, str(secrets), app_secret_name(app.client_id)])
    lines = [
        "",
        f"uapi-bridge is ready:  {base}/uapi/",
        f"  secrets (generated)  {secrets}",
    ]
    if not settings.pbx_host:  # of a PBX of somebody's own we do not know where phones register
        lines.append(f"  SIP server           {pbx_host(settings)}:{settings.sip_port} (UDP, TCP)")
    if phone is not None:
        lines.append(f'  SIP user             {phone.number}, password under "sip/{phone.number}"')
    if service.phones.problem:
        lines.append(f"  ATTENTION            phones cannot be made: {service.phones.problem}")
    which, call = _first_call(service, phone)
    lines += [
        "",
        f"A first call, {which}:",
        "",
        f"  TOKEN=$(curl -s {base}/oauth/token.php -d grant_type=client_credentials \\",
        f'    -d client_id={app.client_id} --data-urlencode client_secret="$({secret})" \\',
        "    | python3 -c 'import json,sys;print(json.load(sys.stdin)[\"access_token\"])')",
        f'  curl -s -H "Authorization: Bearer $TOKEN" {base}/uapi/phoneCalls/@me/simple \\',
        f"    -d '{call}'",
        "",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


def _first_call(service: Service, phone: Extension | None) -> tuple[str, str]:
    """What it is, and its body. Where a call may cost money it goes to nobody outside."""
    if service.settings.pbx_host and phone is not None:
        which = "from that phone, once it is registered, to the number that answers and echoes"
        extension, source = phone.number, phone.number
        destination = f"{phone.organization}*{SANDBOX_SHORT}"
    else:
        which = "between two numbers of the simulated public network"
        extension, source, destination = "210", "5354353", "3235742879"
    view = {
        "source": [source],
        "destination": [destination],
        "callerId": "John Doe <4242425>",
    }
    body = {"extension": extension, "phoneCallView": [view]}
    return which, json.dumps(body, separators=(",", ":"))
