"""What must still hold when the PBX, the network or our own code misbehaves."""
