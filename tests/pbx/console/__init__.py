"""The web console in a browser, before the real service and Asterisk."""
