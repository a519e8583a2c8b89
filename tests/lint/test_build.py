"""No warning with clang (gcc's are errors in the build that the tests use), and clang-tidy is content."""

import concurrent.futures
import json
import os
import subprocess

import pytest

import harness
from conftest import tracked

FOLDER = harness.BUILD.parent / 'clang'


@pytest.fixture(scope='module')
def clang_build():
    if not (FOLDER / 'build.ninja').exists():
        done = subprocess.run(['meson', 'setup', FOLDER, harness.ROOT, '-Dwerror=true'],
                              env=dict(os.environ, CC='clang-14'), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
    return FOLDER


def test_clang_builds_without_a_warning(clang_build):
    done = subprocess.run(['ninja', '-C', clang_build], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-6000:]


def compiled(folder):
    commands = json.loads((folder / 'compile_commands.json').read_text())
    files = {os.path.realpath(os.path.join(c['directory'], c['file'])) for c in commands}
    return sorted(files & {str(p) for p in tracked('*.c')})


# The analyzer in full takes minutes: by hand, before a change lands (VACD_TIDY=deep ./dev test lint).
# Otherwise it follows calls less far.
DEPTH = [] if os.environ.get('VACD_TIDY') == 'deep' else [
    f'--extra-arg={word}' for word in ('-Xclang', '-analyzer-config', '-Xclang', 'mode=shallow')]


def tidy(folder, path):
    done = subprocess.run(['clang-tidy-14', '-p', folder, '--quiet', '--warnings-as-errors=*', *DEPTH, path],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout if done.returncode != 0 else ''


def test_clang_tidy(clang_build):
    subprocess.run(['ninja', '-C', clang_build], stdout=subprocess.DEVNULL)   # generated headers
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(lambda path: tidy(clang_build, path), compiled(clang_build)) if text]
    assert not found, '\n'.join(found)[:12000]
