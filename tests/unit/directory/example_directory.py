"""The shipped example as the tests' directory, and the callers of its apps."""

from bridge.directory.caller import Caller
from bridge.directory.directory import Directory
from bridge.directory.loader import EXAMPLE_FILE, load_directory
from bridge.secrets_file import ThrowawaySecrets

EXAMPLE: Directory = load_directory(EXAMPLE_FILE, ThrowawaySecrets())


def caller(client_id: str) -> Caller:
    return Caller.of_app(EXAMPLE, EXAMPLE.apps[client_id])


USER_12 = caller("user-12")
USER_13 = caller("user-13")
ORGANIZATION_3 = caller("organization-0003")
ORGANIZATION_4 = caller("organization-0004")
ADMINISTRATOR = caller("administrator")
EVERYONE = (USER_12, USER_13, ORGANIZATION_3, ORGANIZATION_4, ADMINISTRATOR)
