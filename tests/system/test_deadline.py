"""Time passes: windows and lapses on a running daemon, times without one, a copy, several at once."""

import re
import threading

import pytest

import harness
import test_locks

OFFICE = [('SEA', 'America/Los_Angeles')]


def hurry(database, **seconds):
    """Policies of so many seconds, whatever they count else."""
    for name, length in seconds.items():
        database.query("UPDATE vac_store.policy SET kind = 'seconds', value = %s WHERE name = %s", str(length), name)


def small_database(cluster, folder, coordinators):
    return cluster.database(harness.wide_roster(folder, OFFICE, coordinators))


def open_case(database, urgency='urgent'):
    # Not before the day after tomorrow, so that no window is cut short by the start.
    return database.as_login('sup_all').value(
        "SELECT vac.open_case('SEA', 'en', urgency => %s, window_from => CASE WHEN %s <> 'immediate' "
        "THEN date_trunc('day', now()) + interval '2 days' END)", urgency, urgency)


def standing(database, code):
    """How the appointments of a case stand, in the order in which they were made."""
    return [row[0] for row in database.query('''SELECT a.state FROM vac_store.appointment a
        JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = %s ORDER BY a.appointment_id''', code)]


def mails(server, code):
    """Recipient and kind of each mail about a case that the mail server took, in that order."""
    found = []
    for copy in server.copies():
        if copy.ending != 'taken':
            continue
        text = copy.path.read_text(errors='replace')
        subject = re.search(r'^Subject: (.*)$', text, re.M).group(1)
        if code in subject:
            found.append((copy.recipients[0].split('@')[0], subject.split(':')[0] if ': ' in subject.split(code)[0] else 'Case'))
    return found


def remind_and_end(database, server, code):
    """Whoever is invited now is reminded, and then their window ends, however long it takes to remind them."""
    harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.appointment WHERE live AND remind_at IS NOT NULL'), what='a window')
    seen = mails(server, code)
    database.query('UPDATE vac_store.appointment SET remind_at = clock_timestamp(), window_at = clock_timestamp() WHERE live')
    harness.wait_for(lambda: 'Reminder' in [kind for _, kind in mails(server, code)[len(seen):]], what='a reminder')
    database.query('UPDATE vac_store.appointment SET answer_by = clock_timestamp(), window_at = clock_timestamp() WHERE live')


def test_nobody_answers(cluster, folder, sink, vacd):
    """Each is asked, reminded, and replaced when the next one is there; the last one stays."""
    database = small_database(cluster, folder, 3)
    hurry(database, notice_again=3600)
    server = sink()
    vacd(database, server, poll_ms=200)
    code = open_case(database)
    for lapses in range(3):
        harness.wait_for(lambda: standing(database, code) == lapses * ['lapsed'] + ['invited'], what=f'{lapses} lapses')
        remind_and_end(database, server, code)
    harness.wait_for(lambda: database.value('SELECT unserved_since FROM vac_store.request'), what='the end of all search')
    assert standing(database, code) == ['lapsed', 'lapsed', 'invited'], 'who is the last stays'
    assert database.value('SELECT state FROM vac_store.request') == 'planned'
    assert database.value('SELECT count(DISTINCT coordinator_id) FROM vac_store.appointment') == 3
    # At no moment was there nobody: the old one ends with the transaction that stores the new one.
    assert database.query('''SELECT o.xmin = n.xmin FROM vac_store.history o
        JOIN vac_store.history n ON n.appointment_id = o.appointment_id + 1 AND n.event = 'request_planned'
        WHERE o.event = 'appointment_cancelled' ''') == [(True,), (True,)]
    harness.wait_for(lambda: database.value("SELECT count(*) = 0 FROM vac_store.message WHERE waiting"), what='all mail sent')
    seen = mails(server, code)
    for (who,) in database.query('''SELECT lower(k.code) FROM vac_store.appointment a
            JOIN vac_store.coordinator k USING (coordinator_id) ORDER BY a.appointment_id'''):
        kinds = [kind for name, kind in seen if name == who]
        assert kinds == ['Case', 'Reminder', 'Cancelled'][:len(kinds)] and len(kinds) >= 2, (who, kinds)
    subjects = [row[0] for row in database.query("SELECT DISTINCT subject FROM vac_store.message WHERE kind = 'notice'")]
    assert 'SEA: nobody has accepted' in subjects and 'SEA: nobody found' in subjects
    # What a plan replaced was no meeting of its case to it: the planner and the view reckon alike.
    costs = database.query('''SELECT p.plan_id, p.cost, (SELECT sum(l.cost)::bigint FROM vac_store.plan_lines(p.plan_id) l)
        FROM vac_store.plan p WHERE p.requests > p.unserved''')
    assert len(costs) >= 3 and all(cost == again for _, cost, again in costs), costs
    # A late answer of what still stands counts.
    last = database.value("SELECT k.code FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id) WHERE a.live")
    database.as_login('sup_all').query('SELECT vac.confirm(%s, %s)', code, last)
    assert standing(database, code) == ['lapsed', 'lapsed', 'accepted']
    assert not database.value('SELECT to_plan FROM vac_store.request')
    database.drop()


def test_a_reminder_that_fails_is_in_the_daemons_log(cluster, folder, sink, vacd):
    """One line for many attempts, and what else is due is done meanwhile."""
    database = small_database(cluster, folder, 2)
    server = sink()
    daemon = vacd(database, server, poll_ms=200)
    codes = [open_case(database), open_case(database)]
    harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.appointment WHERE live AND remind_at IS NOT NULL') == 2, what='windows')
    stuck = database.value('SELECT a.appointment_id FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) '
                           'WHERE a.live AND c.case_code = %s', codes[0])
    database.query('''CREATE SEQUENCE public.tried;
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN
                PERFORM nextval('public.tried');
                RAISE EXCEPTION E'no "reminder"\n<3>of this' USING ERRCODE = 'P0123', DETAIL = 'Failing row contains (of a person).';
            END $$''')
    database.query(f'''CREATE TRIGGER refuse BEFORE INSERT ON vac_store.message FOR EACH ROW
        WHEN (NEW.kind = 'reminder' AND NEW.appointment_id = {stuck}) EXECUTE FUNCTION public.refuse()''')
    database.query('UPDATE vac_store.appointment SET remind_at = clock_timestamp(), window_at = clock_timestamp() WHERE live')
    harness.wait_for(lambda: 'Reminder' in [kind for _, kind in mails(server, codes[1])], what='the reminder of the other')
    harness.wait_for(lambda: database.value('SELECT last_value FROM public.tried') >= 3, what='three attempts')
    said = [line.split(' warning ')[1] for line in daemon.log().splitlines() if 'work not done' in line]
    assert said == [f'work not done what=window appointment={stuck} sqlstate=P0123 why="no \'reminder\' <3>of this" untold=0']
    assert 'of a person' not in daemon.log()
    database.query('DROP TRIGGER refuse ON vac_store.message')
    harness.wait_for(lambda: 'Reminder' in [kind for _, kind in mails(server, codes[0])], what='the reminder, after all')
    database.drop()


def test_a_call_out_goes_to_the_next_in_line(cluster, folder, sink, vacd):
    database = small_database(cluster, folder, 3)
    hurry(database, answer_window=3)
    server = sink()
    vacd(database, server, poll_ms=200)
    code = open_case(database, 'immediate')
    harness.wait_for(lambda: standing(database, code)[:2] == ['invited', 'invited'], what='the next in line')
    assert database.value("SELECT count(*) FROM vac_store.message WHERE kind = 'cancel'") == 0
    second = database.value('''SELECT k.code FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id)
        ORDER BY a.appointment_id DESC LIMIT 1''')
    database.as_login('sup_all').query('SELECT vac.confirm(%s, %s)', code, second)
    states = standing(database, code)
    assert states.count('accepted') == 1 and set(states) <= {'accepted', 'replaced'}, states
    harness.wait_for(lambda: ('Cancelled' in [kind for _, kind in mails(server, code)]), what='CANCEL to the other')
    assert not database.value('SELECT to_plan FROM vac_store.request')
    database.drop()


def test_no_window_runs_while_no_daemon_does(cluster, folder, sink, vacd):
    database = small_database(cluster, folder, 3)
    hurry(database, answer_window=120, outage_grace=0)
    server = sink()
    daemon = vacd(database, server, poll_ms=200)
    code = open_case(database)
    harness.wait_for(lambda: database.value('SELECT answer_by FROM vac_store.appointment'), what='a window')
    daemon.kill()
    # An hour goes by, for all that is in the database.
    database.query("UPDATE vac_store.presence SET seen_at = seen_at - interval '1 hour'")
    database.query('''UPDATE vac_store.appointment SET window_from = window_from - interval '1 hour', answer_by = answer_by - interval '1 hour',
        remind_at = remind_at - interval '1 hour', window_at = window_at - interval '1 hour' ''')
    assert database.value('SELECT answer_by < now() FROM vac_store.appointment')
    daemon.start()
    harness.wait_for(lambda: database.value("SELECT count(*) FROM vac_store.history WHERE event = 'window_longer'"), what='a longer window')
    began, ended = database.query('SELECT began, ended FROM vac_store.outage')[0]
    assert 3590 < (ended - began).total_seconds() < 4200
    window, left = database.query('''SELECT a.answer_by - a.window_from, a.answer_by - o.ended FROM vac_store.appointment a, vac_store.outage o''')[0]
    assert 3600 < window.total_seconds() < 4320 and 0 < left.total_seconds() <= 121
    assert standing(database, code) == ['invited']
    assert database.value('SELECT seek_since FROM vac_store.request') is None
    # It ends all the same.
    database.query("UPDATE vac_store.appointment SET answer_by = answer_by - interval '110 seconds', window_at = window_at - interval '110 seconds'")
    harness.wait_for(lambda: standing(database, code)[0] == 'lapsed', what='its end')
    database.drop()


def test_a_copy_sends_nothing_before_it_is_adopted(cluster, folder, sink, vacd):
    database = small_database(cluster, folder, 3)
    server = sink()
    daemon = vacd(database, server, poll_ms=200)
    code = open_case(database)
    harness.wait_for(lambda: database.value("SELECT count(*) FROM vac_store.message WHERE state = 'sent'"), what='an invitation')
    assert daemon.stop() == 0
    assert harness.run_vacd('adopt', config=daemon.config).returncode == 1, 'nothing to adopt'
    copy = cluster.copy(database)
    other = sink()
    second = vacd(copy, other, poll_ms=200)
    harness.wait_for(lambda: 'nothing is sent' in second.log(), what='a line in the log')
    extra = open_case(copy)
    harness.wait_for(lambda: standing(copy, extra) == ['invited'], what='a plan')
    status = harness.run_vacd('status', config=second.config)
    assert status.returncode == 2 and 'vacd adopt' in status.stdout
    assert copy.value("SELECT count(*) FROM vac_store.message WHERE state = 'queued'") > 0
    assert other.copies() == []
    done = harness.run_vacd('adopt', config=second.config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '2 appointments' in done.stdout
    harness.wait_for(lambda: copy.value("SELECT count(*) = 0 FROM vac_store.message WHERE waiting"), what='all mail sent')
    assert copy.query('SELECT DISTINCT sequence FROM vac_store.appointment') == [(100,)]
    assert {kind for _, kind in mails(other, code)} == {'Changed'}
    harness.wait_for(lambda: 'mail is sent again' in second.log(), what='a line in the log')
    assert harness.run_vacd('adopt', config=second.config).returncode == 1
    assert second.stop() == 0
    copy.drop()
    database.drop()


def test_usage(folder, database):
    path = harness.write_config(folder / 'adopt.conf', database=database.conninfo('vacd'))
    assert harness.run_vacd('adopt', 'now', config=path).returncode == 64
    done = harness.run_vacd('adopt', config=path)
    assert done.returncode == 1 and 'nothing to adopt' in done.stdout


# ---- several at once -----------------------------------------------------------------------------

@pytest.fixture
def world(database):
    made = test_locks.World(database)
    yield made
    made.close()


def invited(world, who, day):
    """A request that somebody holds, whose window has just ended."""
    request = world.ask()
    assert world.store(world.choose(request, who, day=day)) == ['stored']
    return request


def end_windows(world):
    world.admin.execute('INSERT INTO presence (seen_at) VALUES (now()) ON CONFLICT (one) DO UPDATE SET seen_at = now()')
    world.admin.execute("UPDATE appointment SET window_from = now() - interval '2 days', answer_by = now() - interval '1 second', "
                        "remind_at = NULL, window_at = now() - interval '1 second', send_by = NULL WHERE live")


def pass_time(world, daemon=None):
    for _ in range(50):
        ms, = (daemon or world.daemon).execute('SELECT next_ms FROM vac_daemon.pass_time(%s, 10)', (world.me,)).fetchone()
        if ms != 0:
            return ms
    raise AssertionError('time does not come to rest')


def seeking(world):
    return [row[0] for row in world.admin.execute('SELECT request_id FROM request WHERE seek_since IS NOT NULL ORDER BY 1')]


@pytest.mark.parametrize('held', ["SELECT FROM request WHERE request_id = {} FOR UPDATE",
                                  "SELECT FROM appointment WHERE request_id = {} FOR UPDATE",
                                  "SELECT FROM case_record JOIN request USING (case_id) WHERE request_id = {} FOR UPDATE OF case_record"])
def test_what_somebody_holds_stops_nothing_else(world, held):
    one, other = invited(world, 'ANNE', 4), invited(world, 'BEN', 4)
    end_windows(world)
    somebody = world.supervisor()
    somebody.execute(held.format(one))
    ms = pass_time(world)
    assert seeking(world) == [other]
    assert 0 < ms <= 5000, 'what is held is looked at again soon, but not at once'
    somebody.rollback()
    pass_time(world)
    assert seeking(world) == [one, other]
    somebody.close()


def test_an_acceptance_before_the_replacement(world):
    """It is being accepted while the plan of a replacement is stored: the plan waits, and then comes too late."""
    request = invited(world, 'ANNE', 4)
    end_windows(world)
    pass_time(world)
    somebody = world.supervisor()
    somebody.execute('SELECT FROM request WHERE request_id = %s FOR NO KEY UPDATE', (request,))
    somebody.execute("UPDATE appointment SET state = 'accepted' WHERE request_id = %s", (request,))
    replacement = world.choose(request, 'BEN')
    assert world.store(replacement) == ['refused request_locked']
    somebody.commit()
    assert world.store(replacement) == ['gone']
    assert world.value("SELECT string_agg(state, ', ') FROM appointment WHERE request_id = %s", request) == 'accepted'
    somebody.close()


def test_a_replacement_before_the_acceptance(world):
    request = invited(world, 'ANNE', 4)
    end_windows(world)
    pass_time(world)
    assert world.store(world.choose(request, 'BEN')) == ['stored']
    assert world.value("SELECT string_agg(state, ', ' ORDER BY appointment_id) FROM appointment WHERE request_id = %s", request) == 'lapsed, invited'
    assert world.states(request).count('cancel') == 1


def test_many_at_once_do_each_thing_once(world):
    for day in range(4, 12):
        for who, at in (('ANNE', '09:00'), ('ANNE', '13:00'), ('BEN', '09:00'), ('BEN', '13:00')):
            request = world.ask()
            world.admin.execute("UPDATE coordinator SET max_open_cases = 500, weekly_minutes = 10000")
            assert world.store(world.choose(request, who, day=day, at=at)) == ['stored']
    world.admin.execute("UPDATE message SET state = 'sent', sent_at = now(), ever_claimed = true WHERE kind = 'invitation'")
    world.admin.execute('INSERT INTO presence (seen_at) VALUES (now())')
    pass_time(world)
    assert world.value('SELECT count(*) FROM appointment WHERE answer_by IS NOT NULL') == 32
    world.admin.execute("UPDATE appointment SET remind_at = now(), window_at = now()")
    daemons = [world.new_daemon() for _ in range(4)]
    threads = [threading.Thread(target=pass_time, args=(world, daemon)) for daemon in daemons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pass_time(world)
    assert world.admin.execute('''SELECT count(*), count(DISTINCT appointment_id) FROM message
        WHERE kind = 'reminder' ''').fetchone() == (32, 32)
    for daemon in daemons:
        daemon.close()
