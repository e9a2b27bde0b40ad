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
# `write_lag_ms`: for how long its oldest write waited, at the beat.
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
    Column("write_lag_ms", BigInteger, nullable=False, server_default=text("0")),
)

# Which PBX an organization's phones and calls are on; `version` grows with each move.
placements = Table(
    "placements",
    metadata,
    Column("organization", Text, primary_key=True),
    Column("pbx", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
)

# The state of each PBX. `state`: as the holder of its lease said at `told_ms` under `epoch`;
# `since_ms`: from when it was so. Both moments are of the clock of the database. `draining`: 1 if
# no organization shall be on it; that is the word of a command, and not of the holder.
pbx_states = Table(
    "pbx_states",
    metadata,
    Column("pbx", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("told_ms", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("draining", Integer, nullable=False),
)

# The generated secrets of all instances, each encrypted with a key from the environment.
shared_secrets = Table(
    "shared_secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sealed", Text, nullable=False),
)

# The changes of one instance to things that others keep in memory, each written with the change.
# `key`: which of that kind. `changed_ms` is of the clock of the database. Each row is of use for
# minutes only.
shared_changes = Table(
    "shared_changes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

# The directory file that all instances use, with those before it. `hash`: SHA-256 of `content`.
shared_directories = Table(
    "shared_directories",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("pushed_ms", BigInteger, nullable=False),
)

# Codes that count once. `sealed`: the value, which only the code itself opens. `expires_ms` is of
# the clock of the database.
shared_codes = Table(
    "shared_codes",
    metadata,
    Column("code_hash", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
