#!/bin/sh
# Renders the configuration and becomes Kamailio. The tables have to be there: an instance of the
# service makes them.
set -eu
umask 077
if [ "${EDGE_ADVERTISED_ADDRESS:-}" = 0.0.0.0 ]; then
    echo "BRIDGE_BIND_ADDRESS is 0.0.0.0: set BRIDGE_EXTERNAL_ADDRESS too, to the address by" \
        "which phones reach this machine" >&2
    exit 1
fi
"$(dirname "$0")/render.sh" /run/edge
# The library of PostgreSQL takes no file that others may read, so this is a copy.
printf '*:*:*:*:%s\n' "$(cat /run/edge-secrets/database_password)" > /run/edge/pgpass
export PGPASSFILE=/run/edge/pgpass PGOPTIONS="-c search_path=edge,public" TZ=UTC
# After an unclean end they would be in the way.
rm -f /run/edge/control /run/edge/pid
exec kamailio -DD -E -f /run/edge/kamailio.cfg -Y /run/edge -P /run/edge/pid -m 256 -M 8
