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
: "${QUEUES_FILE:=$VAR_DIR/queues-directory.conf}"
: "${EXTERNAL_ADDRESS:=}" "${LOCAL_NET:=}" "${STUN_SERVER:=}" "${NODE_NAME:=}" "${EDGE_ADDRESS:=}"
: "${EDGE_PORT:=5060}" "${EXTERNAL_SIGNALING_ADDRESS:=$EXTERNAL_ADDRESS}"
: "${MODULE_DIR_HERE:=${MODULE_DIR:-}}"     # as this script sees it, outside of a root of Asterisk's own
export BIND_ADDRESS MANAGEMENT_ADDRESS SIP_PORT HTTP_PORT AMI_PORT RTP_START RTP_END AMI_USER ARI_USER
export QUEUES_FILE AMI_RECORDING_USER TRUNK_PEER_ADDRESS TRUNK_PEER_PORT

# Two sections of one name would be one user with the rights of both.
if [ "$AMI_USER" = "$AMI_RECORDING_USER" ]; then
    echo "render.sh: AMI_USER and AMI_RECORDING_USER must differ" >&2; exit 1; fi

# Only these events are used by the bridge; the rest costs CPU on both sides.
# FullyBooted and the answers to actions pass in any case.
events='Newchannel Newstate DialBegin DialEnd OriginateResponse Hangup HangupRequest
Hold Unhold AttendedTransfer BlindTransfer ParkedCall ConfbridgeJoin ConfbridgeLeave
QueueCallerLeave MessageWaiting PeerStatus ContactStatus Shutdown'

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
# Early media (183). Of the other states of a dial, the channel's own state tells.
if since 20.11 21.6 22.1; then
    progress='eventfilter(action(include),name(DialState),header(DialStatus),method(exact)) = PROGRESS'
else
    progress='eventfilter = ^Event: DialState[^A-Za-z].*DialStatus: PROGRESS'
fi
# Who talks to whom. Of conferences, parking lots and waiting agents it would tell nothing new.
if since 20.11 21.6 22.1; then
    together='eventfilter(action(include),name(BridgeEnter),header(BridgeType),method(exact)) = basic'
else
    together='eventfilter = ^Event: BridgeEnter[^A-Za-z].*BridgeType: basic'
fi
# Digits that a phone has sent.
if since 20.11 21.6 22.1; then
    digits='eventfilter(action(include),name(DTMFEnd),header(Direction),method(exact)) = Received'
else
    digits='eventfilter = ^Event: DTMFEnd[^A-Za-z].*Direction: Received'
fi
EVENT_FILTERS="$EVENT_FILTERS
$progress
$together
$digits"
RECORDING_EVENT_FILTERS=$(filters FullyBooted)

# res_ari needs it since it can connect out; older ones do not have the file.
WEBSOCKET_CLIENT='; res_websocket_client.so does not exist in this version'
if since 20.15 21.10 22.5; then WEBSOCKET_CLIENT='load = res_websocket_client.so'; fi

is_ipv6() { case $1 in *:*) return 0;; *) return 1;; esac; }
# An IPv6 address with brackets, as where a port follows.
uri_host() { if is_ipv6 "$1"; then printf '[%s]' "$1"; else printf %s "$1"; fi; }
SIP_HOST=$(uri_host "$BIND_ADDRESS") TRUNK_PEER_HOST=$(uri_host "$TRUNK_PEER_ADDRESS")
export SIP_HOST TRUNK_PEER_HOST

NAT_LINES='; no external address is set'
if [ -n "$EXTERNAL_ADDRESS" ]; then
    # Networks are separated by commas.
    case $EXTERNAL_ADDRESS$EXTERNAL_SIGNALING_ADDRESS$(echo "$LOCAL_NET" | tr -d ,) in *[!A-Za-z0-9.:/_-]*)
        echo "render.sh: EXTERNAL_ADDRESS, EXTERNAL_SIGNALING_ADDRESS or LOCAL_NET has a character no" \
            "address has" >&2; exit 1;; esac
    NAT_LINES="external_signaling_address = $EXTERNAL_SIGNALING_ADDRESS
external_media_address = $EXTERNAL_ADDRESS
external_signaling_port = $SIP_PORT"
    for net in $(echo "$LOCAL_NET" | tr , ' '); do NAT_LINES="$NAT_LINES
local_net = $net"; done
fi

# Browser phones: where the audio of this machine is reached from outside. A browser takes addresses
# only, no names. The audio of containers comes in at the address that is not the trunk's.
STUN='; no STUN server is set' ICE_CANDIDATES='; no external address is set'
if [ -n "$STUN_SERVER" ]; then
    case $STUN_SERVER in *[!A-Za-z0-9.:_-]*)
        echo "render.sh: STUN_SERVER has a character no address has" >&2; exit 1;; esac
    STUN="stunaddr = $STUN_SERVER"
fi
audio_address=$BIND_ADDRESS
[ "$audio_address" != 0.0.0.0 ] || audio_address=$MANAGEMENT_ADDRESS
case $EXTERNAL_ADDRESS:$audio_address in
    :* | *[!0-9.:]* | *:0.0.0.0 | *:*:*) ;;
    "$audio_address:$audio_address") ;;
    *) ICE_CANDIDATES="$audio_address => $EXTERNAL_ADDRESS,include_local_address" ;;
esac

# In packages of Debian since Asterisk 20. Without it browsers talk G.711.
OPUS='; codec_opus_open_source.so is not installed'
if [ -e "$MODULE_DIR_HERE/codec_opus_open_source.so" ]; then OPUS='load = codec_opus_open_source.so'; fi

# A transport is of one address family. `::` means every address, so IPv4 gets transports too; beside
# any other IPv6 address a trunk of IPv4 gets one, on loopback.
ipv4_transport() { printf '[transport-%s-ipv4]\ntype = transport\nprotocol = %s\nbind = %s:%s\n%s\n' \
    "$1" "$1" "$2" "$SIP_PORT" "$NAT_LINES"; }
FURTHER_TRANSPORTS='; none beside those above'
TRUNK_TRANSPORT=transport-udp
if is_ipv6 "$BIND_ADDRESS"; then
    if ! is_ipv6 "$TRUNK_PEER_ADDRESS"; then
        TRUNK_TRANSPORT=transport-udp-ipv4
        FURTHER_TRANSPORTS=$(ipv4_transport udp 127.0.0.1)
    fi
    if [ "$BIND_ADDRESS" = :: ]; then
        FURTHER_TRANSPORTS=$(ipv4_transport udp 0.0.0.0; echo; ipv4_transport tcp 0.0.0.0)
    fi
    # An external address of one IP family is useless to phones of the other family.
    case $EXTERNAL_ADDRESS in *[!0-9.]*) ;; *) NAT_LINES='; no external address of IPv6';; esac
fi
export FURTHER_TRANSPORTS TRUNK_TRANSPORT

# One of several Asterisks. The default of entityid is the MAC address, which all on one machine share;
# so it is made of the name, as a MAC address that no device has.
NODE_OPTIONS='; the only Asterisk'
if [ -n "$NODE_NAME" ]; then
    case $NODE_NAME in *[!A-Za-z0-9_.-]*)
        echo "render.sh: NODE_NAME has a character no name has" >&2; exit 1;; esac
    sum=$(printf %s "$NODE_NAME" | cksum); sum=$(printf %08x "${sum%% *}")
    NODE_OPTIONS="systemname = $NODE_NAME
entityid = 02:00:$(printf %s "$sum" | sed 's/../&:/g; s/:$//')"
fi

# The edge asks with the name `edge` whether this node lives, and is asked the same. It calls nobody.
# Several edges are separated by commas.
EDGE_ENDPOINT='; there is no edge' EDGE_ACL='; there is no edge'
if [ -n "$EDGE_ADDRESS" ]; then
    case $EDGE_ADDRESS:$EDGE_PORT in *[!0-9A-Fa-f.:,]*)
        echo "render.sh: EDGE_ADDRESS must be IP addresses, EDGE_PORT a number" >&2; exit 1;; esac
    permits= contacts=
    for edge in $(printf %s "$EDGE_ADDRESS" | tr , ' '); do
        if is_ipv6 "$edge"; then edge_bits=128; else edge_bits=32; fi
        permits="$permits
permit = $edge/$edge_bits"
        contacts="$contacts
contact = sip:edge@$(uri_host "$edge"):$EDGE_PORT"
    done
    EDGE_ACL="[uapi-edge]
deny = 0.0.0.0/0
deny = ::/0$permits"
    EDGE_ENDPOINT="[edge]
type = endpoint
context = none
aors = edge
identify_by = username
acl = uapi-edge
disallow = all
allow = ulaw
[edge]
type = aor$contacts
qualify_frequency = 2
qualify_timeout = 1"
fi
export NODE_OPTIONS EDGE_ENDPOINT EDGE_ACL
export EVENT_FILTERS RECORDING_EVENT_FILTERS NAT_LINES WEBSOCKET_CLIENT STUN ICE_CANDIDATES OPUS

# All files by one process, because this is part of every start; all or none, because a part of a
# configuration is another configuration.
new=$out/.new
rm -rf "$new"
mkdir -p "$new"
NEW=$new awk '
    BEGIN {
        computed["EVENT_FILTERS"]; computed["RECORDING_EVENT_FILTERS"]
        computed["NAT_LINES"]; computed["WEBSOCKET_CLIENT"]; computed["FURTHER_TRANSPORTS"]
        computed["STUN"]; computed["ICE_CANDIDATES"]; computed["OPUS"]
        computed["NODE_OPTIONS"]; computed["EDGE_ENDPOINT"]; computed["EDGE_ACL"]
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

# The music on hold: four notes of half a second, as raw mu-law (8000 Hz). No byte is 0, which some
# awks do not print.
if [ -e "$templates/musiconhold.conf" ] && [ ! -s "$out/moh/notes.ulaw" ]; then
    mkdir -p "$out/moh"
    LC_ALL=C awk '
        function mulaw(s,    sign, e, top) {
            sign = 0
            if (s < 0) { sign = 128; s = -s }
            s = int(s) + 132; top = 16384
            for (e = 7; e > 0 && s < top; e--) top = top / 2
            return 255 - sign - e * 16 - int(s / 2 ^ (e + 3)) % 16
        }
        BEGIN {
            split("523.25 659.26 783.99 1046.5", hz, " ")
            for (note = 1; note <= 4; note++) for (i = 0; i < 4000; i++) {
                loud = 8000; if (i < 200) loud = i * 40; if (i > 3600) loud = (4000 - i) * 20
                printf "%c", mulaw(loud * sin(6.2831853 * hz[note] * i / 8000))
            }
        }' > "$out/moh/notes.new"
    mv "$out/moh/notes.new" "$out/moh/notes.ulaw"
fi

# Played to a party that is fetched from the parking lot (res_parking.conf): 50 ms of silence, as raw
# mu-law (8000 Hz), 255 being the silence of mu-law.
if [ -e "$templates/res_parking.conf" ] && [ ! -s "$out/sounds/silence.ulaw" ]; then
    mkdir -p "$out/sounds"
    LC_ALL=C awk 'BEGIN { for (i = 0; i < 400; i++) printf "%c", 255 }' > "$out/sounds/silence.new"
    mv "$out/sounds/silence.new" "$out/sounds/silence.ulaw"
fi
