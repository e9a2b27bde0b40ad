#!/bin/sh
# Renders the configuration of the edge into a folder.
#
#   render.sh OUT        (values come from the environment, see docs/edge.md)
#
# The result holds no secret: libpq takes the password of the database from PGPASSWORD or PGPASSFILE.
# Start Kamailio with PGOPTIONS="-c search_path=edge,public".
set -eu

out=${1:?usage: render.sh OUT}
here=$(cd "$(dirname "$0")" && pwd)

: "${EDGE_ADDRESS:=127.0.0.1}" "${EDGE_PORT:=5060}" "${EDGE_ADVERTISED_ADDRESS:=}"
: "${EDGE_INNER_ADDRESS:=}" "${EDGE_INSTANCES:=}" "${EDGE_PING_S:=45}"
: "${EDGE_REALM:=edge}" "${EDGE_DATABASE_URL:=postgres:///bridge}"
: "${EDGE_NODES:?pairs of name=address:port, separated by spaces}"
: "${EDGE_WORKERS:=4}" "${EDGE_TCP_CONNECTIONS_MAX:=20000}" "${EDGE_GUESSES_MAX:=20}"
: "${EDGE_ADDRESS_GUESSES_MAX:=400}" "${EDGE_STRANGER_S:=60}"
: "${EDGE_TLS_PORT:=5061}" "${EDGE_TLS_CERTIFICATE:=}" "${EDGE_TLS_KEY:=}"
: "${EDGE_NUMBER:=}" "${EDGE_PLACEMENTS:=public.placements}" "${EDGE_RUN_DIR:=$out}"

# What a value may consist of: none may end a text of the configuration and begin another.
check() {
    case $2 in '' | *[!$3]*) echo "render.sh: $1 is empty or has a character it may not have" >&2; exit 1;; esac
}
check EDGE_ADDRESS "$EDGE_ADDRESS" '0-9A-Fa-f.:'
case $EDGE_ADDRESS in *.*.*.* | *:*:*) ;; *)
    echo "render.sh: EDGE_ADDRESS must be an IP address" >&2; exit 1;; esac
[ -z "$EDGE_INNER_ADDRESS" ] || check EDGE_INNER_ADDRESS "$EDGE_INNER_ADDRESS" '0-9.'
[ -z "$EDGE_INSTANCES" ] || check EDGE_INSTANCES "$EDGE_INSTANCES" '0-9A-Fa-f.: '
check EDGE_REALM "$EDGE_REALM" 'A-Za-z0-9.-'
check EDGE_DATABASE_URL "$EDGE_DATABASE_URL" 'A-Za-z0-9_.:/@-'
check EDGE_PLACEMENTS "$EDGE_PLACEMENTS" 'a-z_.'
check EDGE_RUN_DIR "$EDGE_RUN_DIR" 'A-Za-z0-9_./-'
[ -z "$EDGE_ADVERTISED_ADDRESS" ] || check EDGE_ADVERTISED_ADDRESS "$EDGE_ADVERTISED_ADDRESS" 'A-Za-z0-9.-'
for name in EDGE_PORT EDGE_WORKERS EDGE_TCP_CONNECTIONS_MAX EDGE_GUESSES_MAX EDGE_PING_S \
    EDGE_ADDRESS_GUESSES_MAX EDGE_STRANGER_S EDGE_TLS_PORT; do
    eval "check $name \"\$$name\" 0-9"
done
SEVERAL='#!undef SEVERAL'
if [ -n "$EDGE_NUMBER" ]; then
    check EDGE_NUMBER "$EDGE_NUMBER" 0-9
    SEVERAL='#!define SEVERAL'
fi

host=$EDGE_ADDRESS
case $host in *:*) host="[$host]";; esac
advertised=
[ -z "$EDGE_ADVERTISED_ADDRESS" ] || advertised=" advertise $EDGE_ADVERTISED_ADDRESS:$EDGE_PORT"
LISTEN="listen=udp:$host:$EDGE_PORT$advertised
listen=tcp:$host:$EDGE_PORT$advertised"
# A socket of its own to the nodes: they must not be told the address that is advertised to phones.
inner_socket= FROM_OUTSIDE='# Phones and nodes send to one address.'
# Browsers come through an instance of the service: from its address, or to the inner one.
OF_INSTANCE='$sht(instances=>$si) == 1'
INSTANCES='    # the instances of the service'
for one in $EDGE_INSTANCES; do
    INSTANCES="$INSTANCES
    \$sht(instances=>$one) = 1;"
done
if [ -n "$EDGE_INNER_ADDRESS" ]; then
    inner=udp:$EDGE_INNER_ADDRESS:$EDGE_PORT
    LISTEN="$LISTEN
listen=$inner
listen=tcp:$EDGE_INNER_ADDRESS:$EDGE_PORT"
    inner_socket=" socket=$inner"
    # An address can be forged; the network that a request came through cannot.
    OF_INSTANCE="\$Ri == \"$EDGE_INNER_ADDRESS\" || $OF_INSTANCE"
    FROM_OUTSIDE="if (\$Ri != \"$EDGE_INNER_ADDRESS\") \$var(of_node) = -1;"
fi

# TLS and secure WebSocket, where there is a certificate.
TLS='# no certificate is named: no TLS'
if [ -n "$EDGE_TLS_CERTIFICATE$EDGE_TLS_KEY" ]; then
    check EDGE_TLS_CERTIFICATE "$EDGE_TLS_CERTIFICATE" 'A-Za-z0-9_./-'
    check EDGE_TLS_KEY "$EDGE_TLS_KEY" 'A-Za-z0-9_./-'
    tls_advertised=
    [ -z "$EDGE_ADVERTISED_ADDRESS" ] || tls_advertised=" advertise $EDGE_ADVERTISED_ADDRESS:$EDGE_TLS_PORT"
    # Of its own, those have a limit of 2,048.
    LISTEN="enable_tls=yes
tls_max_connections=$EDGE_TCP_CONNECTIONS_MAX
$LISTEN
listen=tls:$host:$EDGE_TLS_PORT$tls_advertised"
    TLS="loadmodule \"tls.so\"
modparam(\"tls\", \"tls_method\", \"TLSv1.2+\")
modparam(\"tls\", \"certificate\", \"$EDGE_TLS_CERTIFICATE\")
modparam(\"tls\", \"private_key\", \"$EDGE_TLS_KEY\")"
fi

# Set n: node n first, the others after it in their order; so the next node takes over from one that
# is silent. Set 1000 + n: node n alone.
NODES= list= n=0
for one in $EDGE_NODES; do
    check EDGE_NODES "$(printf %s "$one" | tr -d '[]')" 'A-Za-z0-9_.:=-'
    case $one in ?*=?*:*) port=${one##*:};; *) port=;; esac
    case $port in '' | *[!0-9]*)
        echo "render.sh: EDGE_NODES: $one is not name=address:port" >&2; exit 1;; esac
    n=$((n + 1))
    NODES="$NODES    \$sht(nodes=>${one%%=*}) = $n;
"
    list="$list$((1000 + n)) sip:${one#*=} 0 1$inner_socket
"
    place=0
    for other in $EDGE_NODES; do
        place=$((place + 1))
        priority=$((1000 - place))
        [ "$place" -ge "$n" ] || priority=$((priority - 500))
        [ "$place" -ne "$n" ] || priority=1000
        list="$list$n sip:${other#*=} 0 $priority$inner_socket
"
    done
done

mkdir -p "$out"
printf %s "$list" > "$out/dispatcher.list"
export LISTEN NODES INSTANCES OF_INSTANCE FROM_OUTSIDE TLS SEVERAL
EDGE_HOST=$host REALM=$EDGE_REALM DATABASE_URL=$EDGE_DATABASE_URL WORKERS=$EDGE_WORKERS \
TCP_CONNECTIONS_MAX=$EDGE_TCP_CONNECTIONS_MAX GUESSES_MAX=$EDGE_GUESSES_MAX CONF_DIR=$out \
PING_S=$EDGE_PING_S RUN_DIR=$EDGE_RUN_DIR NUMBER=${EDGE_NUMBER:-0} PLACEMENTS=$EDGE_PLACEMENTS EDGE_PORT=$EDGE_PORT NODE_SILENT_MS=3000 \
ADDRESS_GUESSES_MAX=$EDGE_ADDRESS_GUESSES_MAX STRANGER_S=$EDGE_STRANGER_S awk '
    {
        rest = $0; line = ""
        while (match(rest, /@[A-Z_]+@/)) {
            name = substr(rest, RSTART + 1, RLENGTH - 2)
            if (ENVIRON[name] == "") {
                printf "render.sh: line %d: %s has no value\n", FNR, name > "/dev/stderr"
                exit 1
            }
            line = line substr(rest, 1, RSTART - 1) ENVIRON[name]
            rest = substr(rest, RSTART + RLENGTH)
        }
        print line rest
    }' "$here/kamailio.cfg" > "$out/kamailio.cfg"
