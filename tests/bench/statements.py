"""pg_stat_statements, loaded for as long as a part needs it."""

import contextlib
import re

import psycopg


@contextlib.contextmanager
def counted(cluster):
    """The server is restarted with it, and once more without."""
    _restart(cluster, "SET shared_preload_libraries = 'pg_stat_statements'")
    try:
        yield
    finally:
        _restart(cluster, 'RESET shared_preload_libraries')


def _restart(cluster, setting):
    with psycopg.connect(cluster.conninfo('postgres'), autocommit=True) as connection:
        connection.execute(f'ALTER SYSTEM {setting}')
    cluster.restart()


def begin(database, nested=False):
    """Counts from here on, of connections that begin now. nested: what functions run is counted, too."""
    database.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
    database.query(f"ALTER DATABASE {database.name} SET pg_stat_statements.track = '{'all' if nested else 'top'}'")
    database.query('SELECT pg_stat_statements_reset()')


def calls(database):
    """[(statement, calls)] of the daemon's login, the most frequent first."""
    return [(_short(query, 60), number) for query, number in database.query('''SELECT query, calls FROM pg_stat_statements
        JOIN pg_roles r ON r.oid = userid WHERE rolname = 'vacd' AND toplevel ORDER BY calls DESC, query''')]


def slowest(database, most=20):
    """[(statement, whether the daemon sent it, calls, ms in all)], the one that took longest first."""
    return [(_short(query, 100), top, number, ms) for query, top, number, ms in database.query('''SELECT query, toplevel, calls, total_exec_time
        FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid WHERE datname = current_database() ORDER BY 4 DESC LIMIT %s''', most)]


def _short(query, length):
    return re.sub(r'\s+', ' ', query)[:length]
