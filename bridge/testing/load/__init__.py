"""Load: real calls through the API against SIPp phones, measured (docs/load.md)."""
