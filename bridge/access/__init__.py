"""Access tokens of apps: OAuth 2.0 client credentials, without HTTP."""
