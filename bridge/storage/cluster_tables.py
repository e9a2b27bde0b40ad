"""The tables of several instances over one database. One instance leaves them empty."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text, text

from bridge.storage.tables import metadata

# One instance may act for a resource: `pbx:NAME`, `hooks:NUMBER`, `job:NAME`. `epoch` grows with
# each new holder, and never falls. `expires_ms` is of the clock of the database. `url` reaches the
# holder.
leases = Table(
    "leases",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
)

# The instances that run, or ran. `beat_ms`: when it last said that it lives, by the clock of the
# database. `draining`: 1 if it takes no lease any more. `directory_hash`: of its directory.
# `process`: drawn at random by each process, so that two processes of one name notice each other.
instances = Table(
    "instances",
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("beat_ms", BigInteger, nullable=False),
    Column("draining", Integer, nullable=False),
    Column("directory_hash", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("process", Text, nullable=False, server_default=text("''")),
)

# Which PBX an organization's phones and calls are on; `version` grows with each move.
placements = Table(
    "placements",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("pbx", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)

# The generated secrets of all instances, each encrypted with a key from the environment.
shared_secrets = Table(
    "shared_secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
)
