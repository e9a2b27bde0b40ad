#!/bin/bash
# Whether a request for /health/ready is answered with 200.
set -eu
exec 3<> "/dev/tcp/127.0.0.1/${BALANCER_ADDRESS##*:}"
printf 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 4 answer <&3
while read -r -t 4 _ <&3; do :; done
[[ $answer == "HTTP/1.1 200"* ]]
