"""Every test that SECURITY.md names is there."""

import re

import pytest

import harness

TEXT = (harness.ROOT / 'SECURITY.md').read_text()
NAMED = sorted(set(re.findall(r'`(tests/[\w/]+\.\w+)::([^`]+)`', TEXT)))


def is_in(path, name):
    text = (harness.ROOT / path).read_text()
    if path.endswith('.py'):
        return re.search(rf'^def {re.escape(name)}\(', text, re.M) and not re.search(rf'mark\.skip\(.*\n(?:@.*\n)*def {re.escape(name)}\(', text)
    if path.endswith('.sql'):
        return f"'{name}'" in text.replace("''", '’')
    made = re.search(rf'^(?:static )?\w+ {re.escape(name)}\(', text, re.M)
    # Of a unit test: and run.
    return made and ('/unit/' not in path or re.search(rf'cmocka_unit_test\w*\(\s*{re.escape(name)}\b', text))


@pytest.mark.parametrize('path, name', NAMED, ids=[f'{path}::{name}' for path, name in NAMED])
def test_a_test_that_is_named_exists(path, name):
    assert (harness.ROOT / path).is_file(), path
    assert is_in(path, name), f'{path} has no {name}'


def test_every_line_says_what_holds_it():
    rows = [line for line in TEXT.splitlines() if line.startswith('| ') and not line.startswith(('| they would', '| ---'))]
    assert len(rows) > 35
    for row in rows:
        held = row.strip('| ').split(' | ')[-1]
        assert 'tests/systemd/' not in held or '(by hand)' in held, row
        assert 'tests/' in held or held in ('no test can',) or held.startswith('not tested: '), row


def test_nothing_is_in_backquotes_that_looks_like_a_test_and_is_none():
    loose = [word for word in re.findall(r'`(tests/[^`]*)`', TEXT) if '::' not in word]
    assert loose == ['tests/systemd']
