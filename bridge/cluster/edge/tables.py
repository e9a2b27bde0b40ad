"""The tables of the edge (Kamailio), in a schema of their own beside those of the service.

The columns and their types are Kamailio's; the rest of its columns have defaults. Kamailio compares
the numbers in `version` with those that it was built for.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.edge.several_edges import LOCATION_CHANNEL, SEVERAL_EDGES
from bridge.faults import StorageUnavailable, StorageUnusable, reason
from bridge.storage.engine import address_of
from bridge.storage.migrate import waiting_may_cure

EDGE_ROLE = "bridge_edge"
"""If the database has a role of this name, it gets the rights that the edge needs, and no other."""

# any constant will do, as long as every version of this program uses the same
_LOCK = 0x65646765

TABLES = (
    "CREATE SCHEMA IF NOT EXISTS edge",
    """CREATE TABLE IF NOT EXISTS edge.version (
        id serial PRIMARY KEY,
        table_name varchar(32) NOT NULL UNIQUE,
        table_version integer NOT NULL DEFAULT 0)""",
    """INSERT INTO edge.version (table_name, table_version)
        VALUES ('version', 1), ('location', 9), ('subscriber', 7)
        ON CONFLICT (table_name) DO NOTHING""",
    # `ha1`: MD5 of number:realm:password. `devices`: so many phones may be registered at a time.
    """CREATE TABLE IF NOT EXISTS edge.subscriber (
        id serial PRIMARY KEY,
        username varchar(64) NOT NULL UNIQUE,
        domain varchar(64) NOT NULL DEFAULT '',
        ha1 varchar(128) NOT NULL,
        devices integer NOT NULL DEFAULT 1)""",
    # When the password ends, in seconds since 1970. 0: never.
    "ALTER TABLE edge.subscriber ADD COLUMN IF NOT EXISTS until_s bigint NOT NULL DEFAULT 0",
    """CREATE TABLE IF NOT EXISTS edge.location (
        id serial PRIMARY KEY,
        ruid varchar(64) NOT NULL DEFAULT '' UNIQUE,
        username varchar(64) NOT NULL DEFAULT '',
        domain varchar(64),
        contact varchar(512) NOT NULL DEFAULT '',
        received varchar(128),
        path varchar(512),
        expires timestamp without time zone NOT NULL DEFAULT '2030-01-01 00:00:00',
        q real NOT NULL DEFAULT 1.0,
        callid varchar(255) NOT NULL DEFAULT '',
        cseq integer NOT NULL DEFAULT 1,
        last_modified timestamp without time zone NOT NULL DEFAULT '2000-01-01 00:00:00',
        flags integer NOT NULL DEFAULT 0,
        cflags integer NOT NULL DEFAULT 0,
        user_agent varchar(255) NOT NULL DEFAULT '',
        socket varchar(64),
        methods integer,
        instance varchar(255),
        reg_id integer NOT NULL DEFAULT 0,
        server_id integer NOT NULL DEFAULT 0,
        connection_id integer NOT NULL DEFAULT 0,
        keepalive integer NOT NULL DEFAULT 0,
        partition integer NOT NULL DEFAULT 0)""",
    "CREATE INDEX IF NOT EXISTS location_username ON edge.location (username)",
    "CREATE INDEX IF NOT EXISTS location_expires ON edge.location (expires)",
    # Registrations that the edge of that number has in memory, and must forget: that of the `ruid`;
    # empty: all of the username.
    """CREATE TABLE IF NOT EXISTS edge.removals (
        username varchar(64) NOT NULL,
        server_id integer NOT NULL DEFAULT 0,
        ruid varchar(64) NOT NULL DEFAULT '',
        UNIQUE (server_id, username, ruid))""",
    # An earlier version had one edge. It locks the table only to change it: edges would wait.
    """DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_attribute
            WHERE attrelid = 'edge.removals'::regclass AND attname = 'ruid') THEN
            ALTER TABLE edge.removals DROP CONSTRAINT removals_pkey,
                ADD COLUMN server_id integer NOT NULL DEFAULT 0,
                ADD COLUMN ruid varchar(64) NOT NULL DEFAULT '',
                ADD UNIQUE (server_id, username, ruid);
        END IF;
    END $$""",
    # Of several edges each has a row. A single one has none, and counts as living.
    """CREATE TABLE IF NOT EXISTS edge.edges (
        server_id integer PRIMARY KEY,
        seen timestamptz NOT NULL,
        lives boolean NOT NULL)""",
    f"""CREATE OR REPLACE FUNCTION edge.tell_location() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('{LOCATION_CHANNEL}', COALESCE(NEW.username, OLD.username));
            RETURN NULL;
        END $$""",
    # A phone that only renews its registration changes nothing.
    """CREATE OR REPLACE TRIGGER location_changed
        AFTER UPDATE ON edge.location FOR EACH ROW
        WHEN (OLD.contact IS DISTINCT FROM NEW.contact
            OR OLD.received IS DISTINCT FROM NEW.received
            OR OLD.socket IS DISTINCT FROM NEW.socket)
        EXECUTE FUNCTION edge.tell_location()""",
    """CREATE OR REPLACE TRIGGER location_came_or_went
        AFTER INSERT OR DELETE ON edge.location FOR EACH ROW
        EXECUTE FUNCTION edge.tell_location()""",
    """CREATE OR REPLACE FUNCTION edge.forget_subscriber() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO edge.removals (username, server_id)
                SELECT OLD.username, x FROM (SELECT 0 UNION SELECT server_id FROM edge.edges) e(x)
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$""",
    """CREATE OR REPLACE TRIGGER subscriber_went
        AFTER DELETE ON edge.subscriber FOR EACH ROW
        EXECUTE FUNCTION edge.forget_subscriber()""",
    *SEVERAL_EDGES,
    f"""DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{EDGE_ROLE}') THEN
            GRANT USAGE ON SCHEMA edge TO {EDGE_ROLE};
            GRANT SELECT ON edge.version, edge.subscriber, placements TO {EDGE_ROLE};
            GRANT SELECT, INSERT, DELETE ON edge.removals TO {EDGE_ROLE};
            GRANT SELECT, INSERT, UPDATE, DELETE ON edge.edges TO {EDGE_ROLE};
            GRANT SELECT, INSERT, UPDATE, DELETE ON edge.location TO {EDGE_ROLE};
            GRANT USAGE ON SEQUENCE edge.location_id_seq TO {EDGE_ROLE};
        END IF;
    END $$""",
)


async def make_edge_tables(engine: AsyncEngine) -> None:
    """Make what is missing of them. Any number of starts may do so at once.

    `engine` is of PostgreSQL 14 or newer, and has the tables of the service. Raises
    StorageUnavailable, StorageUnusable.
    """
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            for statement in TABLES:
                await connection.exec_driver_sql(statement)
    except (DBAPIError, OSError) as error:
        why = f"cannot make the tables of the edge in {address_of(engine)}: {reason(error)}"
        if waiting_may_cure(error):
            raise StorageUnavailable(why) from error
        raise StorageUnusable(why) from error
