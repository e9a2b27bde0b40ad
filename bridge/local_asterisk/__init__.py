"""Gets an Asterisk to place calls on, and runs it if it is ours.

The order of the ways is in choice.py; the configuration is asterisk-conf/ of the
repository. Nothing here is needed when the settings name a PBX.
"""
