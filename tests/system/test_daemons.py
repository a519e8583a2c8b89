"""Several daemons on one database; a stranger's transaction."""

import time

import harness
import load


def worked(database, stage):
    """How many daemons made turns of that stage, by their heartbeats."""
    return database.value('SELECT count(*) FROM vac_store.heartbeat WHERE stage = %s AND turns > 0', stage)


def sent_by(daemon):
    return sum('message sent' in line for line in daemon.log().splitlines())


def test_two_daemons_share_the_work(cluster, folder, sink, vacd):
    database = load.database(cluster, folder)
    mail = sink(delay_ms=20)
    one, two = (vacd(database, mail, lease_ms=3000, poll_ms=300, log_level='debug') for _ in 'ab')
    codes = load.Load(database, load.cases(300, 60), rate=60, seed=5).start().finish()
    load.settle(database, [one, two])
    assert worked(database, 'dispatch') == 2 and worked(database, 'mailer') == 2
    assert one.stop() == 0 and two.stop() == 0
    facts = load.check_promises(database, mail.dir, codes)
    assert len({c.mail_uuid for c in facts.copies}) == len(facts.copies), 'something was sent twice'
    shares = [r[0] for r in database.query(
        "SELECT count(*) FROM vac_store.message WHERE state = 'sent' GROUP BY claimed_by")]
    assert len(shares) == 2 and min(shares) > 0, f'one did all the mail: {shares}'
    database.drop()


def test_a_newer_state_waits_for_the_outcome_of_the_older(cluster, folder, sink, vacd):
    """The mail server has the invitation and has not answered yet: the cancellation waits, in both daemons."""
    database = load.database(cluster, folder, coordinators=2)
    mail = sink(delay_ms=2000)
    for _ in 'ab':
        vacd(database, mail, lease_ms=10000, poll_ms=200)
    code = database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'es')")
    mail.wait(1)
    database.as_login('sup_all').query("SELECT vac.withdraw_case(%s, 'wish')", code)
    invitation, cancel = mail.wait(2)[:2]
    assert cancel.at - invitation.at >= 2, 'it went out while the older one was in flight'
    load.settle(database)
    load.check_promises(database, mail.dir, [code])
    database.drop()


HELD = '''
INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency,
                                   answer_handle, made_at)
SELECT r.request_id, r.case_id, r.office_id, p.coordinator_id, s.span, s.span, r.urgency,
       'aaaaaaaaaaaaa', clock_timestamp()
FROM vac_store.request r,
     (SELECT coordinator_id FROM vac_store.coordinator WHERE code = 'SEA-01') p,
     (SELECT tstzrange(now(), now() + interval '30 days') AS span) s
WHERE r.case_id = (SELECT case_id FROM vac_store.case_record WHERE case_code = %s)'''


def test_an_open_transaction_stops_nobody_else(cluster, folder, sink, vacd):
    """Somebody's psql holds an uncommitted appointment of one coordinator: the others' cases go on."""
    database = load.database(cluster, folder, coordinators=4)
    mail = sink()
    with database.connect() as supervisor:
        supervisor.autocommit = False
        code = database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'es')")
        supervisor.execute(HELD, (code,))
        daemon = vacd(database, mail, lease_ms=20000, poll_ms=500)
        codes = load.Load(database, load.cases(60, 30), rate=30, seed=12,
                          second_thoughts=False).start().finish()
        waiting = '''SELECT count(*) FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
                     JOIN vac_store.office o ON o.office_id = c.office_id
                     WHERE r.state = 'open' AND r.unserved_since IS NULL'''
        # The other offices are served at once; in Seattle whoever is not planned onto the blocked
        # coordinator is served as well.
        harness.wait_for(lambda: database.value(waiting + " AND o.code <> 'SEA'") == 0, 30,
                         'appointments of the other offices')
        served = '''SELECT count(*) FROM vac_store.appointment a JOIN vac_store.office o
                    ON o.office_id = a.office_id WHERE a.live AND o.code = 'SEA' '''
        harness.wait_for(lambda: database.value(served) > 0, 30, 'appointments in the same office')
        supervisor.rollback()
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    load.check_promises(database, mail.dir, [*codes, code])
    database.drop()
