"""What the fault tests share: how long they run.

`./dev test faults` is the short form; VACD_FAULTS=full (`./dev test --faults`) the long one. A test says
what it did with the fixture `record` (survived.py); the sums stand at the end of the run, and in
tests/FAULTS.md with the command that made them. VACD_FAULTS_MOST=N has a long form try at most N of its
system calls, evenly spread. What a short form tries of them and of the mail server's table is drawn, always the same
unless VACD_FAULTS_SEED=N says otherwise (.ci/run: another with each commit); a test that draws prints it, and pytest shows
that where it fails.
"""

import os
import random

import pytest

import harness
import load

FULL = os.environ.get('VACD_FAULTS') == 'full'


@pytest.fixture(scope='session')
def full():
    """Whether this is the long form."""
    return FULL


@pytest.fixture
def draw():
    """What a short form draws its sample by; of each test its own, so that one by itself does the same."""
    seed = int(os.environ.get('VACD_FAULTS_SEED', 20))
    if not FULL:
        print(f'drawn with VACD_FAULTS_SEED={seed}')
    return random.Random(seed)


@pytest.fixture(scope='session')
def image(session_folder):
    """A cluster that is not running, with what every other one has at first. There are many, and copied they cost a tenth."""
    made = harness.Cluster(session_folder / 'image')
    made.create()
    with harness.temporary_folder() as folder:
        for _ in range(2):      # a roster is copied from the second time on
            load.database(made, folder).drop()
    made.stop()
    return made


@pytest.fixture(scope='session')
def cluster(session_folder, image):
    made = harness.Cluster(session_folder / 'pg')
    made.create(image)
    yield made
    made.stop('immediate')
