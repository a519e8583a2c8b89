"""What the fault tests share: how long they run.

`./dev test faults` is the short form; VACD_FAULTS=full (`./dev test --faults`) the long one. A test says
what it did with the fixture `record` (survived.py); the sums stand at the end of the run, and in
tests/FAULTS.md with the command that made them. VACD_FAULTS_MOST=N has a long form try at most N of its
system calls, evenly spread.
"""

import os

import pytest

FULL = os.environ.get('VACD_FAULTS') == 'full'


@pytest.fixture(scope='session')
def full():
    """Whether this is the long form."""
    return FULL
