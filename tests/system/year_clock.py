"""An invented clock in a test's database, and whether vacd has come to rest at the moment it shows.

The clock is a table with one row, which production does not have, and a vac_store.wall() that reads it: all
that the stages know of time comes from there. It stands still until it is set. What the database keeps by
itself as the time of a row (DEFAULT clock_timestamp()) is made to read it, too.
"""

import datetime
import time

UTC = datetime.timezone.utc
CHANNELS = {'dispatch': 'vac_dispatch', 'mailer': 'vac_mailer', 'answer': 'vac_answer', 'deadline': 'vac_deadline'}

INSTALL = '''
CREATE TABLE vac_store.invented_clock (one boolean PRIMARY KEY DEFAULT true CHECK (one), at timestamptz NOT NULL) WITH (fillfactor = 10);
ALTER TABLE vac_store.invented_clock OWNER TO vac_owner;
CREATE OR REPLACE FUNCTION vac_store.wall() RETURNS timestamptz LANGUAGE sql VOLATILE
    RETURN (SELECT c.at FROM vac_store.invented_clock c);
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT d.adrelid::regclass AS of_table, a.attname FROM pg_attrdef d
            JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
            JOIN pg_class c ON c.oid = d.adrelid
            WHERE c.relnamespace = 'vac_store'::regnamespace AND pg_get_expr(d.adbin, d.adrelid) = 'clock_timestamp()' LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT vac_store.wall()', one.of_table, one.attname);
    END LOOP;
END $$;
'''

# What is due now, what somebody is at, and when there is more to do. An invitation that is still to be
# sent ('unsent') is the mailer's to look after.
REST = '''
WITH t AS MATERIALIZED (SELECT vac_store.wall() AS now_at),
d AS MATERIALIZED (SELECT d.* FROM t, vac_store.deadlines(1, t.now_at, vac_store.lapses_from(t.now_at)) d
    WHERE d.due IS NOT NULL AND d.what <> 'unsent'),
s AS MATERIALIZED (SELECT vac_daemon.next_dispatch() AS dispatch, vac_daemon.next_message() AS mailer, vac_daemon.next_inbound() AS answer)
SELECT concat_ws(', ', CASE WHEN s.dispatch = 0 THEN 'dispatch' END, CASE WHEN s.mailer = 0 THEN 'mailer' END,
        CASE WHEN s.answer = 0 THEN 'answer' END,
        (SELECT string_agg('deadline ' || d.what || ' ' || coalesce(d.id::text, ''), ', ') FROM d WHERE d.due <= t.now_at
            -- A mail that met a lock is read again in half a second, which this clock has to bring; until then no window ends.
            AND NOT (d.what = 'window' AND EXISTS (SELECT FROM vac_store.inbound i WHERE i.waiting AND i.not_before > t.now_at))),
        CASE WHEN EXISTS (SELECT FROM vac_store.message m WHERE m.waiting AND m.state = 'claimed') THEN 'mail is being sent' END,
        CASE WHEN EXISTS (SELECT FROM vac_store.inbound i WHERE i.waiting AND i.state = 'claimed') THEN 'mail is being read' END,
        -- A lease that is over keeps nobody from anything: the clock moved while its daemon planned what was answered meanwhile.
        CASE WHEN EXISTS (SELECT FROM vac_store.dispatch_group g WHERE g.lease_until > t.now_at) THEN 'a group is being planned' END),
    least(t.now_at + least(s.dispatch, s.mailer, s.answer) * interval '1 millisecond', (SELECT min(d.due) FROM d WHERE isfinite(d.due)))
    FROM t, s
'''


class Clock:
    def __init__(self, database, start):
        self.connection = database.connect()
        # The same few queries thousands of times: planning them each time takes as long as running them.
        self.connection.execute('SET plan_cache_mode = force_generic_plan')
        self.connection.execute(INSTALL)
        self.connection.execute('INSERT INTO vac_store.invented_clock (at) VALUES (%s)', (start,))
        # The schema was installed before this time began.
        self.connection.execute("UPDATE vac_store.migration SET applied_at = %s", (start - datetime.timedelta(days=1),))
        self.at, self.took = start, 0

    def close(self):
        self.connection.close()

    def set(self, at, at_work=True):
        """at_work: a daemon is, and would have shown heartbeats all the while."""
        self.at = at
        with self.connection.transaction():
            if at_work:
                self.connection.execute('SELECT FROM vac_store.presence FOR UPDATE')
            self.connection.execute('UPDATE vac_store.invented_clock SET at = %s', (at,))
            if at_work:
                self.connection.execute('UPDATE vac_store.presence SET seen_at = %s', (at,))
                self.connection.execute('UPDATE vac_store.heartbeat SET turned_at = %s', (at,))

    def wake(self, busy):
        names = [channel for stage, channel in CHANNELS.items() if stage in busy]
        if names:
            self.connection.execute('SELECT pg_notify(n, %s) FROM unnest(%s::text[]) n', ('', names))

    def look(self):
        """(what is to be done now or being done, '' for nothing; the moment there is more, or None)"""
        begun = time.monotonic()
        found = self.connection.execute(REST).fetchone()
        self.took = time.monotonic() - begun
        return found

    def settle(self, seconds=120):
        """Waits until all is done that is due; returns (what is not, when there is more)."""
        busy, then = self.look()
        begun, woken, wake_at = time.monotonic(), None, 0
        while busy and time.monotonic() < begun + seconds:
            # Some stages look again by themselves only after a while, for which this clock does not wait.
            if busy != woken or time.monotonic() >= wake_at:
                self.wake(busy)
                woken, wake_at = busy, time.monotonic() + 0.3
            # A look takes as much of a processor as much of what is waited for: most of the time belongs to that.
            time.sleep(min(max(0.01, 3 * self.took), 0.15))
            busy, then = self.look()
        return busy, then
