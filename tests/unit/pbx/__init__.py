"""Parts of bridge/pbx without a PBX."""
