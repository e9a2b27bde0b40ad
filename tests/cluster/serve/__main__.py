"""Starts an edge, three nodes and three instances on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from bridge.local_asterisk.errors import LocalAsteriskError
from bridge.testing.softphones.toolchain import PhoneToolsMissingError
from tests.cluster.lab.whole_cluster import WholeCluster, open_whole_cluster
from tests.integration.storage.private_postgresql import PostgresqlMissing, PrivatePostgresql

_CALL = '{"extension":"210","phoneCallView":[{"source":["5354353"],"destination":["3235742879"]}]}'


async def main() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    postgresql = await asyncio.to_thread(PrivatePostgresql)
    with tempfile.TemporaryDirectory(prefix="uapi-cluster-") as folder:
        try:
            await asyncio.to_thread(postgresql.start)
            print("Starting the edge, three Asterisks and three instances ...", flush=True)
            async with open_whole_cluster(Path(folder), postgresql) as cluster:
                for instance in cluster.instances:
                    instance.write_settings_file()
                print(_told(cluster, folder), flush=True)
                await stop.wait()
        finally:
            postgresql.remove()


def _told(cluster: WholeCluster, folder: str) -> str:
    host, port = cluster.edge.address
    phones = "\n".join(
        f"    {number}  password {cluster.secrets.get_or_create(f'sip/{number}')}"
        for number in ("0003*210", "0003*211", "0004*210")
    )
    instances = "\n".join(
        f"    {x.state_dir.name}  {x.base_url}  process {x.pid}" for x in cluster.instances
    )
    settings = cluster.instances[0].settings_file
    return f"""
Requests (HAProxy):  {cluster.url}
Instances:
{instances}
Phones register at:  {host}:{port}, UDP, TCP or WebSocket
{phones}

A token, and a call between two numbers of the simulated public network:

  TOKEN=$(curl -s {cluster.url}/oauth/token.php -d grant_type=client_credentials \\
    -d client_id=user-12 -d client_secret={cluster.secrets.get_or_create("app/user-12")} \\
    | python3 -c 'import json,sys;print(json.load(sys.stdin)["access_token"])')
  curl -s -H "Authorization: Bearer $TOKEN" {cluster.url}/uapi/phoneCalls/@me/simple \\
    -d '{_CALL}'

Commands read the settings of an instance. With `serve` an instance that was killed starts again:

  BRIDGE_SETTINGS_FILE={settings} .venv/bin/uapi-bridge cluster

The nodes of the edge:  kamcmd -s unix:{folder}/edge/control dispatcher.list
Logs are in {folder}. Ctrl-C ends all of it, and removes what it has stored."""


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (LocalAsteriskError, PhoneToolsMissingError, PostgresqlMissing) as why:
        sys.exit(str(why))
