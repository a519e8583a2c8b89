"""vacd-appointment(7) says of every state × event what tests/sql/answer_states.sql tries out."""

import re

import harness

STATES = ('invited', 'accepted', 'held', 'missed', 'declined', 'lapsed', 'replaced', 'cancelled')
WORDS = {'live': STATES[:2], 'over': STATES[2:4], 'ended': STATES[4:], 'any': STATES}


def cells(lines):
    """Lines of (event, states, after, mail, outcome) as {(event, state): (after, mail, outcome)}, each once."""
    found = {}
    for event, states, after, mail, outcome in lines:
        for word in states.split(', '):
            for state in WORDS.get(word, (word,)):
                assert state in STATES and (event, state) not in found, (event, state)
                found[event, state] = (after, mail, outcome)
    return found


def of_test():
    text = (harness.ROOT / 'tests' / 'sql' / 'answer_states.sql').read_text()
    block = text.split('-- cells begin')[1].split('-- cells end')[0]
    return cells(re.findall(r"\('([^']*)', '([^']*)', '([^']*)', '([^']*)', '([^']*)'\)", block))


def of_page():
    event, lines = None, []
    for line in (harness.ROOT / 'common' / 'vacd-appointment.7').read_text().splitlines():
        if line.startswith('.It Ic '):
            event = line[len('.It Ic '):].replace(' ,', ',')
        elif ' Ta ' in line:
            lines.append((event, *[part.strip().replace('\\-', '-') for part in line[len('.It '):].split(' Ta ')]))
    return cells(lines)


def test_page_and_test_have_the_same_table():
    page, tried = of_page(), of_test()
    assert len(tried) > 200
    assert page == tried


def test_every_state_has_every_event():
    events = {event for event, _ in of_page()}
    assert set(of_page()) == {(event, state) for event in events for state in STATES}
