"""The whole service on the oldest Asterisk that it supports: 16, of Debian 11."""
