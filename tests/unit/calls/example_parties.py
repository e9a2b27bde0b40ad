"""The parties of the shipped example directory, as the call state machine asks for them."""

from __future__ import annotations

from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.directory.party_lookup import DirectoryParties
from bridge.secrets_file import ThrowawaySecrets

PARTIES = DirectoryParties(CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()))
