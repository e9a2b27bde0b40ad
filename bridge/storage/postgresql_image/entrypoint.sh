#!/bin/sh
# Makes the cluster and the service's database at the first start, and becomes PostgreSQL.
# The service gets its URL, with a generated password, as the file bridge_database_url. With
# SHARED=yes (compose.cluster.yml) there are also the secret of the instances, and a role for the edge.
set -eu

if [ -z "${COMPOSE_PROFILES:-}${SHARED:-}" ]; then
    echo "choose the database with COMPOSE_PROFILES=postgres, in the environment or in .env:" \
        "with --profile alone the service would not know of it" >&2
    exit 1
fi

data=/var/lib/postgresql/17
url=/run/database-secrets/bridge_database_url
shared=/run/database-secrets/bridge_cluster_secret
edge=/run/edge-secrets/database_password

new_secret() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }
# keep FILE TEXT: readable for the group only; under its name only when complete.
keep() {
    (umask 027 && printf %s "$2" > "$1.new")
    mv "$1.new" "$1"
}
# role NAME PASSWORD: the statements that make it.
role() {
    echo "DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$1')" \
        "THEN CREATE ROLE $1 LOGIN; END IF; END \$\$"
    echo "ALTER ROLE $1 PASSWORD '$2'"
}
# In single-user mode, so that nobody can connect before the password is set.
alone() { postgres --single -D "$data" postgres; }

if [ ! -s "$data/PG_VERSION" ] || [ ! -s "$url" ]; then
    password=$(new_secret)
    if [ ! -s "$data/PG_VERSION" ]; then
        # The role that it is for was in the cluster of before.
        rm -rf "$data.new" "$edge"
        initdb --pgdata="$data.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
            --auth-local=peer --auth-host=scram-sha-256 > /dev/null
        echo "host bridge bridge,bridge_edge all scram-sha-256" >> "$data.new/pg_hba.conf"
        mv "$data.new" "$data"
    fi
    {
        role bridge "$password"
        echo "SELECT 1 FROM pg_database WHERE datname = 'bridge'"
    } | alone > /tmp/single.log
    grep -q '?column? = "1"' /tmp/single.log \
        || echo "CREATE DATABASE bridge OWNER bridge" | alone > /dev/null
    keep "$url" "postgresql+asyncpg://bridge:$password@database/bridge"
fi
if [ -n "${SHARED:-}" ] && [ ! -s "$shared" ]; then
    keep "$shared" "$(new_secret)$(new_secret)"
fi
if [ -n "${SHARED:-}" ] && [ ! -s "$edge" ]; then
    password=$(new_secret)
    role bridge_edge "$password" | alone > /dev/null
    keep "$edge" "$password"
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
