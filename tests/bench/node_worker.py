"""The worker of node/, which bar 1 measures vacd against: graphile-worker, ical-generator, nodemailer.

What it needs is installed only when somebody asks for it (`--node`): by npm, from the lock file, into .dev/bench-node.
Its jobs lie in the queue, and its tables are analysed, before it starts; it runs on the same PostgreSQL and mails to
the same sink, over TLS, as vacd does. In which of its settings it is quickest depends on the machine, so each is tried.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time

import bed
import harness
import watch
import workload

SOURCE = bed.HERE / 'node'
HOME = pathlib.Path(os.environ.get('VACD_DEV_DIR', harness.ROOT / '.dev')) / 'bench-node'
NODE_AT_LEAST = 20
# The first is what its manuals begin with, but for ten jobs at once, not one; the others are what they advise when there
# is much to do.
SETTINGS = [{'jobs': 10, 'connections': 5, 'batch': 0},
            {'jobs': 24, 'connections': 24, 'batch': 0},
            {'jobs': 24, 'connections': 5, 'batch': 500},
            {'jobs': 24, 'connections': 24, 'batch': 500}]
TRIED_WITH = 2000


def installed():
    """Whether it can run as it stands."""
    lock = HOME / 'package-lock.json'
    return (shutil.which('node') is not None and (HOME / 'node_modules' / '.package-lock.json').exists()
            and lock.read_bytes() == (SOURCE / 'package-lock.json').read_bytes())


def version():
    return harness.run_checked(['node', '--version']).stdout.strip()


def install():
    """Ends the program where it cannot be had."""
    if not shutil.which('node') or not shutil.which('npm'):
        raise SystemExit(f'--node: node (at least {NODE_AT_LEAST}) and npm are not here')
    if int(version().lstrip('v').split('.')[0]) < NODE_AT_LEAST:
        raise SystemExit(f'--node: node {version()} is older than {NODE_AT_LEAST}')
    if not installed():
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(SOURCE / name, HOME)
        done = harness.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], cwd=HOME)
        if done.returncode != 0:
            shutil.rmtree(HOME)
            raise SystemExit(f'--node: npm could not install it:\n{done.stdout}{done.stderr}')


def ready(place, count):
    """A database in which that many jobs lie ready."""
    database = place.cluster.database(migrate=False)
    migrated = run_node(database, 'node_modules/graphile-worker/dist/cli.js', '--schema-only').wait(60)
    assert migrated == 0, f'graphile-worker --schema-only ended with {migrated}'
    roster = workload.roster()
    with database.connect() as connection, connection.transaction():
        connection.execute((SOURCE / 'tables.sql').read_text(), prepare=False)
        cursor = connection.cursor()
        cursor.executemany('INSERT INTO office VALUES (%s, %s, %s, %s)',
                           [(row[0], row[2], row[3], row[5].split('=')[1]) for row in roster['offices']])
        cursor.executemany('INSERT INTO coordinator (office, name, mail, languages) VALUES (%s, %s, %s, %s)',
                           [(row[1], row[3], row[5], row[11].split('; ')) for row in roster['coordinators']])
        cursor.executemany('INSERT INTO request (office, language, window_from) VALUES (%s, %s, %s)',
                           list(workload.requests(count, place.options.seed)))
        cursor.execute('''SELECT graphile_worker.add_jobs(array_agg(ROW('invite', json_build_object('request', request_id),
            NULL, NULL, NULL, NULL, NULL, NULL)::graphile_worker.job_spec ORDER BY request_id)) FROM request''')
    bed.analyse(database)
    return database


def run_node(database, *words, log=subprocess.DEVNULL):
    address = f'postgres://postgres@/{database.name}?host={database.cluster.socket_dir}&port={database.cluster.port}'
    environment = {**os.environ, 'DATABASE_URL': address, 'NODE_ENV': 'production'}
    return subprocess.Popen(['node', *map(str, words)], cwd=HOME, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def wait(process, sink, count, log):
    def done():
        if process.poll() is not None:
            raise AssertionError(f'the worker ended:\n{log.read_text()[-3000:]}')
        return bed.lines(sink) >= count
    try:
        harness.wait_for(done, 600, f'{count} mails', every=0.02)
    except AssertionError as error:
        raise AssertionError(f'{error}\n{log.read_text()[-3000:]}') from error


def backlog(place, count, settings):
    """{rate, octets, cpu, server_cpu} of a worker, from its start to the last mail taken; cpu to the last job forgotten."""
    database = ready(place, count)
    sink = place.sink()
    log = place.folder / 'node.log'
    shutil.copy(SOURCE / 'worker.js', HOME)      # beside its modules; as it is now
    server = watch.family_seconds(place.cluster.pid)
    begun = time.time()
    with open(log, 'wb') as output:
        process = run_node(database, 'worker.js', sink.port, place.certs.ca, json.dumps(settings), log=output)
    try:
        wait(process, sink, count, log)
        harness.wait_for(lambda: database.value('SELECT count(*) FROM graphile_worker.jobs') == 0, 60, 'the last job', every=0.25)
        cpu, server = watch.cpu_seconds(process.pid), watch.family_seconds(place.cluster.pid) - server
    finally:
        process.kill()
        process.wait()
    copies = sink.copies()
    sink.stop()
    assert len({copy.message_id for copy in copies}) == len(copies) == count, f'{len(copies)} mails for {count} requests'
    database.drop()
    return {'rate': count / (max(copy.at for copy in copies) - begun), 'octets': sum(copy.octets for copy in copies) / count,
            'cpu': cpu, 'server_cpu': server}


def name(settings):
    return f'{settings["jobs"]} jobs at once, {settings["connections"]} connections, ' + \
        (f'{settings["batch"]} fetched at once' if settings['batch'] else 'fetched one by one')


def tried(place):
    """[(settings, rate)], the quickest first."""
    count = min(TRIED_WITH, place.options.node_cases)
    rates = [(settings, backlog(place, count, settings)['rate']) for settings in SETTINGS]
    return sorted(rates, key=lambda each: -each[1])
