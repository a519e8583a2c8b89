"""What all parts of the benchmark stand on: a durable PostgreSQL, mail sinks, daemons, and cases in databases.

A database that is slow to fill is made once and copied for each run, so that all runs begin alike.
"""

import pathlib
import re
import time

import harness
import watch
import workload

HERE = pathlib.Path(__file__).parent


class Bed:
    def __init__(self, folder, options):
        self.folder = folder
        self.options = options
        self.cluster = harness.Cluster(folder / 'pg', durable=True)
        self.cluster.create()
        self.certs = harness.Certs(folder / 'certs')
        self.sheets = harness.write_sheets(folder, **workload.roster())
        self.sinks, self.daemons, self.templates = [], [], {}
        self.count = 0

    def quiet(self):
        """Nobody is left who works."""
        for daemon in self.daemons:
            if daemon.running():
                daemon.kill()
        for sink in self.sinks:
            sink.stop()

    def close(self):
        self.quiet()
        self.cluster.stop('immediate')

    # ---- databases ----------------------------------------------------------------------------------
    def empty(self, sheets=None):
        """With a roster, and nothing else."""
        database = self.cluster.database()
        harness.run_checked([harness.VACD, 'import', 'roster', '--database', database.conninfo(), *(sheets or self.sheets)])
        return database

    def copy(self, name, make):
        """A copy of the database that make() returns, which is called at the first time only."""
        if name not in self.templates:
            self.templates[name] = make()
            analyse(self.templates[name])
        return self.cluster.copy(self.templates[name])

    def ready(self, count):
        """With cases that lie ready."""
        def make():
            database = self.empty()
            open_cases(database, count, self.options.seed)
            return database
        return self.copy(f'ready {count}', make)

    def outbox(self, count):
        """With invitations that nobody has sent yet: planned by a daemon that holds its mail."""
        def make():
            database = self.ready(count)
            daemon = self.daemon(database)
            harness.wait_for(lambda: database.value("SELECT count(*) FROM vac_store.message WHERE state = 'queued'") >= count,
                             600, f'{count} messages', every=0.25)
            daemon.stop()
            return database
        return self.copy(f'outbox {count}', make)

    # ---- programs -----------------------------------------------------------------------------------
    def sink(self, **options):
        self.count += 1
        sink = harness.Sink(self.folder / f'sink{self.count}', self.certs.good, index_only=True, **options)
        self.sinks.append(sink)
        return sink

    def daemon(self, database, sink=None, **settings):
        """Without a sink, one that holds its mail."""
        self.count += 1
        settings = harness.daemon_settings(self.folder, database, self.certs, sink.port if sink else None,
                                           log_level='warning', **settings)
        daemon = harness.Daemon(self.folder, f'daemon{self.count}', settings)
        self.daemons.append(daemon)
        return daemon

    def working(self, database, sink, number=1, **settings):
        """Daemons that have begun to work."""
        daemons = [self.daemon(database, sink, **settings) for _ in range(number)]
        harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.daemon WHERE stopped_at IS NULL') >= number,
                         30, f'{number} daemons')
        time.sleep(1)
        return daemons


def stop(daemons, *sinks):
    for daemon in daemons:
        daemon.stop()
    for sink in sinks:
        sink.stop()


def analyse(database):
    with database.connect() as connection:
        connection.execute('VACUUM ANALYZE')


def run_file(database, name, **values):
    """Runs a file of this folder, with :name replaced by each value."""
    text = (HERE / name).read_text()
    text = re.sub(rf'(?<![:\w]):({"|".join(values) or "$"})\b', lambda found: str(values[found[1]]), text)
    with database.connect() as connection:
        connection.execute(text, prepare=False)


def open_cases(database, count, seed, offices=workload.OFFICES):
    """Opens them in one transaction; their codes."""
    codes = []
    with database.connect() as connection, connection.transaction():
        cursor = connection.cursor()
        cursor.executemany('SELECT vac.open_case(%s, %s, window_from => %s)', list(workload.requests(count, seed, offices=offices)),
                           returning=True)
        while True:
            codes.append(cursor.fetchone()[0])
            if not cursor.nextset():
                return codes


def lines(sink):
    return (sink.dir / 'index.tsv').read_bytes().count(b'\n')


def wait_for_mail(sink, count, seconds=600):
    harness.wait_for(lambda: lines(sink) >= count, seconds, f'{count} mails', every=0.02)


def wait_until_sent(database, count):
    """The outcomes are in the database, too."""
    harness.wait_for(lambda: database.value("SELECT count(*) FROM vac_store.message WHERE state = 'sent'") >= count,
                     60, 'all outcomes')


def taken(database, sink):
    """{case code: when its first invitation was taken by the mail server}."""
    known = dict(database.query('''SELECT m.mail_uuid::text, c.case_code FROM vac_store.message m
        JOIN vac_store.case_record c USING (case_id) WHERE m.kind = 'invitation' '''))
    times = {}
    for copy in sink.copies():
        mail_uuid = copy.message_id.strip('<>').split('@')[0]
        if mail_uuid in known:
            times.setdefault(known[mail_uuid], copy.at)
    return times


def wait_until_taken(database, sink, codes, seconds=600):
    """Like taken(), once all of these cases are in it."""
    wanted = set(codes)

    def all_of_them():
        times = taken(database, sink)
        return times if wanted <= times.keys() else None
    return harness.wait_for(all_of_them, seconds, 'an invitation for every case', every=0.25)


def burst(database, sink, count, seed, offices=workload.OFFICES):
    """Cases that come in at once while daemons are at work: how many a second, from commit to the last one taken."""
    before = lines(sink)
    codes = open_cases(database, count, seed, offices)
    begun = time.time()
    wait_for_mail(sink, before + count)
    times = wait_until_taken(database, sink, codes)
    return count / (max(times[code] for code in codes) - begun)


def backlog(bed, database, **settings):
    """Cases that lie ready: {rate, first, seconds, memory, reader, cpu, server_cpu} of a daemon, from its start to the last one taken; cpu to the last outcome."""
    count = database.value("SELECT count(*) FROM vac_store.request WHERE state = 'open'")
    sink = bed.sink()
    server = watch.family_seconds(bed.cluster.pid)
    begun = time.time()
    daemon = bed.daemon(database, sink, **settings)
    memory = watch.Memory(daemon.pid)
    wait_for_mail(sink, count)
    wait_until_sent(database, count)
    server = watch.family_seconds(bed.cluster.pid) - server
    times = wait_until_taken(database, sink, [code for code, in database.query('SELECT case_code FROM vac_store.case_record')])
    memory.stop()
    cpu = watch.cpu_seconds(daemon.pid)
    stop([daemon], sink)
    seconds = max(times.values()) - begun
    return {'rate': count / seconds, 'first': min(times.values()) - begun, 'seconds': seconds, 'memory': memory.peak,
            'reader': memory.reader_peak, 'cpu': cpu, 'server_cpu': server}
