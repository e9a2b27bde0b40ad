#!/bin/sh
# Renders the configuration of HAProxy into a file.
#
#   render.sh OUT        (values come from the environment)
#
# BALANCER_ADDRESS    where it takes requests, as 127.0.0.1:8080 or *:8080
# BALANCER_INSTANCES  name=address:port of each instance, with spaces between them
# BALANCER_CONNECTIONS_MAX  of clients at a time, 4000; each needs two file descriptors
set -eu

out=${1:?usage: render.sh OUT}
here=$(cd "$(dirname "$0")" && pwd)

: "${BALANCER_ADDRESS:=127.0.0.1:8080}" "${BALANCER_CONNECTIONS_MAX:=4000}"
: "${BALANCER_INSTANCES:?pairs of name=address:port, separated by spaces}"

# What a value may consist of: none may end a line of the configuration and begin another.
check() {
    case $2 in '' | *[!$3]*) echo "render.sh: $1 is empty or has a character it may not have" >&2; exit 1;; esac
}
check BALANCER_ADDRESS "$BALANCER_ADDRESS" '0-9A-Fa-f.:*'
check BALANCER_CONNECTIONS_MAX "$BALANCER_CONNECTIONS_MAX" 0-9

INSTANCES=
for one in $BALANCER_INSTANCES; do
    check BALANCER_INSTANCES "$one" 'A-Za-z0-9_.:=-'
    INSTANCES="$INSTANCES    server ${one%%=*} ${one#*=}
"
done
export INSTANCES
ADDRESS=$BALANCER_ADDRESS CONNECTIONS_MAX=$BALANCER_CONNECTIONS_MAX awk '
    {
        rest = $0; line = ""
        while (match(rest, /@[A-Z_]+@/)) {
            line = line substr(rest, 1, RSTART - 1) ENVIRON[substr(rest, RSTART + 1, RLENGTH - 2)]
            rest = substr(rest, RSTART + RLENGTH)
        }
        print line rest
    }' "$here/haproxy.cfg" > "$out"
