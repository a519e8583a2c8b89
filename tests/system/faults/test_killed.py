"""vacd is killed at random moments while all of it is at work: cases come in, mail goes out, answers come in
and windows end. Nothing is lost, and nothing is done twice."""

import collections
import os
import random
import time

import answering
import harness
import load
import reader_client
from test_deadline import hurry

# So short that windows end while the daemons are killed; at the end so long that whoever answers does it in time.
WINDOW_S, LONG_WINDOW_S = 4, 7200


class Killer:
    """Kills one of some daemons at a random moment, again and again; each starts again at once."""

    def __init__(self, daemons, seed):
        self.daemons, self.random = daemons, random.Random(seed)
        self.readers = set()

    def kill(self):
        time.sleep(self.random.uniform(0.02, 0.75))
        daemon = self.random.choice(self.daemons)
        assert daemon.running(), daemon.log()[-3000:]
        self.readers.update(reader_client.children_of(daemon.pid))
        daemon.kill()
        daemon.start()

    def no_reader_is_left(self):
        return not any(os.path.exists(f'/proc/{pid}') for pid in self.readers)


def accepted_once_and_by_one(database):
    """What once_each() does not look at: nobody is barred without a reason, one is responsible, one accepted."""
    barred, gone = database.query(answering.BARS)[0]
    assert barred == gone, (barred, gone)
    assert not database.query(answering.RESPONSIBLE) and not database.query(answering.TWICE)


def a_window_ends(database, people):
    """Of a case that comes in, whose invitation nobody answers: all the others may have been answered in time. Its code."""
    silent, people.silent = people.silent, 100
    code = database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'en', urgency => 'routine')")
    harness.wait_for(lambda: database.value("SELECT count(*) FROM vac_store.appointment WHERE state = 'lapsed'"), 300, 'the end of a window')
    people.silent = silent
    return code


def test_killed_at_random_moments(cluster, folder, sink, vacd, record, full):
    kills, a_kill = (1000, 2) if full else (16, 4)
    cases = kills * a_kill
    database = load.database(cluster, folder, 36 if full else 12)
    hurry(database, answer_window=WINDOW_S)
    mail = sink(seed=12, soft=2, unsaid=2, cut=1, shut=1, delay_ms=3)
    sockets = [str(folder / f'lmtp{number}') for number in (1, 2)]
    daemons = [vacd(database, mail, lease_ms=1500, poll_ms=300, lmtp_socket=socket) for socket in sockets]
    people = answering.Coordinators(mail, answering.MailServer(sockets, 31), 32, silent=5).start()
    coming = load.Load(database, cases, rate=cases / (kills * 0.42), seed=33).start()
    killer = Killer(daemons, 34)
    for _ in range(kills):
        killer.kill()
    codes = coming.finish(kills * 2 + 600)
    codes.append(a_window_ends(database, people))
    hurry(database, answer_window=LONG_WINDOW_S)
    mail.stop()
    mail.start(soft=0, unsaid=0, cut=0, shut=0, delay_ms=0)
    answering.settle(database, daemons, people)
    mails = people.finish()
    assert [daemon.stop() for daemon in daemons] == [0, 0]
    facts = load.check_promises(database, mail.dir, codes, received=[m.message_id for m in mails for _ in range(m.kept)])
    problems = list(answering.once_each(database, mails))
    assert not problems, f'{len(problems)} problems\n' + '\n'.join(problems[:20])
    accepted_once_and_by_one(database)
    harness.wait_for(killer.no_reader_is_left, what='the end of the readers of what was killed')
    outcomes = collections.Counter(row[0] for row in database.query('SELECT outcome FROM vac_store.inbound'))
    lapsed = sum(a.state == 'lapsed' for a in facts.appointments)
    assert len(codes) == cases + 1 and sum(r.state == 'planned' for r in facts.requests) > cases * 0.7
    assert outcomes['taken'] > cases * 0.7 and outcomes['duplicate'] > 0 and lapsed > 0, 'too few for this test to say anything'
    record.fault('vacd, at a random moment', 'SIGKILL', kills)
    record.delivered += len(facts.copies)
    database.drop()
