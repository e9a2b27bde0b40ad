"""A PBX on another machine: AMI, ARI and SIP over WebSocket through TLS, and below a prefix."""
