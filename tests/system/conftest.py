"""The fixtures that harness.py describes."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import harness  # noqa: E402
import survived  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line('markers', 'bare: says nothing more under the sanitizers, and is left out there')
    config.addinivalue_line('markers', 'watched: says nothing more without the sanitizers; `./dev test` runs it there alone')
    config.addinivalue_line('markers', 'twice: says something of its own with and without them, though the rest of its file is watched')
    config.addinivalue_line('markers', 'long: of a file that takes long by itself')


# Files whose tests start no program of ours that a sanitizer could watch, whose C others drive as well, or
# which look at what a sanitizer changes.
BARE_FILES = {'test_access_token.py', 'test_answers.py', 'test_answers_locked.py', 'test_answers_walk.py', 'test_backup.py', 'test_bench.py',
              'test_cases.py', 'test_check.py', 'test_checker.py', 'test_daemons.py', 'test_deadline.py', 'test_first_day.py', 'test_generations.py', 'test_import.py', 'test_inbox_real.py',
              'test_intake_openapi.py', 'test_locks.py', 'test_migrate.py', 'test_move.py', 'test_plan_command.py',
              'test_plan_cost.py', 'test_psql.py', 'test_reassign.py', 'test_restart.py', 'test_rights.py',
              'test_rights_walk.py', 'test_sandbox.py', 'test_secrets.py', 'test_simulate.py', 'test_soak.py', 'test_upgrade.py', 'test_view_plans.py', 'test_views.py', 'test_year.py'}

# Files whose tests say the same in either build: no crash, limit or load of theirs is another under the sanitizers.
WATCHED_FILES = {'test_answer.py', 'test_end_to_end.py', 'test_history.py', 'test_inbox.py', 'test_intake.py', 'test_intake_hard.py', 'test_invitation_format.py', 'test_pg.py',
                 'test_poll.py', 'test_read_mail.py', 'test_refusals.py', 'test_smime.py', 'test_service.py', 'test_tls_refusals.py', 'test_tls_table.py'}


# Files that take long by themselves: a run of everything has them in another lane.
LONG_FILES = {'test_plan_cost.py', 'test_reassign.py', 'test_restart.py', 'test_soak.py', 'test_view_plans.py', 'test_views.py', 'test_year.py'}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.name in LONG_FILES:
            item.add_marker('long')
        if item.path.name in BARE_FILES:
            item.add_marker('bare')
        if item.path.name in WATCHED_FILES and not any(item.iter_markers('bare')) and not any(item.iter_markers('twice')):
            item.add_marker('watched')


def pytest_terminal_summary(terminalreporter):
    survived.tell(terminalreporter)


@pytest.fixture(scope='session')
def record():
    """What was survived, for the sums at the end of the run."""
    return survived.RECORD


@pytest.fixture(scope='session')
def session_folder():
    with harness.temporary_folder() as folder:
        yield folder


@pytest.fixture(autouse=True)
def connections_of_its_own():
    """What a test's sessions are left with is not the next one's."""
    yield
    harness.KEPT.close()


@pytest.fixture
def folder():
    """A folder of the one test, removed with all that is in it."""
    with harness.temporary_folder() as path:
        yield path


@pytest.fixture(scope='session')
def cluster(session_folder):
    made = harness.Cluster(session_folder / 'pg')
    made.create()
    yield made
    made.stop('immediate')


@pytest.fixture(scope='session')
def certs(session_folder):
    return harness.Certs(session_folder / 'certs')


@pytest.fixture
def database(cluster):
    made = cluster.database()
    yield made
    made.drop()


@pytest.fixture
def sink(folder, certs):
    started = []

    def start(cert=None, **options):
        made = harness.Sink(folder / f'sink{len(started) + 1}', cert or certs.good, **options)
        started.append(made)
        return made

    yield start
    for made in started:
        made.stop()


@pytest.fixture
def vacd(folder, certs):
    started = []

    def start(database, sink=None, program=harness.VACD, front=(), **settings):
        port = sink.port if sink is not None else None
        chosen = harness.daemon_settings(folder, database, certs, port, **settings)
        made = harness.Daemon(folder, f'vacd{len(started) + 1}', chosen, program, front=front)
        started.append(made)
        return made

    yield start
    problems = []
    for made in started:
        try:
            made.stop()
        except AssertionError as problem:
            problems.append(str(problem))
        for sign in ('AddressSanitizer', 'runtime error:', 'LeakSanitizer'):
            if sign in made.log():
                problems.append(made.log()[-6000:])
                break
    assert not problems, '\n'.join(problems)


@pytest.fixture(scope='session')
def mailhost(session_folder, certs):
    import mailserver
    if os.geteuid() != 0:
        pytest.skip("Postfix's master switches accounts and needs root")
    made = mailserver.MailHost(session_folder / 'mail', certs)
    made.start()
    yield made
    made.stop()
