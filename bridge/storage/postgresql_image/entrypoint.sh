#!/bin/sh
# Makes the cluster and the service's database at the first start, and becomes PostgreSQL.
# The service gets its URL, with a generated password, as the file bridge_database_url.
set -eu

if [ -z "${COMPOSE_PROFILES:-}" ]; then
    echo "choose the database with COMPOSE_PROFILES=postgres, in the environment or in .env:" \
        "with --profile alone the service would not know of it" >&2
    exit 1
fi

data=/var/lib/postgresql/17
url=/run/database-secrets/bridge_database_url
if [ ! -s "$data/PG_VERSION" ] || [ ! -s "$url" ]; then
    password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
    if [ ! -s "$data/PG_VERSION" ]; then
        rm -rf "$data.new"
        initdb --pgdata="$data.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
            --auth-local=peer --auth-host=scram-sha-256 > /dev/null
        echo "host bridge bridge all scram-sha-256" >> "$data.new/pg_hba.conf"
        mv "$data.new" "$data"
    fi
    # In single-user mode, so that nobody can connect before the password is set.
    {
        echo "DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bridge')" \
            "THEN CREATE ROLE bridge LOGIN; END IF; END \$\$"
        echo "ALTER ROLE bridge PASSWORD '$password'"
        echo "SELECT 1 FROM pg_database WHERE datname = 'bridge'"
    } | postgres --single -D "$data" postgres > /tmp/single.log
    grep -q '?column? = "1"' /tmp/single.log \
        || echo "CREATE DATABASE bridge OWNER bridge" \
        | postgres --single -D "$data" postgres > /dev/null
    (umask 027 && printf 'postgresql+asyncpg://bridge:%s@database/bridge' "$password" > "$url.new")
    mv "$url.new" "$url"
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
