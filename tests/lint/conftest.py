"""Lint tests share the system tests' harness: its folders and its private PostgreSQL."""

import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'system'))

import harness  # noqa: E402


def tracked(*patterns):
    """Files of the project, by git where there is one, without what git ignores."""
    listed = subprocess.run(['git', '-C', harness.ROOT, 'ls-files', '-co', '--exclude-standard', *patterns],
                            stdout=subprocess.PIPE, text=True)
    if listed.returncode == 0:
        found = [harness.ROOT / name for name in listed.stdout.split('\n') if name]
    else:
        found = [path for pattern in patterns for path in harness.ROOT.rglob(pattern)]
    return sorted(path for path in set(found) if path.is_file() and '.dev' not in path.parts)


@pytest.fixture(scope='session')
def folder():
    with harness.temporary_folder() as path:
        yield path


@pytest.fixture(scope='session')
def installed(folder):
    """What `meson install` would put on a machine, below a folder."""
    root = folder / 'root'
    done = subprocess.run(['meson', 'install', '-C', harness.BUILD, '--no-rebuild', '--destdir', root],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return root


@pytest.fixture(scope='session')
def database(folder):
    cluster = harness.Cluster(folder / 'pg')
    cluster.create()
    yield cluster.database()
    cluster.stop('immediate')
