"""The honest peer: a service that somebody writes by hand for the same job.

It takes calls over HTTP, places them through ARI, follows their events, ends them on DELETE and
keeps a final record of each in SQLite. It is written as well as an experienced person would write
it in a few days, and every doubt was decided in its favour:

- The same promise: an accepted call is on disk (`synchronous = FULL`) before it is dialled, and
  calls of the same moment share a commit, in a thread of its own. Its writes are accept, answer and
  end, as with the service; indexes and documents are left out.
- The same Asterisk with the same dialplan, with orjson, and with uvloop where the service has it.
  ARI is asked for two kinds of events and for no other.
- It dials the phone directly. The service does not: a phone that is dialled so can forward the call
  to any number. Directory, rights, limits, idempotency, webhooks, lists, metrics and a timeline are
  left out as well, and so is everything about transfers.

A reviewer who sees something that makes it slower than it has to be should mend it here.
"""
