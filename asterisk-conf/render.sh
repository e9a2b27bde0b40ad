#!/bin/sh
# Renders one folder of templates into a configuration folder of Asterisk.
#
#   render.sh TEMPLATES OUT        (values come from the environment, see README.md)
#
# Used by the Docker image and by bridge/local_asterisk, so that both run the
# same configuration. Every @NAME@ must have a value: a missing one is an error,
# never an empty field that Asterisk would silently replace by its own default.
set -eu
umask 077                       # the result holds secrets

templates=${1:?usage: render.sh TEMPLATES OUT}
out=${2:?usage: render.sh TEMPLATES OUT}

: "${BIND_ADDRESS:=127.0.0.1}" "${SIP_PORT:=5060}" "${HTTP_PORT:=8088}" "${AMI_PORT:=5038}"
: "${MANAGEMENT_ADDRESS:=$BIND_ADDRESS}"
: "${RTP_START:=10000}" "${RTP_END:=10199}"
: "${AMI_USER:=bridge}" "${AMI_RECORDING_USER:=bridge-recording}" "${ARI_USER:=bridge}"
: "${TRUNK_PEER_ADDRESS:=127.0.0.2}" "${TRUNK_PEER_PORT:=5060}"
: "${ASTERISK_VERSION:=22.10.1}"
: "${EXTERNAL_ADDRESS:=}" "${LOCAL_NET:=}"
export BIND_ADDRESS MANAGEMENT_ADDRESS SIP_PORT HTTP_PORT AMI_PORT RTP_START RTP_END AMI_USER ARI_USER
export AMI_RECORDING_USER TRUNK_PEER_ADDRESS TRUNK_PEER_PORT

# Two sections of one name would be one user with the rights of both.
if [ "$AMI_USER" = "$AMI_RECORDING_USER" ]; then
    echo "render.sh: AMI_USER and AMI_RECORDING_USER must differ" >&2; exit 1; fi

# Only these events are used by the bridge; the rest costs CPU on both sides.
# FullyBooted and the answers to actions pass in any case.
events='Newchannel Newstate DialBegin DialEnd OriginateResponse Hangup HangupRequest
Hold Unhold AttendedTransfer BlindTransfer PeerStatus Shutdown'

major=${ASTERISK_VERSION%%.*}
minor=${ASTERISK_VERSION#*.}; minor=${minor%%.*}; minor=${minor%%[!0-9]*}
case $major in *[!0-9]*|'') echo "render.sh: ASTERISK_VERSION '$ASTERISK_VERSION' is no version" >&2; exit 1;; esac

# since 20.X 21.Y 22.Z: is this version at least the one named for its branch?
# Branches before 20 never have what is asked for here, those after 22 always do.
since() {
    [ "$major" -le 22 ] || return 0
    for first in "$@"; do
        [ "$major" = "${first%.*}" ] && [ "${minor:-0}" -ge "${first#*.}" ] && return 0
    done
    return 1
}

# Before the advanced filters, the option is a regular expression over the event's
# text, and one without `!` includes.
filters() { for event in "$@"; do
    if since 20.11 21.6 22.1; then
        printf 'eventfilter(action(include),name(%s)) =\n' "$event"
    else
        # The class ends the name: "Hangup" must not also let "HangupRequest" in.
        printf 'eventfilter = ^Event: %s[^A-Za-z]\n' "$event"
    fi
done; }
# shellcheck disable=SC2086  # a list of words
EVENT_FILTERS=$(filters $events)
RECORDING_EVENT_FILTERS=$(filters FullyBooted)

# res_ari needs it since it can connect out; older ones do not have the file.
WEBSOCKET_CLIENT='; res_websocket_client.so does not exist in this version'
if since 20.15 21.10 22.5; then WEBSOCKET_CLIENT='load = res_websocket_client.so'; fi

NAT_LINES='; no external address is set'
if [ -n "$EXTERNAL_ADDRESS" ]; then
    case $EXTERNAL_ADDRESS$LOCAL_NET in *[!A-Za-z0-9.:/_-]*)
        echo "render.sh: EXTERNAL_ADDRESS or LOCAL_NET has a character no address has" >&2; exit 1;; esac
    NAT_LINES="external_signaling_address = $EXTERNAL_ADDRESS
external_media_address = $EXTERNAL_ADDRESS
external_signaling_port = $SIP_PORT"
    [ -z "$LOCAL_NET" ] || NAT_LINES="$NAT_LINES
local_net = $LOCAL_NET"
fi
export EVENT_FILTERS RECORDING_EVENT_FILTERS NAT_LINES WEBSOCKET_CLIENT

# All files by one process, because this is part of every start; all or none, because a part of a
# configuration is another configuration.
new=$out/.new
rm -rf "$new"
mkdir -p "$new"
NEW=$new awk '
    BEGIN {
        computed["EVENT_FILTERS"]; computed["RECORDING_EVENT_FILTERS"]
        computed["NAT_LINES"]; computed["WEBSOCKET_CLIENT"]
    }
    FNR == 1 {
        if (target != "") close(target)
        target = FILENAME
        sub(/.*\//, "", target)
        target = ENVIRON["NEW"] "/" target
    }
    {
        rest = $0; line = ""
        while (match(rest, /@[A-Z_]+@/)) {
            name = substr(rest, RSTART + 1, RLENGTH - 2)
            value = ENVIRON[name]
            if (value == "") {
                printf "render.sh: %s line %d: %s has no value\n", FILENAME, FNR, name > "/dev/stderr"
                exit 1
            }
            # ";" would start a comment, a line end another option.
            if (!(name in computed) && value ~ /[;\n\r]/) {
                printf "render.sh: %s has a semicolon or a line end in its value\n", name > "/dev/stderr"
                exit 1
            }
            line = line substr(rest, 1, RSTART - 1) value
            rest = substr(rest, RSTART + RLENGTH)
        }
        print line rest > target
    }' "$templates"/*.conf
mv "$new"/*.conf "$out"
rmdir "$new"
