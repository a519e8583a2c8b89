"""What a process uses, read from /proc: private memory, processor time, wake-ups."""

import os
import pathlib
import threading
import time


def children(pid):
    """Of all its threads, the youngest generation only."""
    found = []
    for task in pathlib.Path(f'/proc/{pid}/task').glob('*'):
        try:
            found += [int(word) for word in (task / 'children').read_text().split()]
        except OSError:
            continue
    return found


def private_kib(pid):
    """RssAnon; 0 of a process that is gone."""
    try:
        for line in pathlib.Path(f'/proc/{pid}/status').read_text(encoding='ascii', errors='replace').splitlines():
            if line.startswith('RssAnon:'):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def cpu_seconds(pid):
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='ascii').rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def family_seconds(pid):
    """Processor time of a process and of all that it started, those that ended with them: of a whole PostgreSQL."""
    ticks = 0
    for member in (pid, *children(pid)):
        try:
            fields = pathlib.Path(f'/proc/{member}/stat').read_text(encoding='ascii').rsplit(')', 1)[1].split()
        except OSError:
            continue            # ended meanwhile
        ticks += sum(map(int, fields[11:15] if member == pid else fields[11:13]))
    return ticks / os.sysconf('SC_CLK_TCK')


def wake_ups(pid):
    """How often its threads have given up the processor of themselves, which is to sleep until something comes."""
    total = 0
    for task in pathlib.Path(f'/proc/{pid}/task').glob('*'):
        for line in (task / 'status').read_text(encoding='ascii', errors='replace').splitlines():
            if line.startswith('voluntary_ctxt_switches:'):
                total += int(line.split()[1])
    return total


class Memory(threading.Thread):
    """The peak of a daemon's private memory in MiB, and apart from it its reader's, looked at 20 times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = self.reader_peak = 0.0
        self.over = threading.Event()
        self.start()

    def look(self):
        self.peak = max(self.peak, private_kib(self.pid) / 1024)
        readers = sum(private_kib(child) for child in children(self.pid))
        self.reader_peak = max(self.reader_peak, readers / 1024)

    def run(self):
        while not self.over.wait(0.05):
            self.look()

    def stop(self):
        """The daemon must still run: what is not there any more cannot be looked at."""
        self.over.set()
        self.join()
        self.look()
        return self.peak


def idle_for(pid, seconds):
    """(wake-ups, processor seconds) of a process while we sleep."""
    wakes, cpu = wake_ups(pid), cpu_seconds(pid)
    time.sleep(seconds)
    return wake_ups(pid) - wakes, cpu_seconds(pid) - cpu
