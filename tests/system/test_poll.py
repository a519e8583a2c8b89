"""How the stages hear of work: by a notification, by the slow poll that asks once for all of them, and by themselves
when that has no answer; and what a daemon asks that has nothing to do."""

import collections
import time

import pytest

import harness
import test_answer
from harness import wait_for

# What is asked of the database, by any stage.
ASKED = """SELECT funcname, calls FROM pg_stat_user_functions WHERE schemaname = 'vac_daemon'"""
CLAIMS = {'claim_groups', 'claim_messages', 'claim_inbound', 'pass_time', 'seal'}
WITHIN = {'next_dispatch', 'next_message', 'next_inbound', 'next_deadline', 'next_seal'}
# What may be wrong with the slow poll. One that hangs is ended after a while by the statement's own limit.
FORGETS, HANGS, FAILS = 'RETURN', 'PERFORM pg_sleep(3600)', "RAISE 'no answer'"
# Before a stage looks by itself whose polls are a minute apart and have no answer.
SOON_S = 100


@pytest.fixture
def office(cluster, folder):
    made = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles')], 3))
    yield made
    made.drop()


def deafen(database):
    """Nobody is notified of anything: this one stands before that of pg_catalog where our functions look."""
    database.query("CREATE FUNCTION vac_store.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''")


def silence(database, what):
    """The slow poll has no answer."""
    database.query(f"""CREATE OR REPLACE FUNCTION vac_daemon.next_work(daemon_id uuid, stages text[])
        RETURNS TABLE (stage text, next_ms bigint) LANGUAGE plpgsql AS $$ BEGIN {what}; END $$""")


def at_work(database, vacd, server, **settings):
    """A daemon that has looked at everything once, and found nothing."""
    daemon = vacd(database, server, **settings)
    wait_for(lambda: 'daemon works' in daemon.log() and database.value('SELECT count(*) >= 4 FROM vac_store.heartbeat'), what='its first turns')
    return daemon


def asked(database):
    return dict(database.query(ASKED))


def full_circle(database, server):
    """A case is opened, planned, mailed, its window opened, and its answer taken: each stage has heard of its work."""
    _, (invitation,) = test_answer.invited(database, server, seconds=SOON_S)
    wait_for(lambda: database.value('SELECT answer_by IS NOT NULL FROM vac_store.appointment'), SOON_S, 'its window')
    number = test_answer.receive(database, invitation.organizer, invitation.answer('thunderbird', 'accepted'))
    assert test_answer.outcome(database, number, SOON_S)[:2] == ('done', 'taken')


def is_sealed(database):
    return database.value('SELECT NOT EXISTS (SELECT FROM vac_store.unsealed) AND EXISTS (SELECT FROM vac_store.sealed)')


def twelve_polls(database):
    """How often what was asked in the time of twelve polls, and how long that was. Counts are told of a second late, and
    those of a connection that then says nothing ten: of the last of these a stage's own are known."""
    before, begun = asked(database), time.monotonic()
    wait_for(lambda: asked(database)['next_work'] >= before['next_work'] + 12, 120, 'twelve polls')
    return collections.Counter(asked(database)) - collections.Counter(before), time.monotonic() - begun


def test_a_daemon_with_nothing_to_do_asks_once_a_poll(office, sink, vacd):
    office.query(f"ALTER DATABASE {office.name} SET track_functions = 'pl'")
    server = sink()
    at_work(office, vacd, server, poll_ms=500)
    full_circle(office, server)
    wait_for(lambda: CLAIMS <= set(asked(office)), what='all that stages do')
    # What was begun is ended first.
    for _ in range(5):
        more, seconds = twelve_polls(office)
        others = set(more) - WITHIN - {'next_work', 'beat'}
        if not others:
            break
    assert not others, more
    assert max(more.values()) <= 2 * seconds + 5, (more, seconds)
    assert more['beat'] <= seconds / 8 + 3, (more, seconds)


def test_each_stage_hears_of_its_work_by_notification(office, sink, vacd):
    silence(office, FORGETS)
    server = sink()
    at_work(office, vacd, server, poll_ms=60000)
    full_circle(office, server)


def test_what_no_notification_told_of_is_found_by_the_poll(office, sink, vacd):
    deafen(office)
    server = sink()
    at_work(office, vacd, server, poll_ms=300)
    full_circle(office, server)
    wait_for(lambda: is_sealed(office), what='the seal')


@pytest.mark.parametrize('what', [FORGETS, HANGS, FAILS])
def test_a_poll_without_an_answer_stops_no_stage(office, sink, vacd, what):
    deafen(office)
    silence(office, what)
    server = sink()
    daemon = at_work(office, vacd, server, poll_ms=300)
    full_circle(office, server)
    wait_for(lambda: is_sealed(office), what='the seal')
    assert what != FAILS or 'call=next_work' in daemon.log()
    assert 'stages make no turns' not in daemon.log()


def test_what_is_due_between_two_polls_is_done_when_it_is_due(office, sink, vacd):
    deafen(office)
    server = sink()
    at_work(office, vacd, server, poll_ms=10000)
    codes, _ = test_answer.invited(office, server, 4)
    wait_for(lambda: office.value('SELECT bool_and(answer_by IS NOT NULL) FROM vac_store.appointment'), what='the windows')
    # Not before the next poll, which hears of them all. Polls alone, of which at most one comes between the first and the
    # last, would need two transactions; a machine that stands still for a while may make one of two.
    office.query("""UPDATE vac_store.clock k SET next_at = clock_timestamp() + interval '10 seconds' + n.n * interval '3 seconds'
        FROM (SELECT clock_id, row_number() OVER (ORDER BY clock_id) AS n FROM vac_store.clock) n WHERE n.clock_id = k.clock_id""")
    moved = "SELECT count(*), count(DISTINCT xmin::text) FROM vac_store.clock WHERE next_at > clock_timestamp() + interval '1 minute'"
    wait_for(lambda: office.query(moved)[0][0] == len(codes), what='warnings of all clocks')
    assert len(codes) == 4 and office.query(moved)[0][1] > 2, 'each by itself'
