"""The stories of a restart, told with a second instance that takes over."""
