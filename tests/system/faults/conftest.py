"""What the fault tests share: how long they run, and a record of what was survived.

`./dev test faults` is the short form; VACD_FAULTS=full (`./dev test --faults`) the long one. A test says
what it did with the fixture `record`; the sums stand at the end of the run, and in tests/FAULTS.md with
the command that made them. VACD_FAULTS_MOST=N has a long form try at most N of its system calls, evenly
spread.
"""

import collections
import os

import pytest

FULL = os.environ.get('VACD_FAULTS') == 'full'


class Record:
    """Sums of what was survived: faults by (where, what), bad inputs, messages delivered."""

    def __init__(self):
        self.faults = collections.Counter()
        self.inputs = 0
        self.delivered = 0

    def fault(self, where, what, times=1):
        self.faults[where, what] += times

    def lines(self):
        yield f'{"survived at":34} {"fault":46} {"times":>7}'
        for (where, what), times in sorted(self.faults.items()):
            yield f'{where:34} {what:46} {times:7}'
        yield (f'{sum(self.faults.values())} faults survived, {self.inputs} bad inputs tried, '
               f'{self.delivered} messages delivered')


RECORD = Record()


@pytest.fixture(scope='session')
def record():
    return RECORD


@pytest.fixture(scope='session')
def full():
    """Whether this is the long form."""
    return FULL


def pytest_terminal_summary(terminalreporter):
    if RECORD.faults or RECORD.inputs:
        terminalreporter.write_sep('=', 'faults')
        for line in RECORD.lines():
            terminalreporter.write_line(line)
