"""The soak in its shortest form: a few days of everything at once, and then so much time that policies remove it
all. And that its judges see what grows."""

import collections

import pytest

import soak_record
import soak_watch
from soak import Soak
from year_people import DAY


@pytest.fixture
def soak(folder, cluster, certs):
    made = Soak(folder, cluster, certs, seed=7, cases_a_day=4, offices=2, step=60, rubbish_a_day=3, bustle=0.4)
    yield made
    made.close()


def end_all(soak):
    for (code,) in soak.query("SELECT case_code FROM vac_store.case_record WHERE state = 'open' ORDER BY case_id"):
        soak.supervisors.verb("vac.withdraw_case(%s, 'resolved')", code)
    for code, kind in soak.query('SELECT c.case_code, k.kind FROM vac_store.clock k JOIN vac_store.case_record c USING (case_id) WHERE k.running'):
        soak.supervisors.verb('vac.tick_clock(%s, %s)', code, kind)
    soak.supervisors.listed_mail()


def test_some_days_and_then_a_hundred(soak):
    soak.run(2)
    soak.reload()
    soak.restart_postgresql('fast')
    soak.wind_up(step=240)
    end_all(soak)
    soak.come_to_rest()
    soak.clock.set(soak.clock.at + 100 * DAY)
    lines, problems = soak.judge()
    assert not problems, '\n'.join(lines + problems[:20])
    counts = soak.counts
    assert counts['cases'] > 3 and counts['mails out'] > 20 and counts['mails in'] > 5 and counts['rubbish by mail'] > 3, counts
    assert soak.record.gone['case_record'] == counts['cases'] and soak.query('SELECT count(*) FROM vac_store.case_record') == [(0,)], 'all are gone'
    assert soak.query("SELECT sum((detail ->> 'cases')::integer) FROM vac_store.history WHERE event = 'cases_removed'") == [(counts['cases'],)]
    for table in ('request', 'appointment', 'decision', 'answer', 'clock'):
        assert soak.query(f'SELECT count(*) FROM vac_store.{table}') == [(0,)], table


# ---- the judges ----------------------------------------------------------------------------------

Watched = collections.namedtuple('Watched', 'looks at_rest connections tables days')


def look(kib=5000, sockets=10, readers=1, threads=1):
    return soak_watch.Look(0, kib, 4000, readers, threads, collections.Counter(socket=sockets, pipe=2))


def judgements(looks, at_rest=None, connections=({'vacd': 9}, {'vacd': 9}), tables=(), every=20):
    """(lines, problems) of memory, descriptors, connections and tables, which are measured every so many days."""
    watch = Watched({'one': looks}, {'one': at_rest or [look(), look()]}, list(connections), list(tables), [1 + every * n for n in range(len(tables))])
    return [soak_watch.memory(watch), soak_watch.descriptors(watch, 5), soak_watch.connections(watch),
            soak_watch.tables(watch, {soak_watch.CASES: 90, soak_watch.QUEUE: 0})]


def judged(*args, **more):
    return [problem for _, problems in judgements(*args, **more) for problem in problems]


def test_what_grows_is_seen():
    flat = [look()] * 400
    assert judged(flat) == []
    assert judged([look(kib=n * 200) for n in range(100)] + [look(kib=20000)] * 300) == [], 'warming up'
    assert 'memory of one grows' in judged([look(kib=5000 + 6 * n) for n in range(400)])[0]
    assert 'of kind socket at the end' in judged(flat, [look(), look(sockets=11)])[0]
    assert 'had 24 descriptors' in judged([*flat, look(sockets=22)])[0]
    assert 'threads' in judged(flat, [look(), look(threads=2)])[0]
    assert 'readers' in judged(flat, [look(), look(readers=2)])[0]
    assert '10 connections of vacd' in judged(flat, connections=({'vacd': 9}, {'vacd': 10}))[0]
    steady = [{'request': (5000, 1 << 22), 'unsealed': (0, 8192)} for _ in range(12)]
    assert judged(flat, tables=steady) == []
    assert 'table request' in judged(flat, tables=[{'request': (n * 1000, 1 << 22)} for n in range(12)])[0]
    assert 'table request' in judged(flat, tables=[{'request': (5000, 1 << (20 + n))} for n in range(12)])[0]
    assert 'nobody has said' in judged(flat, tables=[{'novelty': (1, 1)}] * 12)[0]


def test_what_is_not_judged_is_said():
    growing = [{'request': (n * 1000, 1 << 22), 'unsealed': (n * 1000, 8192)} for n in range(12)]
    (memory, _), _, _, (tables, problems) = judgements([look()] * 399, tables=growing, every=5)
    assert memory == ['memory of one not judged: 399 looks']
    assert tables[0] == 'tables not judged: 56 days are too few for keep_cases'
    assert len(problems) == 1 and 'table unsealed' in problems[0], 'a queue is judged at once'
    assert judgements([look()] * 400, tables=growing[:1])[3][0][0] == 'tables not judged: 1 days are too few for a queue, empty at rest; keep_cases'


def test_what_is_gone_too_soon_is_seen(database):
    with database.connect() as connection:
        connection.execute("INSERT INTO vac_store.office (code, name, time_zone, telephone) VALUES ('SEA', 'Seattle', 'America/Los_Angeles', '+1 206 555 0100')")
        now = connection.execute("SELECT now()").fetchone()[0]
        add = '''INSERT INTO vac_store.case_record (case_code, office_id, language, state, opened_at, ended_at)
            SELECT %s, office_id, 'en', %s, now() - interval '200 days', now() - %s * interval '1 day' FROM vac_store.office'''
        for code, state, days in (('AAA-AAA', 'closed', 100), ('AAA-AAB', 'closed', 80), ('AAA-AAC', 'open', None)):
            connection.execute(add, (code, state, days))
        record = soak_record.Record({'cases': 90})
        assert record.update(connection, now) == []
        connection.execute("DELETE FROM vac_store.case_record WHERE case_code = 'AAA-AAA'")
        assert record.update(connection, now) == []
        for code in ('AAA-AAB', 'AAA-AAC'):
            connection.execute('DELETE FROM vac_store.case_record WHERE case_code = %s', (code,))
            problem, = record.update(connection, now)
            assert f'case {code} is gone' in problem
        assert record.codes == {'AAA-AAA', 'AAA-AAB', 'AAA-AAC'}, 'the checker still knows them'
