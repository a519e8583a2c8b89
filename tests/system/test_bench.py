"""The benchmark runs: parts of it in a form of a few seconds, whose figures say nothing."""

import os
import subprocess
import sys

import harness

BENCH = harness.ROOT / 'tests' / 'bench' / 'bench.py'
TINY = ('--runs', 1, '--cases', 20, '--renderings', 50)


def bench(*words, **more):
    environment = {**os.environ, 'VACD_BUILD': str(harness.BUILD), **more}
    return subprocess.run([sys.executable, BENCH, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=environment, timeout=1200, check=False)


def figure(text, name):
    """The number that stands behind a name."""
    line = next(line for line in text.splitlines() if line.strip().startswith(name))
    return float(line.strip()[len(name):].split()[0].replace(',', ''))


def test_parts_run_and_print_figures(tmp_path):
    done = bench('--quick', 'render', 'mail', 'backlog', *TINY, VACD_DEV_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout
    for name in ('invitations with their mails', 'libical alone, an object with one', '20 mails on 1 connection',
                 'the bare sender'):
        assert figure(done.stdout, name) > 0, name
    # A whole mail goes each way, the beginning of the connection with it.
    assert figure(done.stdout, 'a mail of vacd: octets sent') > 4000
    assert figure(done.stdout, 'a mail of the bare sender: octets sent') > 4000
    # Without a worker of Node.js its stated rate is what counts.
    assert figure(done.stdout, 'of the database') > 0
    line = next(line for line in done.stdout.splitlines() if 'stated, not measured' in line)
    assert 'bar ≥ 20' in line and 'a worker, ' not in done.stdout
    assert 'bars met: ' in done.stdout


def test_a_node_worker_that_cannot_be_installed_is_said_at_once(tmp_path):
    done = bench('--node', 'backlog', PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout.startswith('--node: node (at least ') and len(done.stdout.splitlines()) == 1


def test_a_part_that_is_none_is_refused():
    done = bench('bakclog')
    assert done.returncode == 2
    assert 'no part bakclog' in done.stdout


FAILING = '''
import sys, types
sys.path.insert(0, sys.argv.pop(1))
import bench

def fails(place):
    raise OSError('broken')

bench.bed.Bed = lambda folder, options: types.SimpleNamespace(quiet=lambda: None, close=lambda: None)
bench.PARTS = {'bad': types.SimpleNamespace(TITLE='bad', measure=fails),
               'good': types.SimpleNamespace(TITLE='good', measure=lambda place: [bench.figures.Figure('one', [1.0], bar=2)])}
bench.PROGRAMS = {'plan': 'none.py'}
sys.exit(bench.main())
'''


def test_a_part_that_fails_leaves_the_others():
    done = subprocess.run([sys.executable, '-c', FAILING, BENCH.parent, 'plan', 'bad', 'good'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env={**os.environ, 'VACD_BUILD': str(harness.BUILD)}, timeout=300, check=False)
    assert done.returncode == 1, done.stdout
    assert 'OSError: broken' in done.stdout and 'bars met: 1 of 1' in done.stdout
    assert 'failed, or missed a bar of its own: plan bad' in done.stdout
