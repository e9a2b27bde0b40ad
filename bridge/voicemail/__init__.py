"""Voicemail: the messages that the dialplan of the PBX takes become conversations.

The PBX keeps the mailboxes; its dialplan works without this service. Here each message gets its
conversation for the Verba API. Silent and old messages, and those that a phone or an app has
deleted, are removed for good. The PBX and the database tell all of this anew at each start.
"""
