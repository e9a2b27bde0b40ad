"""Routes for those who operate the service."""
