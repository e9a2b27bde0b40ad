"""The parties of the shipped example directory, as the call state machine asks for them."""

from __future__ import annotations

from bridge.calls.directory_parties import DirectoryParties
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory

PARTIES = DirectoryParties(CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()))
