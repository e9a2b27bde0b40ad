"""The commands that use a running service through its API: `calls`, `call`, `hangup`, `phones`,
`events`, `token`."""

NAMES = {
    "calls": "the live calls, or the ended ones",
    "call": "place a call and follow it, or show one call",
    "hangup": "end a call, or all calls of an extension",
    "phones": "who is registered, from where, and who rings or talks",
    "events": "each change of a call, as it happens",
    "token": "an access token, for curl",
}
"""Each command and its help. Known without loading what carries them out."""
