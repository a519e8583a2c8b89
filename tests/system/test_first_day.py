"""A daemon that began on empty tables keeps the plans it made then: what it reads for a case must not grow with the pile."""

import pytest

import harness
from harness import wait_for

OFFICES = [('SEA', 'America/Los_Angeles'), ('NYC', 'America/New_York')]
# Of the tables that cases come into, generations together.
READ = r"""SELECT regexp_replace(relname, '_\d+$', ''), sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
    WHERE schemaname = 'vac_store' GROUP BY 1"""


def rest(database, server, sent):
    """Everything is sent, every window open, and the counts of what was read are all in."""
    wait_for(lambda: len(server.copies()) >= sent, 120, f'{sent} mails')
    # Seldom, since this reads them, too.
    wait_for(lambda: database.value("""SELECT NOT EXISTS (SELECT FROM vac_store.message WHERE waiting)
        AND NOT EXISTS (SELECT FROM vac_store.appointment WHERE state = 'invited' AND answer_by IS NULL)
        AND NOT EXISTS (SELECT FROM vac_store.unsealed)"""), 60, 'open windows', every=1)
    # A backend that fell silent soon after it told of what it had read tells of the rest ten seconds later.
    database.query('SELECT pg_sleep(11)')
    return dict(database.query(READ))


@pytest.mark.parametrize('analysed', [True, False])
def test_what_is_read_for_a_case_does_not_grow_with_the_pile(cluster, folder, vacd, sink, analysed):
    database = cluster.database(harness.wide_roster(folder, OFFICES, 20))
    try:
        if analysed:
            database.query('VACUUM ANALYZE')
        server = sink()
        daemon = vacd(database, server, poll_ms=5000)
        wait_for(lambda: 'daemon works' in daemon.log() and database.value('SELECT count(*) >= 4 FROM vac_store.heartbeat'), 60, 'its first turns')
        read, total, before = [], 0, rest(database, server, 0)
        for count in (100, 500):
            total += count
            with database.connect() as connection, connection.transaction():
                for number in range(count):
                    connection.execute("SELECT vac.open_case(%s, 'en')", (OFFICES[number % len(OFFICES)][0],))
            after = rest(database, server, total)
            read.append({table: (after[table] - before.get(table, 0)) / count for table in after})
            before = after
        grown = {table: [round(some.get(table, 0)) for some in read] for table in read[1]
                 if read[1][table] > 20 + 1.5 * read[0].get(table, 0)}
        assert not grown, f'rows read for a case, of 100 and of 500: {grown}'
    finally:
        database.drop()
