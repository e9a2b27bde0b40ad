#!/bin/bash
# Whether the edge answers a request over TCP with 200.
set -eu
exec 3<> "/dev/tcp/$EDGE_ADDRESS/$EDGE_PORT"
printf 'OPTIONS sip:%s:%s SIP/2.0\r\n' "$EDGE_ADDRESS" "$EDGE_PORT" >&3
printf 'Via: SIP/2.0/TCP %s;branch=z9hG4bK%s%s\r\n' "$EDGE_ADDRESS" "$RANDOM" "$RANDOM" >&3
printf 'From: <sip:health@edge>;tag=1\r\nTo: <sip:edge>\r\nCall-ID: %s%s\r\n' "$RANDOM" "$RANDOM" >&3
printf 'CSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nContent-Length: 0\r\n\r\n' >&3
read -r -t 4 answer <&3
# To its end, which is an empty line: a connection that is closed before is a fault to the edge.
while read -r -t 4 line <&3 && [[ $line != $'\r' ]]; do :; done
[[ $answer == "SIP/2.0 200"* ]]
