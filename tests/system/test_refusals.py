"""A mail server that refuses one recipient after the other is not believed for long: else one coordinator
after the other would be passed over, until nobody is left."""

import harness

WITHIN = 120   # seconds, for whatever must happen soon
MESSAGES = 8
BELIEVED = 3


def queue(database):
    for number in range(MESSAGES):
        database.value("SELECT vac_daemon.queue_probe(%s, 'A Person')", f'person{number}@agency.example.org')


def states(database):
    return dict(database.query('SELECT state, count(*)::integer FROM vac_store.message GROUP BY state'))


def hurry(database):
    database.query("UPDATE vac_store.message SET not_before = clock_timestamp() WHERE state = 'queued' RETURNING message_id")


def wait_states(database, expected):
    harness.wait_for(lambda: states(database) == expected, WITHIN, f'{expected}, not {states(database)}')


def test_refusals_of_everybody_are_repeated_first(database, sink, vacd):
    mail = sink(hard=100)
    vacd(database, mail, poll_ms=200)
    harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.mail_identity'), WITHIN, 'the daemon')
    queue(database)
    wait_states(database, {'refused': BELIEVED, 'queued': MESSAGES - BELIEVED})
    alarm = harness.wait_for(lambda: database.value("SELECT text FROM vac_store.alarm WHERE name = 'mail_refusals'"),
                             WITHIN, 'alarm mail_refusals')
    assert alarm.startswith('5')
    mail.stop()
    mail.start(hard=0)
    hurry(database)
    wait_states(database, {'refused': BELIEVED, 'sent': MESSAGES - BELIEVED})
    harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.alarm') == 0, WITHIN, 'end of the alarm')


def test_a_refusal_that_is_repeated_is_believed(database, sink, vacd):
    vacd(database, sink(hard=100), poll_ms=200)
    harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.mail_identity'), WITHIN, 'the daemon')
    queue(database)
    for attempt in range(1, 4):
        harness.wait_for(lambda: database.value("""SELECT count(*) FROM vac_store.message
            WHERE state = 'queued' AND attempts = %s""", attempt) == MESSAGES - BELIEVED, WITHIN, f'attempt {attempt}')
        hurry(database)
    wait_states(database, {'refused': MESSAGES})
