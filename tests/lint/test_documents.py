"""Configuration table = sample file = man page; man pages without a complaint; README's commands exist."""

import re
import subprocess

import pytest

import harness
from conftest import tracked

PAGES = tracked('*.5', '*.7', '*.8')


@pytest.fixture(scope='module')
def table():
    done = harness.run_vacd('config-table')
    assert done.returncode == 0, done.stderr
    rows = [line.split('\t') for line in done.stdout.splitlines()]
    assert len(rows) > 15
    return {row[0]: row[2] if len(row) > 2 else '' for row in rows}


def sample_keys():
    """Key and value of each setting of the sample, whether it is commented out or not."""
    text = (harness.ROOT / 'etc' / 'vacd.conf').read_text()
    return dict(re.findall(r'^#?([a-z_]+)\s*=\s*"?([^"\n]*?)"?\s*$', text, re.M))


def test_sample_has_every_key_and_no_other(table):
    assert set(sample_keys()) == set(table)


def test_sample_shows_the_defaults(table):
    shown = sample_keys()
    differ = {key: (shown[key], default) for key, default in table.items()
              if default and default != '""' and shown[key] != default.strip('"')
              and re.search(rf'^#{key}\s*=', (harness.ROOT / 'etc' / 'vacd.conf').read_text(), re.M)}
    assert not differ, 'a commented-out setting shows its default (sample, table)'


def test_man_page_has_every_key_and_no_other(table):
    text = (harness.ROOT / 'common' / 'vacd.conf.5').read_text()
    keys = set(re.findall(r'^\.It (?:Ic|Cm|Va|Li) ([a-z_]+)', text, re.M))
    assert keys == set(table)


@pytest.mark.parametrize('page', PAGES, ids=lambda p: p.name)
def test_mandoc(page):
    done = subprocess.run(['mandoc', '-Tlint', '-Wwarning', page], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


def test_there_are_man_pages():
    assert {p.name for p in PAGES} >= {'vacd.8', 'vacd.conf.5', 'vacd-plan.7'}


def sections_of_views():
    """{view: its section} of vacd-views(7): every subsection but those that say what holds for all."""
    text = (harness.ROOT / 'sql' / 'views' / 'vacd-views.7').read_text()
    text = text[text.index('.Sh CASES'):]
    return dict(re.findall(r'^\.Ss (\w+)\n(.*?)(?=^\.S[hs] )', text, re.M | re.S))


def test_vacd_views_shows_every_view_and_no_other(database):
    views = {row[0] for row in database.query("SELECT viewname FROM pg_views WHERE schemaname = 'vac'")}
    sections = sections_of_views()
    assert views - set(sections) == set(), 'these views have no ".Ss name" in sql/views/vacd-views.7'
    assert set(sections) - views == set(), 'these sections are of views that there are not'
    short = {text: view for view, text in database.query('''
        SELECT c.relname, h.short FROM pg_class c JOIN vac.help h ON h.example ~ ('vac\\.' || c.relname || '(?![a-z_(])')
        WHERE c.relnamespace = 'vac'::regnamespace AND c.relkind = 'v' ''')}
    for view, text in sections.items():
        example = re.search(r'^\.Bd -literal\n=> (.+)\n(.+)\n(?:.*\n)*?\(\d+ rows?\)\n\.Ed$', text, re.M)
        assert example, f'{view} has no example: .Bd -literal, "=> what one types", the table, .Ed'
        asked = short.get(example[1]) or re.search(r'vac\.(\w+)', example[1])[1]
        assert asked == view, f'{view}: the example shows {asked}'
        columns = [row[0] for row in database.query(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", f'vac.{view}')]
        assert set(re.findall(r'[^\s|│]+', example[2])) <= set(columns), f'{view}: its columns are {", ".join(columns)}'
        # A page's text is five columns in.
        assert not [line for line in text.splitlines() if len(line) > 115], f'{view}: an example is wider than 120 columns'


def test_help_names_every_command():
    text = harness.run_vacd('--help').stdout
    for command in ('daemon', 'migrate', 'import', 'check', 'status', 'probe', 'adopt', 'plan', 'receive', 'simulate', 'verify-history'):
        assert re.search(rf'\b{command}\b', text), command


def test_readme_shows_how_to_try_and_test():
    text = (harness.ROOT / 'README.md').read_text()
    for words in ('./dev demo', './dev test', './dev bench'):
        assert words in text


def test_files_that_readme_names_exist():
    text = (harness.ROOT / 'README.md').read_text()
    for target in re.findall(r'\]\((?!https?:)([^)#]+)\)', text):
        assert (harness.ROOT / target).exists(), target


def test_settings_that_messages_name_exist(table):
    text = (harness.ROOT / 'daemon' / 'vacd-messages.7').read_text()
    named = set(re.findall(r'^\.Ic ([a-z]+_[a-z_]+)', text, re.M))
    assert len(named) > 6 and named <= set(table), named - set(table)


def test_every_alarm_is_explained():
    text = (harness.ROOT / 'daemon' / 'vacd-messages.7').read_text()
    names = set(re.findall(r'\[MAIL_ALARM_\w+\] = "(\w+)"', (harness.ROOT / 'daemon' / 'mailer' / 'mail_alarm.c').read_text()))
    for path in tracked('sql/functions/*.sql'):
        names |= set(re.findall(r"raise_alarm\([^;]*?'(\w+)'", path.read_text()))
    assert len(names) > 5
    listed = re.search(r'^\.It Ic alarm\n.*?^\.Bl .*?\n(.*?)^\.El$', text, re.M | re.S)[1]
    assert set(re.findall(r'^\.It Cm (.+)$', listed, re.M)) == names
