#!/bin/sh
# Renders the configuration named by TEMPLATES (pbx or public-network) and becomes
# Asterisk. Runs as the user asterisk, to whom the image gives the folders below.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

ASTERISK_VERSION=$(asterisk -V | sed 's/^Asterisk \([0-9.]*\).*/\1/')
for MODULE_DIR in /usr/lib/*/asterisk/modules /usr/lib/asterisk/modules; do
    [ ! -e "$MODULE_DIR/chan_pjsip.so" ] || break
done
CONF_DIR=/etc/asterisk DATA_DIR=/usr/share/asterisk VAR_DIR=/var/lib/asterisk
RUN_DIR=/run/asterisk LOG_DIR=/var/log/asterisk SPOOL_DIR=/var/spool/asterisk
export ASTERISK_VERSION MODULE_DIR CONF_DIR DATA_DIR VAR_DIR RUN_DIR LOG_DIR SPOOL_DIR

"$here/render.sh" "$here/${TEMPLATES:-pbx}" "$CONF_DIR"
# After an unclean end the old socket would be taken for a living Asterisk.
rm -f "$RUN_DIR/asterisk.ctl"
# The secrets are in files of mode 0600 now; a console need not see them.
unset AMI_SECRET ARI_SECRET
exec asterisk -f -C "$CONF_DIR/asterisk.conf"
