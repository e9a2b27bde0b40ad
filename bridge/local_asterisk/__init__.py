"""Gets an Asterisk to place calls on, and runs it if it is ours.

The order of the ways is in choice.py; the configuration is asterisk-conf/ of the repository. Not
used if the settings name a PBX.
"""
