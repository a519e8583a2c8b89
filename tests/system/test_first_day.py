"""A daemon that began on empty tables has made its plans of statements then: what it reads for a case must not grow with the
pile, nor with what there is already. Autovacuum, which would have the plans made anew some time, is off."""

import pytest

import harness
from harness import wait_for

OFFICES = [(f'O{number:02}', ('America/Los_Angeles', 'America/New_York')[number % 2]) for number in range(16)]
# Of each table, generations together: what was read, and what came into it.
READ = r"""SELECT regexp_replace(relname, '_\d+$', ''), sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint, sum(n_tup_ins)::bigint
    FROM pg_stat_user_tables WHERE schemaname = 'vac_store' GROUP BY 1"""
AT_REST = """SELECT NOT EXISTS (SELECT FROM vac_store.message WHERE waiting)
    AND NOT EXISTS (SELECT FROM vac_store.appointment WHERE state = 'invited' AND answer_by IS NULL)
    AND NOT EXISTS (SELECT FROM vac_store.unsealed)"""


def rest(database, server, sent):
    """Everything is sent, every window open, and the counts of what was read are all in."""
    wait_for(lambda: len(server.copies()) >= sent, 120, f'{sent} mails')
    with database.connect() as connection:
        # By indexes: what we read is counted, too.
        connection.execute('SET enable_seqscan = off')
        wait_for(lambda: connection.execute(AT_REST).fetchone()[0], what='open windows', every=1)
    # A backend that fell silent soon after it told of what it had read tells of the rest ten seconds later.
    database.query('SELECT pg_sleep(11)')
    return {table: (rows, new) for table, rows, new in database.query(READ)}


# Cases that come at once, each time in how many offices. The first and the last time are compared: more of them in the same offices;
# and as many, when others have many already.
@pytest.mark.parametrize('analysed, bursts', [(True, [(120, OFFICES[:6]), (960, OFFICES[12:]), (120, OFFICES[6:12])]),
                                              (False, [(100, OFFICES[:2]), (500, OFFICES[:2])])])
def test_what_is_read_for_a_case_does_not_grow(cluster, folder, vacd, sink, analysed, bursts):
    database = cluster.database(harness.wide_roster(folder, OFFICES, 20))
    try:
        with cluster.setting(autovacuum='off'):
            if analysed:
                database.query('VACUUM ANALYZE')
            server = sink()
            daemon = vacd(database, server, poll_ms=5000)
            wait_for(lambda: 'daemon works' in daemon.log() and database.value('SELECT count(*) >= 4 FROM vac_store.heartbeat'), what='its first turns')
            read, total, before = [], 0, rest(database, server, 0)
            for count, offices in bursts:
                total += count
                with database.connect() as connection, connection.transaction():
                    for number in range(count):
                        connection.execute("SELECT vac.open_case(%s, 'en')", (offices[number % len(offices)][0],))
                after = rest(database, server, total)
                read.append({table: (rows - before[table][0]) / count for table, (rows, new) in after.items() if new > before[table][1]})
                before = after
        grown = {table: [round(some.get(table, 0)) for some in read] for table in read[-1]
                 if read[-1][table] > 20 + 1.5 * read[0].get(table, 0)}
        assert not grown, f'rows read for a case, each time: {grown}'
    finally:
        database.drop()
