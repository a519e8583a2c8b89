"""Bar 3: a mail server that takes 50 ms for its final 250, with 5, 20 and 100 connections.

What cannot be surpassed is connections ÷ 50 ms; the outbox is full when the daemon starts. From the first
mail that came to the last of them; the first on each connection, which come in that moment, are not counted.
"""

import bed
from figures import Figure

TITLE = '3 slow relay: 50 ms for the final 250'
DELAY_MS = 50


def one(place, connections):
    """(part of what could be reached, the same of the second half of the mails)."""
    bound = connections / (DELAY_MS / 1000)
    count = min(place.options.cases, int(bound * place.options.relay_seconds))
    database = place.outbox(place.options.cases)
    sink = place.sink(delay_ms=DELAY_MS)
    daemon = place.daemon(database, sink, mail_connections=connections)
    bed.wait_for_mail(sink, count)
    times = [copy.at for copy in sink.copies()[:count]]
    daemon.kill()       # its outbox may be full for long
    sink.stop()
    database.drop()
    half = count // 2
    return (count - connections) / (times[-1] - times[0]) / bound, (count - half - 1) / (times[-1] - times[half]) / bound


def measure(place):
    figures = []
    for connections in (5, 20, 100):
        found = [one(place, connections) for _ in range(place.options.runs)]
        figures += [Figure(f'{connections} connections, of {connections * 20:,} a second', [whole for whole, _ in found],
                           bar=0.9, better='most', digits=2),
                    Figure('  the second half of the mails', [late for _, late in found], digits=2)]
    return figures
