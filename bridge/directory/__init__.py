"""Organizations, users, extensions and apps; numbers and who owns them."""
