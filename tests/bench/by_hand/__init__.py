"""The honest peer: a service that somebody writes by hand for the same job.

It takes calls over HTTP, places them through ARI, follows their events, ends them on DELETE and
keeps a final record of each in SQLite. It is written as well as an experienced person would write
it in a few days.

The same for both:

- The promise: an accepted call is on disk (`synchronous = FULL`) before it is dialled, and calls of
  the same moment share a commit, in a thread of its own. Its writes are accept, answer and end.
- Asterisk, its dialplan behind the source, and the phones; orjson, uvloop and the Python.

Decided in its favour:

- It dials the phone directly, as most do who write such a service. A phone that is dialled so can
  forward the call to any number (docs/decisions/forwards.md). The service closes that door with a
  Local channel. `--wall` gives this peer the same one, for a comparison of like with like.
- ARI is asked for two kinds of events and for no other. Each channel has a known id, so no event
  has to be searched.
- One column for each fact instead of a document; no index but the key.
- No directory, rights, limits, idempotency, webhooks, lists, streams, metrics, timeline, transfers;
  no check of what events say; one line of the log for each step, without fields.
- A POST is answered once ARI has taken the call. So a refusal is known at once, without a record.

Decided against it: that it uses ARI, which Asterisk's makers recommend for new programs. AMI costs
Asterisk less; the row of raw AMI shows how much.

A reviewer who sees something that makes it slower than it has to be should mend it here.
"""
