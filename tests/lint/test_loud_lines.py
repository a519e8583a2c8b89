"""vacd-messages(7) explains what is logged at warning and above, no less and no more."""

import re

import pytest

import harness
import loud_sql
from conftest import tracked
from loud_lines import LOGGERS, Unreadable, read

PAGE = (harness.ROOT / 'daemon' / 'vacd-messages.7').read_text()
C_FILES = tracked('daemon/*.c', 'common/*.c')


def said_by_unit(text):
    """Up to the first stop, without what systemd puts in."""
    return {re.sub(r'%.', '', said.split(';')[0]).strip()
            for said in re.findall(r'systemd-cat .*--priority=(?:emerg|alert|crit|err|warning) [^"\n]*"([^"\n]+)"', text)}


def test_every_loud_line_is_explained():
    loud = {}
    for path in tracked('systemd/*'):
        loud |= {event: path.name for event in said_by_unit(path.read_text())}
    for path in C_FILES:
        loud |= {event: path.name for event in read(path.read_text())}
    assert len(loud) > 55
    explained = set(re.findall(r'^\.It Ic (.+)$', PAGE, re.M))
    assert explained == set(loud), {e: loud.get(e, 'no line says this') for e in explained ^ set(loud)}


def test_what_fails_in_the_database_is_explained():
    """Each that not_done() names: the list below the event as which the daemon logs it."""
    failing = loud_sql.read([path.read_text() for path in tracked('sql/functions/*.sql')])
    assert len(failing) > 10
    section = re.search(r'^\.It Ic work not done\n.*?^\.Bl .*?\n(.*?)^\.El$', PAGE, re.M | re.S)
    assert set(re.findall(r'^\.It Cm (.+)$', section[1], re.M)) == failing


def test_every_entry_has_a_text():
    """Several may share one."""
    for last, text in re.findall(r'^\.It (?:Ic|Cm) ([^\n]+)\n(?!\.It )(.*?)(?=^\.(?:It|El|S[hs])\b)', PAGE, re.M | re.S):
        assert len(re.sub(r'^\.\w\w\b', '', text, flags=re.M).split()) > 5, last


def test_nothing_is_logged_where_the_scan_does_not_look():
    names = re.compile(rf'\b(?:{"|".join(LOGGERS)})\b')
    assert [path.name for path in tracked('daemon/*.h', 'common/*.h') if path.name != 'log.h' and names.search(path.read_text())] == []
    assert [path.name for path in C_FILES if re.search(r'"<[0-7]>|\b(?:sd_journal_\w+|v?syslog)\(', path.read_text())] == []


def test_what_the_scan_of_a_unit_finds():
    assert said_by_unit('ExecStart=-/usr/bin/systemd-cat --identifier=a --priority=err /bin/echo "%i is gone on %H; see b"') == {'is gone on'}
    assert said_by_unit('ExecStart=/usr/bin/systemd-cat --priority=info /bin/echo "%i is well"') == set()


def inside(body, head='static void f(int n, const char *what)'):
    return f'{head}\n{{\n\t{body}\n}}\n'


@pytest.mark.parametrize('text, events', [
    (inside('log_error("one", "");'), {'one'}),
    (inside('log_warning("one "\n\t\t"two", "why=%d; %s", g("a, b", 1), ";");'), {'one two'}),
    (inside('log_info("one", ""); log_line(LOG_NOTICE, "two", "");'), set()),
    (inside('log_line(n ? LOG_DEBUG : LOG_ERR, "one", "");'), {'one'}),
    (inside('log_error(n ? "one" : "two", "");'), {'one', 'two'}),
    (inside('log_line(n ? LOG_ERR : LOG_INFO, n ? "one" : "two", "");'), {'one'}),
    (inside('log_line(n ? LOG_INFO : LOG_ERR, n ? "one" : "two", "");'), {'two'}),
    (inside('log_line(n ? LOG_ERR : LOG_INFO, *what ? "one" : "two", "");'), {'one', 'two'}),
    (inside('/* log_error("no", ""); */ g("/*"); log_error("one", ""); g("*/");'), {'one'}),
    # By way of a function of its own, and another of that one's.
    (inside('log_error(what, "");') + inside('f(1, "one");', 'static void g(void)') + inside('f(1, "two");', 'void h(void)'), {'one', 'two'}),
    (inside('log_line(n, what, "");') + inside('f(LOG_WARNING, "one"); f(LOG_INFO, "two");', 'void g(void)'), {'one'}),
    (inside('log_error(what, "");') + inside('f(1, s);', 'static void g(char *s)') + inside('g("one");', 'void h(void)'), {'one'}),
    # Before it is made, but after it is made known.
    ('static void f(int n, const char *what);\n' + inside('f(1, "one");', 'void g(void)') + inside('log_error(what, "");'), {'one'}),
])
def test_what_the_scan_finds(text, events):
    assert read(text) == events


@pytest.mark.parametrize('text', [
    inside('log_error(event, "");'),                                                # of nobody knows where
    inside('log_line(n ? p : LOG_INFO, "one", "");'),
    inside('log_line(level_of(n), "one", "");'),
    inside('log_error(words[n], "");'),
    inside('log_error(n ? "one" : words[n], "");'),
    inside('log_error(what, "");', 'void f(int n, const char *what)'),              # other files may call it
    inside('g(log_line);'),
    '#define COMPLAIN(event) log_error(event, "")\n' + inside('COMPLAIN("one");'),
    inside('log_error(what, "");') + inside('f(1, texts[n]);', 'void g(int n)'),
    inside('log_error(what, "");') + inside('g(f);', 'void h(void)'),
])
def test_what_the_scan_refuses(text):
    with pytest.raises(Unreadable):
        read(text)


MADE = "CREATE OR REPLACE FUNCTION vac_store.not_done(what text) RETURNS void AS $$ RAISE WARNING 'work not done' $$;\n"


def sql(name, body, returns='void'):
    return f'CREATE OR REPLACE FUNCTION {name}(what text) RETURNS {returns} AS $$\n\t{body}\n$$;\n'


@pytest.mark.parametrize('text, what', [
    (sql('vac_store.f', "PERFORM not_done('one', NULL, SQLSTATE, SQLERRM);"), {'one'}),
    (sql('vac_store.f', "CASE what WHEN 'one' THEN g(1) WHEN 'two' THEN h(2) END; PERFORM not_done(what, NULL);"), {'one', 'two'}),
    (sql('vac_store.f', "-- PERFORM not_done('no');\n\tPERFORM not_done('one'); -- isn't it"), {'one'}),
    (sql('vac.verb', "RAISE WARNING 'to the person at the keyboard';"), set()),
    # What a text names is not called.
    (sql('vac.verb', "RAISE WARNING 'to the person';") + sql('vac_daemon.f', "RETURN 'see vac.verb()';"), set()),
])
def test_what_the_scan_of_sql_finds(text, what):
    assert loud_sql.read([MADE, text]) == what


@pytest.mark.parametrize('text', [
    sql('vac_daemon.f', "RAISE WARNING 'no';"),
    sql('vac_daemon.f', 'PERFORM g(1);') + sql('vac_store.g', 'h(2)') + sql('vac_store.h', "raise  warning 'no';"),
    sql('vac_daemon.f', 'PERFORM vac.verb(1);') + sql('vac.verb', "RAISE WARNING 'no';"),
    sql('vac_store.f', "RAISE WARNING 'no';", 'trigger'),
    sql('vac_store.f', 'PERFORM not_done(what);'),                                  # of nobody knows where
])
def test_what_the_scan_of_sql_refuses(text):
    with pytest.raises(Unreadable):
        loud_sql.read([MADE, text])
