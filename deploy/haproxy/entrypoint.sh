#!/bin/sh
# Renders the configuration and becomes HAProxy.
set -eu
"$(dirname "$0")/render.sh" /run/haproxy/haproxy.cfg
exec haproxy -db -f /run/haproxy/haproxy.cfg
