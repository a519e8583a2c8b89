"""Bar 4: invitations that lie in the outbox, beside a bare C sender on as many connections to the same sink.

The sender hands over one ready-made invitation of vacd's, again and again: no database, nothing rendered.
Both are measured from the first mail taken to the last. Octets and round trips are what the sink saw of the
whole connections, TLS and their beginning and end with them; processor time is vacd's from its start on.
"""

import csv

import bed
import harness
import watch
from figures import Figure, ratios

TITLE = '4 mail alone: an outbox that is full'
SENDER = harness.BUILD / 'bare-sender'
CONNECTIONS = (1, 4)


def ready_made(place):
    """The file of an invitation as vacd mails it."""
    path = place.folder / 'ready-made.eml'
    if not path.exists():
        database = place.outbox(20)
        sink = harness.Sink(place.folder / 'ready-made', place.certs.good)
        place.sinks.append(sink)
        daemon = place.daemon(database, sink)
        path.write_bytes(sink.wait(20)[0].path.read_bytes())
        bed.stop([daemon], sink)
        database.drop()
    return path


def bare(place, count, connections, every_ms=0):
    """{rate, cpu (s), ms (of each mail, if there is a pause between), sessions}."""
    mail = ready_made(place)
    sink = place.sink(sessions=True)
    done = harness.run_checked([SENDER, sink.port, place.certs.ca, mail, count, connections, every_ms])
    *each, last = done.stdout.splitlines()
    harness.wait_for(lambda: len(sessions(sink)) == connections, what='the end of the connections')
    sink.stop()
    return {'rate': span_rate(sink, count), 'cpu': float(last.split()[2]), 'ms': [float(line) for line in each],
            'sessions': sessions(sink)}


def sessions(sink):
    """(mails, octets in, octets out, round trips) of each connection that ended."""
    with open(sink.dir / 'sessions.tsv', encoding='ascii') as file:
        return [tuple(map(int, row)) for row in csv.reader(file, delimiter='\t')]


def span_rate(sink, count):
    times = [copy.at for copy in sink.copies()[:count]]
    return (count - 1) / (times[-1] - times[0])


def by_vacd(place, count, connections):
    database = place.outbox(count)
    sink = place.sink(sessions=True)
    daemon = place.daemon(database, sink, mail_connections=connections)
    memory = watch.Memory(daemon.pid)
    bed.wait_for_mail(sink, count)
    bed.wait_until_sent(database, count)
    memory.stop()
    cpu = watch.cpu_seconds(daemon.pid)
    daemon.stop()
    harness.wait_for(lambda: sum(row[0] for row in sessions(sink)) >= count, what='the end of the connections')
    sink.stop()
    database.drop()
    return {'rate': span_rate(sink, count), 'cpu': cpu, 'sessions': sessions(sink), 'memory': memory.peak}


def a_mail(runs, count, column):
    return [sum(row[column] for row in run['sessions']) / count for run in runs]


def measure(place):
    count = place.options.cases
    figures = []
    for connections in CONNECTIONS:
        ours, theirs = [], []
        for _ in range(place.options.runs):
            ours.append(by_vacd(place, count, connections))
            theirs.append(bare(place, count, connections))
        rates, bare_rates = [run['rate'] for run in ours], [run['rate'] for run in theirs]
        on = f'{connections} connection{"s" if connections > 1 else ""}'
        figures += [Figure(f'{count:,} mails on {on}', rates, 'a second', digits=0),
                    Figure('  the bare sender', bare_rates, 'a second', digits=0),
                    ratios('  of the bare sender', rates, bare_rates, bar=0.5, better='most'),
                    Figure('  private memory of vacd, peak', [run['memory'] for run in ours], 'MiB', digits=2)]
        for who, runs in (('vacd', ours), ('the bare sender', theirs)):
            figures += [Figure(f'  a mail of {who}: octets sent', a_mail(runs, count, 1), 'octets', digits=0),
                        Figure('    octets received', a_mail(runs, count, 2), 'octets', digits=0),
                        Figure('    round trips', a_mail(runs, count, 3), digits=2),
                        Figure('    processor time', [run['cpu'] / count * 1e6 for run in runs], 'µs', digits=0)]
    return figures
