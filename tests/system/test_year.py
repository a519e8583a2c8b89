"""Two weeks of 20 offices on an invented clock; year.py takes it to a year.

The same two weeks each time, so that a landing does not fail by a draw; VACD_TEST_SEED=N gives others.
VACD_TEST_YEAR: so many days instead.
"""

import datetime
import os

import pytest

import year_check
from year import Year, summary
from year_people import MINUTE

DAYS = int(os.environ.get('VACD_TEST_YEAR') or (3 if os.environ.get('VACD_TEST_LOAD') == 'small' else 14))
SEED = int(os.environ.get('VACD_TEST_SEED') or 489864)


@pytest.fixture
def world(folder, cluster, certs):
    made = []

    def make(**how):
        made.append(Year(folder, cluster, certs, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_no_request_is_forgotten(world):
    year = world(seed=SEED, cases_a_day=6, step=15, replan=60)
    violations = year.run(DAYS, drain_step=60)
    assert not violations, f'VACD_TEST_SEED={SEED}\n' + '\n'.join(text for _, _, text in violations[:20])
    counts = year.counts
    assert counts['cases'] > 2 * DAYS and counts['requests met'] > counts['cases'] / 2, summary(year, 0)
    assert counts['requests open'] == counts['requests planned'] == 0 and counts['outages'] >= 1, summary(year, 0)


def test_everybody_falls_silent(world):
    """Neither coordinators nor supervisors do anything any more: the supervisors are told of all that has no end."""
    year = world(seed=SEED, cases_a_day=12, offices=6, step=15, replan=240)
    year.prepare()
    year.days(2, None)
    year.agenda.clear()
    year.coordinators.silent = True
    # Nobody acts: what time brings by itself is not hurried.
    year.step = 60 * MINUTE
    year.days(14, None, cases=False)
    assert year.left() > 5, 'there is something left to be told of'
    year.note(year_check.untold(year.db, year.told, year.clock.at))
    assert not year.violations, f'VACD_TEST_SEED={SEED}\n' + '\n'.join(text for _, _, text in year.violations[:20])


def test_the_rules_find_what_is_forgotten(world):
    """Each thing that keeps a request going, taken away, is seen."""
    year = world(seed=2, cases_a_day=30, offices=4, step=15, replan=240)
    year.prepare()
    year.days(2, None)
    year.supervisors.verb("vac.open_case('Y00', 'nv')")
    for _ in range(3):
        year.supervisors.verb("vac.open_case('Y01', 'en', window_from => %s)", year.clock.at + datetime.timedelta(days=6))
    year.go_to(year.clock.at + datetime.timedelta(minutes=15))
    year.go_to(year.clock.at + datetime.timedelta(minutes=15))
    assert not year.violations, year.violations
    year.stop_vacd()

    def broken(change, rule, *args):
        with year.db.transaction(force_rollback=True):
            assert year.db.execute(change, args or None).rowcount > 0, change
            found = {name for name, _, _ in year_check.violations(year.db, year.clock.at)}
        assert rule in found, (rule, found)

    broken("UPDATE vac_store.request SET plan_at = plan_at - interval '2 days' WHERE state = 'open'", 'open, and nobody plans it')
    broken("UPDATE vac_store.request SET unserved_since = now(), noticed_at = NULL WHERE state = 'open'",
           'nobody is found, and the supervisors are not told again')
    broken("UPDATE vac_store.appointment SET window_at = NULL, ask_at = NULL WHERE live", 'planned, and nothing will happen')
    broken("UPDATE vac_store.appointment SET window_at = NULL, remind_at = NULL WHERE state = 'invited' AND window_at IS NOT NULL",
           'planned, and nothing will happen')
    broken("UPDATE vac_store.case_record SET held_since = opened_at WHERE state = 'open'", 'open or held, and an appointment stands')
    broken("UPDATE vac_store.appointment SET state = 'cancelled', ended_at = made_at WHERE live", 'planned, and no appointment stands')
    broken("UPDATE vac_store.clock SET next_at = NULL WHERE running", 'a clock that nobody looks at')
    broken("UPDATE vac_store.rotation SET lay_at = lay_at - interval '3 days'", 'a rotation that is not laid out')
    year.clock.set(year.clock.at + datetime.timedelta(hours=9), at_work=False)
    assert year_check.violations(year.db, year.clock.at), 'nobody is at work, and time goes by'
