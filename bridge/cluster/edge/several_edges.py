"""How several edges share the table of registrations: functions in the database, which they call.

Each edge reaches its own phones only. Which of them live, and where a phone registered last, is
settled by the one clock of the database, and one edge after the other.
"""

from __future__ import annotations

LOCATION_CHANNEL = "edge_location"
"""NOTIFY with a number: what is registered as it may have changed. It says not how. Without one it
may be of any number: one of several edges has died, or lives again."""

SEVERAL_EDGES = (
    # The registrations that an edge can reach: not those of one that has died. A single one does
    # not say that it lives, and has no row.
    """CREATE OR REPLACE VIEW edge.reached AS
        SELECT id, username, contact, received, user_agent, expires FROM edge.location l
        WHERE NOT EXISTS (SELECT FROM edge.edges e
            WHERE e.server_id = l.server_id AND NOT e.lives)""",
    # Every second. One that has said nothing for 5 s counts as dead. An edge that could not say
    # anything itself for a while says nothing of others: it was the database that was away.
    """CREATE OR REPLACE FUNCTION edge.beat(me integer) RETURNS integer LANGUAGE plpgsql AS $$
        DECLARE
            moment timestamptz := clock_timestamp();
            awake boolean := EXISTS (SELECT FROM edge.edges WHERE server_id = me
                AND seen > moment - interval '2.5 s');
        BEGIN
            INSERT INTO edge.edges VALUES (me, moment, TRUE)
                ON CONFLICT (server_id) DO UPDATE SET seen = moment, lives = TRUE;
            IF NOT awake THEN
                RETURN 0;
            END IF;
            UPDATE edge.edges SET lives = FALSE WHERE server_id IN (
                SELECT server_id FROM edge.edges
                WHERE lives AND seen < moment - interval '5 s'
                FOR UPDATE SKIP LOCKED);
            -- What a dead edge cannot end by itself.
            DELETE FROM edge.location l WHERE l.expires < moment AT TIME ZONE 'UTC'
                AND l.server_id IN (SELECT server_id FROM edge.edges WHERE NOT lives);
            DELETE FROM edge.edges WHERE seen < moment - interval '1 day';
            DELETE FROM edge.removals r WHERE NOT EXISTS (
                SELECT FROM edge.edges e WHERE e.server_id = r.server_id);
            RETURN 0;
        END $$""",
    f"""CREATE OR REPLACE FUNCTION edge.tell_edge() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('{LOCATION_CHANNEL}', '');
            RETURN NULL;
        END $$""",
    # Once: to replace it would wait for `beat`, which may wait for this transaction.
    """DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_trigger
            WHERE tgrelid = 'edge.edges'::regclass AND tgname = 'edge_died_or_lives') THEN
            CREATE TRIGGER edge_died_or_lives AFTER UPDATE ON edge.edges FOR EACH ROW
                WHEN (OLD.lives IS DISTINCT FROM NEW.lives) EXECUTE FUNCTION edge.tell_edge();
        END IF;
    END $$""",
    # When a phone registered last, by the clock of the database.
    """DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_attribute
            WHERE attrelid = 'edge.location'::regclass AND attname = 'came') THEN
            ALTER TABLE edge.location
                ADD COLUMN came timestamptz NOT NULL DEFAULT clock_timestamp();
        END IF;
    END $$""",
    """CREATE OR REPLACE FUNCTION edge.note_renewal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.came := clock_timestamp();
            RETURN NEW;
        END $$""",
    """CREATE OR REPLACE TRIGGER location_renewed
        BEFORE UPDATE ON edge.location FOR EACH ROW
        EXECUTE FUNCTION edge.note_renewal()""",
    # A phone of that number has registered at that edge: it leaves the edges of before. With
    # several devices only the same one does: its contact, its Call-ID or its instance is the same.
    # An edge may be late to say so: it leaves newer rows, and the edge of those takes older ones.
    """CREATE OR REPLACE FUNCTION edge.came(number text, me integer, devices integer)
        RETURNS integer LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('edge ' || number, 0));
            WITH own AS (
                SELECT * FROM edge.location WHERE username = number AND server_id = me
            ), gone AS (
                DELETE FROM edge.location l WHERE l.username = number AND l.server_id <> me
                AND EXISTS (SELECT FROM own WHERE own.came > l.came AND (devices <= 1
                    OR own.callid = l.callid OR own.contact = l.contact
                    OR own.instance = l.instance))
                RETURNING l.username, l.server_id, l.ruid
            )
            INSERT INTO edge.removals (username, server_id, ruid)
                SELECT gone.username, gone.server_id, gone.ruid FROM gone
                ON CONFLICT DO NOTHING;
            RETURN 0;
        END $$""",
)
