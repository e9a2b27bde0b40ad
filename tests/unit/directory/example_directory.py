"""The shipped example as the tests' directory, and the callers of its apps."""

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.directory import Directory
from bridge.directory.loader import EXAMPLE_FILE, load_directory
from bridge.directory.requester import Requester

EXAMPLE: Directory = load_directory(EXAMPLE_FILE, ThrowawaySecrets())


def requester(client_id: str) -> Requester:
    return Requester.of_app(EXAMPLE, EXAMPLE.apps[client_id])


USER_12 = requester("user-12")
USER_13 = requester("user-13")
ORGANIZATION_3 = requester("organization-0003")
ORGANIZATION_4 = requester("organization-0004")
ADMINISTRATOR = requester("administrator")
EVERYONE = (USER_12, USER_13, ORGANIZATION_3, ORGANIZATION_4, ADMINISTRATOR)
