"""The form of the sources: what STYLE says can be looked at by a machine."""

import re
import subprocess

import pytest

import harness
from conftest import tracked

C_FILES = tracked('*.c', '*.h')
SOURCES = tracked('*.c', '*.h', '*.sql', '*.py', '*.sh', 'dev', '.ci/run', 'meson.build')
TEXTS = tracked('*')


def name(path):
    return str(path.relative_to(harness.ROOT))


def test_clang_format():
    done = subprocess.run(['clang-format-14', '--dry-run', '-Werror', *C_FILES], stderr=subprocess.PIPE,
                          text=True)
    assert done.returncode == 0, done.stderr[:4000]


def test_no_file_is_longer_than_600_lines():
    long = {name(p): len(p.read_bytes().splitlines()) for p in C_FILES + tracked('*.py', 'dev')}
    assert not {k: v for k, v in long.items() if v > 600}


def functions(path):
    """(name, lines) of each function of a C file in our own form: it ends at a } in column one."""
    start, title = None, None
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line == '{' and number > 0:
            start, title = number, lines[number - 1]
        elif line == '}' and start is not None:
            yield title, number - start - 1
            start = None


def test_functions_are_small():
    """A median of about a dozen lines, nine of ten under 50."""
    sizes = sorted(size for path in C_FILES if path.suffix == '.c' for _, size in functions(path))
    assert sizes[len(sizes) // 2] <= 15
    assert sizes[len(sizes) * 9 // 10] < 50


@pytest.mark.parametrize('word', [
    r'(?i)\b(?:TODO|FIXME|XXX|stub|placeholder|not implemented)\b', r'(?<![\w.])/(?:home|root)/\w+', r'/tmp/[a-z_]+/[a-z_]+'])
def test_nothing_unfinished_and_no_path_of_one_machine(word):
    found = []
    for path in SOURCES:
        if path.parent.name == 'lint':
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(word, line):
                found.append(f'{name(path)}:{number}: {line.strip()}')
    assert not found


def test_arrows_run_one_way():
    """common/ knows nothing of daemon/, has no clock, no socket and no database, and does not log."""
    banned = re.compile(r'#include [<"](event2/|libpq|postgres|sys/socket|netinet)|\b(log_line|log_error|'
                        r'log_warning|log_notice|log_info|log_debug|clock_gettime|gettimeofday|time)\(')
    headers = {p.name for p in tracked('daemon/*.h')}
    found = []
    for path in tracked('common/*.c', 'common/*.h'):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            included = re.match(r'#include "([^"]+)"', line)
            if included and included[1].split('/')[-1] in headers:
                found.append(f'{name(path)}:{number}: {line}')
            if path.stem != 'log' and banned.search(line.split('/*')[0]):
                found.append(f'{name(path)}:{number}: {line.strip()}')
    assert not found


def test_text_files_end_in_one_newline_and_have_no_trailing_blanks():
    found = []
    for path in TEXTS:
        data = path.read_bytes()
        if b'\0' in data or not data or path.suffix in ('.eml', '.ics', '.psql', '.csv') or 'corpus' in path.parts:
            continue
        if not data.endswith(b'\n') or data.endswith(b'\n\n'):
            found.append(f'{name(path)}: end of file')
        found += [f'{name(path)}:{n}' for n, line in enumerate(data.split(b'\n'), 1)
                  if line != line.rstrip() and path.suffix not in ('.md',)]
    assert not found


def test_the_c_program_asks_the_database_by_functions_only():
    """SQL in C is a call of one function with parameters, nothing longer."""
    found = []
    for path in tracked('daemon/*.c', 'daemon/**/*.c'):
        if path.stem.startswith(('migrate', 'import')):
            continue                     # they run files, and whole sheets, for an administrator
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r'"\s*(INSERT|UPDATE|DELETE|WITH)\b', line):
                found.append(f'{name(path)}:{number}: {line.strip()}')
    assert not found
