"""What the tests survived: a record that they keep with the fixture `record`, and whose sums stand at the end of a run.

record.fault(where, what)      something that went wrong, or was made to, while vacd worked
record.bad_input(what)         octets from outside that must have no effect, or be refused; the test saw that it was so
record.delivered               messages that came to a mail server while the checker watched

VACD_SURVIVED=FILE has a run add its sums to a file, as a line "faults inputs messages"; a fuzzer's line has a fourth, what it
made up. Called with such a file, this adds it up: so does `./dev test` at its end.
"""

import collections
import os
import pathlib
import sys


class Record:
    def __init__(self):
        self.faults, self.inputs = collections.Counter(), collections.Counter()
        self.delivered = 0

    def fault(self, where, what, times=1):
        self.faults[where, what] += times

    def bad_input(self, what, times=1):
        self.inputs[what] += times

    def sums(self):
        return sum(self.faults.values()), sum(self.inputs.values()), self.delivered

    def lines(self):
        yield f'{"survived at":34} {"fault":46} {"times":>7}'
        for (where, what), times in sorted(self.faults.items()):
            yield f'{where:34} {what:46} {times:7}'
        for what, times in sorted(self.inputs.items()):
            yield f'{"bad input":34} {what:46} {times:7}'
        faults, inputs, delivered = self.sums()
        yield f'{faults} faults survived, {inputs} bad inputs tried, {delivered} messages delivered'


RECORD = Record()


def tell(terminalreporter):
    """At the end of a run, if there is something to tell."""
    if not any(RECORD.sums()):
        return
    terminalreporter.write_sep('=', 'survived')
    for line in RECORD.lines():
        terminalreporter.write_line(line)
    if 'VACD_SURVIVED' in os.environ:
        with open(os.environ['VACD_SURVIVED'], 'a') as file:
            print(*RECORD.sums(), file=file)


def add_up(path):
    lines = [[int(word) for word in line.split()] for line in pathlib.Path(path).read_text().splitlines()]
    faults, inputs, delivered, made_up = (sum(line[n] for line in lines if n < len(line)) for n in range(4))
    return f'{faults} faults survived, {inputs} bad inputs tried and {made_up} made up by fuzzers, {delivered} messages delivered'


if __name__ == '__main__' and os.path.exists(sys.argv[1]):
    print(add_up(sys.argv[1]))
