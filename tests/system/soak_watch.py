"""What a soak measures while it runs, and how it judges that at the end.

Memory: RssAnon of each daemon and of its readers. A daemon keeps nothing of a case, a mail or a connection
once that is done; what it holds grows with the roster alone, which stands still. So, the first quarter of
the time left out (pools fill up, the allocator finds its size), the median of the last quarter may not lie
more than MOST_GROWTH_KIB above that of the second. What that finds at the length of an hour: half of its
load lies between the middles of these quarters, some 25,000 mails out and 20,000 in, so that 50 octets lost
at each of either is too much. A run that is too short says "not judged", here and of tables.

Descriptors, threads, readers, connections: the first rest is the end of the first invented day; the last comes when all
is over and whoever calls had time to go, and then there may be no more of a kind than at the first. In between a
daemon's descriptors may never be more in all than at the first rest and as many as connections to the mail server and of
clients may be open; threads and readers one or two more. Connections to PostgreSQL are judged at the end only.

Tables: each is named in TABLES with the reason why it does not grow without end; one that is missing is a
failure, so that whoever adds a table thinks of it. They are measured on every fourth day; rows and octets of the
last quarter may not be more than those of the third but for a share. What a policy bounds is judged when the third
quarter begins later than the policy keeps.
"""

import collections
import os
import statistics
import threading
import time

MOST_GROWTH_KIB = 1024
# The heap of a daemon finds its size in some minutes of load: in less than twenty nothing is told of memory.
EVERY_S, LEAST_LOOKS = 3, 400
# More than the load of one quarter differs from that of another, and dead rows that wait for a vacuum.
MORE_ROWS, MORE_OCTETS, FEW_ROWS, FEW_OCTETS = 1.2, 1.4, 500, 1 << 20

# Why a table is bounded.
ROSTER, CASES, MESSAGES, INBOUND, HISTORY, QUEUE, DAEMONS, FIXED = (
    'by the roster', 'keep_cases', 'keep_messages', 'keep_inbound', 'keep_history', 'a queue, empty at rest',
    'daemons of 30 days', 'fixed')
TABLES = {
    'service': FIXED, 'policy': FIXED, 'protected_word': FIXED, 'allowed_domain': FIXED, 'neutral_rules': FIXED, 'migration': FIXED, 'installed': FIXED,
    'mail_identity': FIXED, 'origin': FIXED, 'clock_kind': FIXED, 'designation': FIXED, 'presence': FIXED, 'chain': FIXED, 'signer': FIXED,
    'invented_clock': FIXED, 'minimum': FIXED, 'upkeep': FIXED, 'generation': 'three a month',
    'office': ROSTER, 'office_hours': ROSTER, 'office_place': ROSTER, 'office_backup': ROSTER, 'office_designation': ROSTER,
    'office_limit': ROSTER, 'holiday': ROSTER, 'supervisor': ROSTER, 'supervisor_office': ROSTER, 'coordinator': ROSTER,
    'coordinator_service': ROSTER, 'coordinator_language': ROSTER, 'weekly_pattern': ROSTER, 'cover': ROSTER, 'cover_hours': ROSTER,
    'rotation': ROSTER, 'rotation_member': ROSTER, 'client': ROSTER, 'client_office': ROSTER, 'client_key': ROSTER, 'dispatch_group': ROSTER,
    'case_record': CASES, 'case_conflict': CASES, 'case_link': CASES, 'request': CASES, 'request_bar': CASES, 'appointment': CASES,
    'decision': CASES, 'plan': CASES, 'answer': CASES, 'clock': CASES, 'interpreter_left': CASES,
    'shift': CASES, 'duty_shift': CASES, 'leave': CASES, 'leave_event': CASES, 'rotation_cover': CASES, 'outage': CASES,
    'message': MESSAGES, 'inbound': INBOUND,
    'history': HISTORY, 'note': HISTORY, 'sealed': HISTORY, 'checkpoint': 'one a day that history goes',
    'unsealed': QUEUE, 'rotation_stale': QUEUE, 'plan_stale': QUEUE,
    'daemon': DAEMONS, 'heartbeat': DAEMONS, 'alarm': DAEMONS,
}

SIZES = '''
SELECT coalesce(pg_partition_root(c.oid)::regclass, c.oid::regclass)::text, sum(pg_total_relation_size(c.oid))::bigint
FROM pg_class c WHERE c.relnamespace = 'vac_store'::regnamespace AND c.relkind = 'r' GROUP BY 1 ORDER BY 1'''
CONNECTIONS = '''
SELECT coalesce(NULLIF(application_name, ''), usename), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> %s GROUP BY 1'''
OURS = 'soak'


def status_of(pid):
    with open(f'/proc/{pid}/status') as status:
        return dict(line.rstrip('\n').split(':', 1) for line in status)


def children_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as children:
        return [int(word) for word in children.read().split()]


def descriptors_of(pid):
    """{kind: how many}"""
    kinds = collections.Counter()
    for number in os.listdir(f'/proc/{pid}/fd'):
        try:
            kinds[kind_of(os.readlink(f'/proc/{pid}/fd/{number}'))] += 1
        except OSError:
            pass        # closed since
    return kinds


def kind_of(link):
    return link.split(':')[0] if ':' in link else 'file'


Look = collections.namedtuple('Look', 'at kib readers_kib readers threads descriptors')


def look_at(pid, at):
    status = status_of(pid)
    readers = children_of(pid)
    kib = 0
    for reader in readers:
        try:
            kib += int(status_of(reader)['RssAnon'].split()[0])
        except (OSError, KeyError):
            pass
    return Look(at, int(status['RssAnon'].split()[0]), kib, len(readers), int(status['Threads']), descriptors_of(pid))


def more_than(descriptors, those):
    return any(number > those.get(kind, 0) for kind, number in descriptors.items())


class Watch(threading.Thread):
    """Looks at daemons every few seconds; `daemons` gives (name, pid) of those that are to live all the time."""

    def __init__(self, daemons):
        super().__init__(daemon=True)
        self.daemons, self.began, self.ending = daemons, time.monotonic(), threading.Event()
        self.looks = collections.defaultdict(list)
        self.at_rest = collections.defaultdict(list)       # name: [Look]
        self.connections = []                              # [{who: how many}], at rest
        self.tables, self.days = [], []                    # [{table: (rows, octets)}], and on which day
        self.lost = []
        self.start()

    def run(self):
        while not self.ending.wait(EVERY_S):
            for name, pid in self.daemons():
                try:
                    self.looks[name].append(look_at(pid, time.monotonic() - self.began))
                except (OSError, KeyError) as problem:
                    self.lost.append(f'{name} is not there: {problem}')

    def rest(self, connection):
        """Nothing is going on: what there is now stays."""
        for name, pid in self.daemons():
            self.at_rest[name].append(look_at(pid, time.monotonic() - self.began))
        self.connections.append(dict(connection.execute(CONNECTIONS, (OURS,)).fetchall()))

    def measure_tables(self, connection, day):
        found = {}
        for table, octets in connection.execute(SIZES).fetchall():
            rows = connection.execute(f'SELECT count(*) FROM {table}').fetchone()[0]
            found[table.split('.')[-1]] = (rows, octets)
        self.tables.append(found)
        self.days.append(day)

    def finish(self):
        self.ending.set()
        self.join()


# ---- the judgement -------------------------------------------------------------------------------

def quarters(values):
    n = len(values)
    return [values[n * k // 4:n * (k + 1) // 4] for k in range(4)]


def memory(watch):
    """(lines to print, problems)"""
    lines, problems = [], []
    for name, looks in sorted(watch.looks.items()):
        if len(looks) < LEAST_LOOKS:
            lines.append(f'memory of {name} not judged: {len(looks)} looks')
            continue
        medians = [statistics.median(look.kib for look in part) for part in quarters(looks)]
        peak = max(look.kib for look in looks)
        readers = max(look.readers_kib for look in looks)
        lines.append(f'memory of {name}, KiB, medians of the quarters: {", ".join(f"{m:.0f}" for m in medians)}; most {peak}; '
                     f'its readers at most {readers}')
        if medians[3] - medians[1] > MOST_GROWTH_KIB:
            problems.append(f'memory of {name} grows: from {medians[1]:.0f} to {medians[3]:.0f} KiB')
        late = [statistics.median(look.readers_kib for look in part) for part in quarters(looks)]
        if late[3] - late[1] > MOST_GROWTH_KIB:
            problems.append(f'memory of the readers of {name} grows: from {late[1]:.0f} to {late[3]:.0f} KiB')
    return lines, problems


def descriptors(watch, slack):
    """slack: how many connections may be open at rest that are closed in time."""
    lines, problems = [], []
    for name, looks in sorted(watch.at_rest.items()):
        first, last = looks[0], looks[-1]
        most = max(sum(look.descriptors.values()) for look in watch.looks[name] + looks)
        lines.append(f'descriptors of {name}: {sum(first.descriptors.values())} at the first rest, {sum(last.descriptors.values())} at the last, '
                     f'at most {most}: {dict(last.descriptors)}; threads {last.threads}, readers {last.readers}')
        for kind in set(first.descriptors) | set(last.descriptors):
            if last.descriptors[kind] > first.descriptors[kind]:
                problems.append(f'{name} has {last.descriptors[kind]} descriptors of kind {kind} at the end, and had {first.descriptors[kind]}')
        if most > sum(first.descriptors.values()) + slack:
            problems.append(f'{name} had {most} descriptors, {sum(first.descriptors.values())} at rest')
        if any(look.threads > first.threads + 2 for look in watch.looks[name]) or last.threads > first.threads:
            problems.append(f'{name} had more threads than {first.threads}, or {last.threads} at the end')
        if any(look.readers > first.readers + 1 for look in watch.looks[name]) or last.readers != first.readers:
            problems.append(f'{name} had more readers than {first.readers}, or {last.readers} at the end')
    return lines, problems


def connections(watch):
    first, last = watch.connections[0], watch.connections[-1]
    most = max(sum(one.values()) for one in watch.connections)
    lines = [f'connections to PostgreSQL at rest: {sum(first.values())} first, {sum(last.values())} last, at most {most}: {last}']
    problems = [f'{last[who]} connections of {who} at the end, {first.get(who, 0)} at the first rest'
                for who in last if last[who] > first.get(who, 0)]
    return lines, problems


def is_bounded(early, late, more, few):
    return late <= early * more + few


def ripe_of(watch, kept):
    """({reason that can be judged}, a line that says which cannot, if any)"""
    last = watch.days[-1] if watch.days else 0
    since = watch.days[len(watch.days) // 2] if len(watch.days) > 1 else -1
    young = sorted(reason for reason, days in kept.items() if days > since)
    return set(kept) - set(young), [f'tables not judged: {last} days are too few for {"; ".join(young)}'] if young else []


def tables(watch, kept):
    """kept: {reason that holds in this run: for how many days}; of others, such as a policy that does not exist, the growth is
    told and not judged."""
    ripe, lines = ripe_of(watch, kept)
    problems, parts = [], quarters(watch.tables)
    for table in sorted({table for found in watch.tables for table in found}):
        reason = TABLES.get(table)
        if reason is None:
            problems.append(f'table {table}: nobody has said what bounds it')
            continue
        if not parts[2] or not parts[3]:
            continue
        (early_rows, early), (late_rows, late) = ([statistics.median(found.get(table, (0, 0))[k] for found in part) for k in (0, 1)]
                                                  for part in parts[2:])
        if late_rows > 100 or late > 10 * FEW_OCTETS:
            lines.append(f'{table:22} {reason:24} rows {early_rows:9.0f} then {late_rows:9.0f}, KiB {early / 1024:9.0f} then {late / 1024:9.0f}')
        if reason not in ripe:
            continue
        if not is_bounded(early_rows, late_rows, MORE_ROWS, FEW_ROWS) or reason == QUEUE and late_rows > FEW_ROWS:
            problems.append(f'table {table} ({reason}): {early_rows:.0f} rows, then {late_rows:.0f}')
        elif not is_bounded(early, late, MORE_OCTETS, FEW_OCTETS):
            problems.append(f'table {table} ({reason}): {early / 1024:.0f} KiB, then {late / 1024:.0f} KiB')
    return lines, problems
