"""The checker of the promises can fail: each promise is broken in doctored data and is found."""

import sys

import pytest

import checker
import harness
import load
from checker import Answer, Appointment, Copy, Decision, Event, Facts, Inbound, Message, Move, Request

UID = ['11111111-0000-4000-8000-00000000000%d' % n for n in range(4)]


def request(number, state='planned', reason=False, held=False, case_state='open'):
    return Request(number, f'AAA-AA{number}', case_state, held, state, reason)


def appointment(number, request_id, uid, coordinator=1, live=True, start=1000, sequence=0):
    return Appointment(number, request_id, uid, coordinator, f'c{coordinator}@example.org', live,
                       start, start + 4500, start, start + 3600, sequence)


def message(number, uid, method='REQUEST', sequence=0, state='sent', coordinator=1, claimed=True, claims=1):
    return Message(number, f'mail-{number}', method, uid, sequence, f'c{coordinator}@example.org', state,
                   claimed, claims)


def copy(number, mail, uid, method='REQUEST', sequence=0, coordinator=1, digest='d', start=1000):
    return Copy(number, f'mail-{mail}', f'c{coordinator}@example.org', digest, method, uid, sequence,
                start, start + 3600)


def good():
    """Two cases planned, one with a second copy and an answer; one cancelled; one that nobody could take."""
    return Facts(
        requests=[request(1), request(2), request(3, 'open', reason=True),
                  request(4, 'withdrawn', case_state='withdrawn')],
        appointments=[appointment(1, 1, UID[0]), appointment(2, 2, UID[1], 2),
                      appointment(3, 4, UID[2], 2, live=False)._replace(state='cancelled')],
        messages=[message(1, UID[0], claims=2), message(2, UID[1], coordinator=2),
                  message(3, UID[2], coordinator=2), message(4, UID[2], 'CANCEL', 1, coordinator=2)],
        copies=[copy(1, 1, UID[0]), copy(2, 2, UID[1], coordinator=2), copy(3, 1, UID[0]),
                copy(4, 3, UID[2], coordinator=2), copy(5, 4, UID[2], 'CANCEL', 1, coordinator=2)],
        cases=['AAA-AA1', 'AAA-AA2', 'AAA-AA3', 'AAA-AA4'],
        acknowledged=['AAA-AA1', 'AAA-AA4'],
        decisions=[Decision(1, 1, 1, False), Decision(2, 2, 1, False), Decision(3, None, 1, False), Decision(4, 3, 2, False)],
        events=[Event(1, 1, 'request_planned'), Event(2, 2, 'request_planned'), Event(4, 3, 'request_planned'),
                Event(4, 3, 'appointment_cancelled'), Event(1, 1, 'answer_accepted')],
        inbound=[Inbound(1, 'in-1', 'vacd+x@example.org', 'done', 'taken'), Inbound(2, 'in-1', 'vacd+x@example.org', 'done', 'duplicate'),
                 Inbound(3, 'in-2', 'vacd@example.org', 'listed', 'no_token')],
        answers=[Answer(1, 1, 1, 'ACCEPTED', 1)],
        received=['in-1', 'in-2', 'in-1'])


def test_nothing_is_found_in_good_data():
    assert checker.problems(good()) == []


def moved():
    """The same, but the first was moved from one o'clock to three, and its coordinator was told."""
    facts = good()
    facts.appointments[0] = appointment(1, 1, UID[0], start=8200, sequence=1)
    facts.messages.append(message(9, UID[0], sequence=1))
    facts.copies.append(copy(9, 9, UID[0], sequence=1, start=8200))
    facts.decisions.append(Decision(1, 1, 1, True))
    facts.moves.append(Move(1, 2, 8200, 8200))
    return facts


def test_nothing_is_found_where_one_was_moved():
    assert checker.problems(moved()) == []


@pytest.mark.parametrize('breakage, words', [
    (lambda f: change(f.copies, 5, starts=1000), 'says other times'),
    (lambda f: (f.messages.pop(), f.copies.pop()), 'has SEQUENCE 1, its newest message 1 0'),
    (lambda f: change(f.moves, 0, due=8199), 'was moved past its due time'),
    (lambda f: f.copies.append(copy(10, 1, UID[0])), 'got SEQUENCE 0'),
    (lambda f: change(f.decisions, -1, moved=False), 'plan 1 decided 2 times about request 1'),
])
def test_a_move_that_breaks_a_promise_is_found(breakage, words):
    facts = moved()
    breakage(facts)
    assert any(words in problem for problem in checker.problems(facts)), checker.problems(facts)


def call_out():
    """The same, but the first is a call-out that nobody has answered, and two are asked."""
    facts = good()
    change(facts.appointments, 0, urgency='immediate')
    facts.appointments.append(appointment(9, 1, UID[3], 3)._replace(urgency='immediate'))
    facts.messages.append(message(9, UID[3], coordinator=3))
    facts.copies.append(copy(9, 9, UID[3], coordinator=3))
    facts.decisions.append(Decision(1, 9, 2, False))
    facts.events.append(Event(1, 9, 'request_planned'))
    return facts


def test_of_a_call_out_two_are_asked_until_one_accepts():
    facts = call_out()
    assert checker.problems(facts) == []
    change(facts.appointments, 0, state='accepted')
    assert ['request 1 of case AAA-AA1 is planned and has 2 live appointments'] == checker.problems(facts)


def test_a_reminder_that_was_not_needed_is_no_newer_state():
    facts = good()
    facts.messages.append(message(9, UID[0], state='unneeded', claimed=False, claims=0))
    assert checker.problems(facts) == []


def test_about_a_case_on_hold_nobody_is_written_to():
    facts = good()
    facts.copies.pop(4)
    change(facts.messages, 3, state='suppressed', ever_claimed=False)
    assert checker.problems(facts) == []


@pytest.mark.parametrize('fields', [{'held': True}, {'case_state': 'closed', 'state': 'withdrawn'}])
def test_what_was_over_by_then_still_stands(fields):
    facts = good()
    change(facts.requests, 0, **fields, ended=4600)
    assert checker.problems(facts) == []
    facts.appointments.append(appointment(9, 1, UID[3], 3, start=1001))
    assert any('has 1 live appointment(s) that were not over by then' in problem for problem in checker.problems(facts))


MEETING = """
INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s.span, s.span, r.urgency, vac_store.handle(), now()
FROM vac_store.request r JOIN vac_store.case_record c USING (case_id) JOIN vac_store.coordinator k ON k.office_id = r.office_id AND k.code LIKE '%%-%s'
    CROSS JOIN LATERAL (SELECT tstzrange(now() - interval '4 hours', now() - %s * interval '1 minute') AS span) s WHERE c.case_code = '%s'
"""


@pytest.fixture
def office(cluster, folder):
    made = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles')], 7))
    yield made
    made.drop()


@pytest.mark.parametrize('over', [True, False])
def test_what_was_over_is_read_as_the_verbs_leave_it(office, over):
    """Of cases on hold, ended, merged when they had ended, and merged into one that is on hold or has ended."""
    def case(number):
        code = office.value("SELECT vac.open_case('SEA', language => 'en')")
        office.query(MEETING % (f'{number:02}', 180 if number == 1 else 1, code))
        office.query("UPDATE vac_store.request SET state = 'planned' WHERE case_id = (SELECT max(case_id) FROM vac_store.case_record)")
        return code

    def verb(name, code, *more):
        office.query(f'SELECT vac.{name}({", ".join(["%s"] * (2 + len(more)))})', code, *more, 'resolved')

    codes = [case(number) for number in range(1, 8)]
    for number in (0, 5, 6):
        verb('hold_case', codes[number])
    # Since before the others were over, which are merged into it.
    office.query("UPDATE vac_store.case_record SET held_since = held_since - interval '2 hours' WHERE case_code = %s", codes[0])
    for number in (1, 2, 3):
        verb('withdraw_case', codes[number])
    verb('merge_cases', codes[2], codes[4])
    verb('merge_cases', codes[3], codes[0])
    verb('merge_cases', codes[5], codes[6])
    verb('withdraw_case', codes[6])
    if not over:
        # As if they had been called off too late.
        office.query("UPDATE vac_store.appointment SET span = s.late, busy = s.late FROM (SELECT tstzrange(now() - interval '4 hours', now() + interval '3 minutes') AS late) s")
    with office.connect() as connection:
        facts = Facts(requests=[Request(*row) for row in connection.execute(checker.REQUESTS)],
                      appointments=[Appointment(*row) for row in connection.execute(checker.APPOINTMENTS)])
    assert len(facts.appointments) == 7 and all(a.live for a in facts.appointments)
    # The fifth is open, and so is its meeting, beside that of the third, which was withdrawn.
    assert len(list(checker.requests_settled(facts))) == (0 if over else 6)


def forwarded():
    """The first is a call-out; two were asked, and the second accepted with the invitation of the first."""
    facts = call_out()
    change(facts.appointments, 0, live=False, state='replaced')
    change(facts.appointments, 3, state='accepted')
    facts.messages.append(message(10, UID[0], 'CANCEL', 1))
    facts.copies.append(copy(10, 10, UID[0], 'CANCEL', 1))
    facts.events[4:5] = [Event(1, 1, 'appointment_cancelled'), Event(1, 9, 'answer_accepted')]
    facts.answers = [Answer(1, 1, 1, 'ACCEPTED', 3), Answer(1, 9, 1, 'ACCEPTED', 3)]
    return facts


@pytest.mark.parametrize('breakage, words', [
    (lambda f: f.answers.append(f.answers[0]), 'mail 1 gave 3 answers'),
    (lambda f: change(f.answers, 0, appointment_id=9), 'mail 1 gave 2 answers'),
    (lambda f: change(f.answers, 1, appointment_id=1), 'mail 1 gave 2 answers'),
    (lambda f: change(f.answers, 0, coordinator_id=2), 'mail 1 gave 2 answers'),
    (lambda f: change(f.answers, 0, request_id=2), 'mail 1 gave 2 answers'),
    (lambda f: change(f.answers, 0, partstat='TENTATIVE'), 'mail 1 gave 2 answers'),
    (lambda f: change(f.answers, 1, partstat='TENTATIVE'), 'mail 1 gave 2 answers'),
    (lambda f: [change(f.answers, n, partstat='DECLINED') for n in (0, 1)], 'mail 1 gave 2 answers'),
    (lambda f: f.answers.pop(1), 'appointment 1 was ACCEPTED by coordinator 3, who does not hold it'),
    (lambda f: f.events.pop(5), 'history does not know that appointment 9 was ACCEPTED'),
    (lambda f: f.events.append(f.events[5]), 'history knows 2 answers about request 1, 1 were taken'),
])
def test_accepted_with_anothers_invitation(breakage, words):
    facts = forwarded()
    assert checker.problems(facts) == []
    breakage(facts)
    assert any(words in problem for problem in checker.problems(facts)), checker.problems(facts)


@pytest.mark.parametrize('breakage, words', [
    (lambda f: change(f.appointments, 3, coordinator_id=4), 'appointment 1 was ACCEPTED by coordinator 3, who does not hold it'),
    (lambda f: f.events.remove(Event(None, 1, 'handed_over')), 'appointment 1 was ACCEPTED by coordinator 3, who does not hold it'),
    (lambda f: change(f.answers, 0, partstat='DECLINED'), 'appointment 1 was DECLINED by coordinator 3, who does not hold it'),
    (lambda f: f.answers.append(f.answers[0]), 'mail 1 gave 2 answers'),
    (lambda f: f.answers.append(Answer(1, 1, None, 'ACCEPTED', 1)), 'history does not know that appointment 1 was ACCEPTED'),
])
def test_handed_over_to_who_accepts(breakage, words):
    facts = forwarded()
    facts.answers.pop(1)
    facts.events += [Event(1, 9, 'handed_over'), Event(None, 1, 'handed_over')]
    assert checker.problems(facts) == []
    breakage(facts)
    assert any(words in problem for problem in checker.problems(facts)), checker.problems(facts)


def change(items, number, **fields):
    items[number] = items[number]._replace(**fields)


BREAKAGES = {
    'a case is lost': (
        lambda f: f.acknowledged.append('ZZZ-ZZZ'), 'was acknowledged and is not'),
    'a request without an appointment': (
        lambda f: change(f.appointments, 0, live=False), 'is planned and has 0 live'),
    'a request with two appointments': (
        lambda f: f.appointments.append(appointment(9, 1, UID[3], 3)), 'is planned and has 2 live'),
    'an open request without a reason': (
        lambda f: change(f.requests, 2, reason=False), 'no appointment and no stated reason'),
    'a withdrawn request with an appointment': (
        lambda f: (change(f.requests, 3, case_state='open'), change(f.appointments, 2, live=True, starts=9000, busy_from=9000, busy_to=9900)),
        'is held or withdrawn and has 1'),
    'a withdrawn case with an appointment': (
        lambda f: change(f.requests, 0, case_state='withdrawn', state='withdrawn', ended=4599), 'is held or withdrawn and has 1'),
    'a held case with an appointment': (
        lambda f: change(f.requests, 0, held=True, ended=4599), 'is held or withdrawn and has 1'),
    'a coordinator in two places': (
        lambda f: change(f.appointments, 1, coordinator_id=1, busy_from=5499), 'in two places'),
    'an invitation that never arrived': (
        lambda f: f.copies.pop(1), 'was never delivered'),
    'a newer state that never arrived': (
        lambda f: f.messages.append(message(9, UID[0], sequence=1, state='queued')), 'is queued, not sent'),
    'a state that nobody is told of': (
        lambda f: change(f.appointments, 0, sequence=1), 'has SEQUENCE 1, its newest message 1 0'),
    'other times in the mail': (
        lambda f: change(f.copies, 1, starts=1900), 'says other times'),
    'the wrong person told': (
        lambda f: change(f.copies, 1, recipient='c9@example.org'), 'told c9@example.org'),
    'a cancellation that never arrived': (
        lambda f: f.copies.pop(4), 'was never told'),
    'a cancellation kept back for no reason': (
        lambda f: (change(f.appointments, 1, live=False), change(f.requests, 1, state='open', reason=True),
                   f.messages.append(message(9, UID[1], 'CANCEL', 1, 'suppressed', 2))), 'was never told'),
    'an older state after a newer one': (
        lambda f: f.copies.append(copy(6, 3, UID[2], coordinator=2)), 'got SEQUENCE 0'),
    'a second copy that differs': (
        lambda f: change(f.copies, 2, digest='e'), 'differ'),
    'a mail from nowhere': (
        lambda f: f.copies.append(copy(6, 77, UID[0])), 'is not on record'),
    'a mail that the record says was never claimed': (
        lambda f: change(f.messages, 1, ever_claimed=False), 'never claimed'),
    'a mail marked sent that nobody got': (
        lambda f: f.messages.append(message(9, None, None, None)), 'marked sent and was never delivered'),
    'a mail that still waits': (
        lambda f: change(f.messages, 1, state='claimed'), 'is still claimed'),
    'a mail that came in and waits': (
        lambda f: change(f.inbound, 0, state='waiting', outcome=None), 'that came in is still waiting'),
    'a mail taken in and lost': (
        lambda f: f.inbound.pop(2), 'mail in-2 was taken 1 time(s) and is there 0'),
    'the second of two copies of a mail lost': (
        lambda f: f.inbound.pop(1), 'mail in-1 was taken 2 time(s) and is there 1'),
    'an appointment without a decision': (
        lambda f: f.decisions.pop(1), 'appointment 2 has no decision'),
    'an appointment without history': (
        lambda f: f.events.pop(1), 'appointment 2 has no history'),
    'an end that history does not know': (
        lambda f: f.events.pop(3), 'does not say how it ended'),
    'a plan stored twice': (
        lambda f: f.decisions.append(Decision(2, 2, 1, False)), 'plan 1 decided 2 times about request 2'),
    'an answer from a mail that was refused': (
        lambda f: change(f.inbound, 0, outcome='refused'), 'gave an answer and is refused'),
    'an answer counted twice': (
        lambda f: f.answers.append(f.answers[0]), 'mail 1 gave 2 answers'),
    'a second copy taken': (
        lambda f: change(f.inbound, 1, outcome='taken'), 'mail in-1 was taken 2 times'),
    'an answer that took effect twice': (
        lambda f: f.events.append(f.events[4]), 'history knows 2 answers about request 1'),
    'an answer without effect': (
        lambda f: f.events.pop(4), 'history does not know that appointment 1 was ACCEPTED'),
    'a mail sent twice under one claim': (
        lambda f: change(f.messages, 0, claims=1), 'was claimed 1 time(s) and delivered 2 times'),
}


@pytest.mark.parametrize('name', BREAKAGES)
def test_a_broken_promise_is_found(name):
    facts = good()
    breakage, words = BREAKAGES[name]
    breakage(facts)
    found = checker.problems(facts)
    assert any(words in problem for problem in found), found


def test_trace_headers_do_not_make_copies_differ():
    mail = b'Message-ID: <x@y>\r\nSubject: s\r\n\r\nReceived: in the body\r\n'
    served = b'Return-Path: <a@b>\nReceived: from here\n\tby there\n' + mail.replace(b'\r\n', b'\n')
    assert checker.without_trace(served) == checker.without_trace(mail)
    assert checker.without_trace(mail).endswith(b'\n\nReceived: in the body\n')


# ---- the program ---------------------------------------------------------------------------------

def check(database, delivered, *options):
    return harness.run([sys.executable, checker.__file__, '--database', database.conninfo(), '--delivered', delivered, *options])


def listed(folder, name, *words):
    """A file of these, one a line."""
    path = folder / name
    path.write_text(''.join(f'{word}\n' for word in words))
    return path


def test_the_program_says_what_is_wrong_and_ends_so(office, folder, sink, vacd):
    mail = sink()
    daemon = vacd(office, mail, poll_ms=200)
    code = office.as_login('sup_all').value("SELECT vac.open_case('SEA', 'en')")
    load.settle(office, [daemon])
    assert daemon.stop() == 0
    told, none = listed(folder, 'told', code), listed(folder, 'none')
    good = check(office, mail.dir, '--acknowledged', told, '--received', none)
    assert (good.returncode, good.stderr) == (0, '') and good.stdout.startswith('1 cases, 1 requests, 1 live'), good.stdout + good.stderr
    assert good.stdout.endswith('\nall promises kept\n')
    bad = check(office, mail.dir, '--acknowledged', listed(folder, 'more', code, 'ZZZ-ZZZ'), '--received', listed(folder, 'in', 'in-1@example.org'))
    assert (bad.returncode, bad.stderr) == (1, ''), bad.stdout + bad.stderr
    assert bad.stdout.splitlines()[1:] == ['case ZZZ-ZZZ was acknowledged and is not in the database',
                                           'mail in-1@example.org was taken 1 time(s) and is there 0 time(s)', '2 problems']
    # Nothing of what the index has not is delivered.
    (mail.dir / 'index.tsv').write_text('')
    bad = check(office, mail.dir)
    assert bad.returncode == 1 and 'was never delivered\n' in bad.stdout, bad.stdout + bad.stderr
