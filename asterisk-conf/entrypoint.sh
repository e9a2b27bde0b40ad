#!/bin/sh
# Renders the configuration named by TEMPLATES (pbx or public-network) and becomes
# Asterisk. Runs as the user asterisk, to whom the image gives the folders below.
set -eu
umask 077                       # recordings, and the phones' passwords in Asterisk's database
here=$(cd "$(dirname "$0")" && pwd)

ASTERISK_VERSION=$(asterisk -V | sed 's/^Asterisk \([0-9.]*\).*/\1/')
for MODULE_DIR in /usr/lib/*/asterisk/modules /usr/lib/asterisk/modules; do
    [ ! -e "$MODULE_DIR/chan_pjsip.so" ] || break
done
CONF_DIR=/etc/asterisk DATA_DIR=/usr/share/asterisk RUN_DIR=/run/asterisk
LOG_DIR=/var/log/asterisk
: "${VAR_DIR:=/var/lib/asterisk}" "${SPOOL_DIR:=/var/spool/asterisk}"
export ASTERISK_VERSION MODULE_DIR CONF_DIR DATA_DIR VAR_DIR RUN_DIR LOG_DIR SPOOL_DIR

# secret_of FILE VALUE: the value where one is given; else the Docker secret of that name; else
# one that is made at the first start and kept where the service reads it too.
secret_of() {
    made=/run/pbx-secrets/$1
    # Not an end and another start, after which it would take longer and longer to look again.
    if [ -e "/run/secrets/$1" ] && [ ! -r "/run/secrets/$1" ]; then
        echo "the secret $1 cannot be read by the user $(id -un) of this container: give its file" \
            "mode 0644, in a folder that only its owner may enter. Waiting for it." >&2
        until [ -r "/run/secrets/$1" ]; do sleep 1; done
    fi
    if [ -n "$2" ]; then
        printf %s "$2"
    elif [ -s "/run/secrets/$1" ]; then
        cat "/run/secrets/$1"
    else
        if [ ! -s "$made" ]; then
            # Readable for the group only; under its name only when complete. Several nodes share
            # the folder: the first one's counts, as a link replaces nothing.
            new=$(mktemp "$made.XXXXXX")
            head -c 24 /dev/urandom | base64 | tr '+/' '-_' > "$new"
            chmod 640 "$new"
            ln "$new" "$made" 2> /dev/null || [ -s "$made" ]
            rm "$new"
        fi
        cat "$made"
    fi
}

if [ -n "${RTP_PORTS:-}" ]; then  # as Docker writes a range: 10000-10063
    RTP_START=${RTP_PORTS%-*} RTP_END=${RTP_PORTS#*-}
    export RTP_START RTP_END
fi
if [ "${TEMPLATES:-pbx}" = pbx ]; then
    AMI_SECRET=$(secret_of bridge_ami_secret "${AMI_SECRET:-}")
    AMI_RECORDING_SECRET=$(secret_of bridge_ami_recording_secret "${AMI_RECORDING_SECRET:-}")
    ARI_SECRET=$(secret_of bridge_ari_secret "${ARI_SECRET:-}")
    export AMI_SECRET AMI_RECORDING_SECRET ARI_SECRET
fi
if [ "${EXTERNAL_ADDRESS:-}" = 0.0.0.0 ]; then
    echo "BRIDGE_BIND_ADDRESS is 0.0.0.0: set BRIDGE_EXTERNAL_ADDRESS too, to the address by" \
        "which phones reach this machine" >&2
    exit 1
fi

# Without it ARI cannot list stored recordings.
mkdir -p "$SPOOL_DIR/recording" "$VAR_DIR"
"$here/render.sh" "$here/${TEMPLATES:-pbx}" "$CONF_DIR"
# After an unclean end the old socket would be taken for a living Asterisk.
rm -f "$RUN_DIR/asterisk.ctl"
# Of a version that left it readable.
[ ! -e "$VAR_DIR/astdb.sqlite3" ] || chmod 600 "$VAR_DIR/astdb.sqlite3"
# The secrets are in files of mode 0600 now; a console need not see them.
unset AMI_SECRET AMI_RECORDING_SECRET ARI_SECRET
exec asterisk -f -C "$CONF_DIR/asterisk.conf"
