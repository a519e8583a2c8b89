"""The best plan there is, by CBC: a variable for each start of each request with each coordinator.

The levels of plan.h are solved one after the other, each fixed before the next. What CBC gives is priced
anew (rules.py), so that a slip of its arithmetic shows.
"""

import pathlib
import subprocess
import tempfile
import time

import rules


class Unproven(Exception):
    """CBC did not prove its plan to be the best within its time."""


class Model:
    def __init__(self, rule_book):
        self.rules = rule_book
        self.options = [one for request in rule_book.requests for one in rule_book.options_of(request)]
        self.rows, self.bounds, self.binaries = [], [], []
        self.levels = [{} for _ in rules.LEVELS]
        self.constants = [0] * len(rules.LEVELS)
        self.by_request = {request['id']: [] for request in rule_book.requests}
        self.by_person = {person: [] for person in rule_book.people}
        self.by_case = {}
        for number, option in enumerate(self.options):
            self.by_request[option.request['id']].append(number)
            self.by_person[option.person['id']].append(number)
            self.by_case.setdefault(option.request['case'], []).append(number)
            self.binaries.append(f'x{number}')
        self.add_levels()
        for person in rule_book.people.values():
            self.add_person(person)
        self.add_requests()
        for case in self.by_case:
            self.add_case(case)

    def row(self, terms, sense, bound):
        if terms:
            self.rows.append((terms, sense, bound))

    def charge(self, level, name, amount):
        if amount:
            self.levels[level][name] = self.levels[level].get(name, 0) + amount

    def add_levels(self):
        for number, option in enumerate(self.options):
            routine = option.request['urgency'] == 'routine'
            self.charge(2 + routine, f'x{number}', option.late)
            self.charge(4, f'x{number}', int(option.on_call))
            self.charge(5, f'x{number}', sum(self.rules.own_terms(option).values()))
            self.charge(int(routine), f'x{number}', -1)
        for request in self.rules.requests:
            self.constants[request['urgency'] == 'routine'] += 1

    def add_requests(self):
        for numbers in self.by_request.values():
            self.row({f'x{n}': 1 for n in numbers}, '<=', 1)

    def add_cliques(self, numbers, span_of):
        """At most one of those that hold each moment; the moments at which one begins are enough."""
        cliques = set()
        for moment in {span_of(self.options[n])[0] for n in numbers}:
            cliques.add(frozenset(n for n in numbers if span_of(self.options[n])[0] <= moment < span_of(
                self.options[n])[1]))
        for clique in sorted(map(sorted, cliques)):
            if len({self.options[n].request['id'] for n in clique}) > 1:
                self.row({f'x{n}': 1 for n in clique}, '<=', 1)

    def add_person(self, person):
        numbers = self.by_person[person['id']]
        meetings, minutes = self.rules.standing(person)
        self.add_cliques(numbers, lambda option: option.busy)
        for day in sorted({self.options[n].day for n in numbers}):
            self.row({f'x{n}': 1 for n in numbers if self.options[n].day == day}, '<=',
                     person['meetings_a_day'] - meetings.get(day, 0))
        for week in sorted({self.options[n].week for n in numbers}):
            self.row({f'x{n}': self.options[n].counted for n in numbers if self.options[n].week == week}, '<=',
                     person['weekly_minutes'] - minutes.get(week, 0))
        self.add_open_cases(person, numbers)
        self.add_load(person, numbers)

    def add_open_cases(self, person, numbers):
        new = {}
        for n in numbers:
            case = self.options[n].request['case']
            if case not in person['open_cases']:
                new.setdefault(case, []).append(n)
        total = {}
        for case, theirs in new.items():
            requests = {self.options[n].request['id'] for n in theirs}
            if len(requests) == 1:
                total.update({f'x{n}': 1 for n in theirs})
                continue
            opened = self.indicator(f'o{person["id"]}_{case}', theirs)
            total[opened] = 1
        self.row(total, '<=', max(0, person['max_open_cases'] - len(set(person['open_cases']))))

    def indicator(self, name, numbers):
        """A variable that is 1 when any of these is chosen."""
        self.binaries.append(name)
        groups = {}
        for n in numbers:
            groups.setdefault(self.options[n].request['id'], []).append(n)
        for group in groups.values():
            self.row({**{f'x{n}': 1 for n in group}, name: -1}, '<=', 0)
        return name

    def add_load(self, person, numbers):
        """Quarter-hours, each dearer than the one before: the cheapest are taken first by themselves."""
        requests = {}
        for n in numbers:
            requests[self.options[n].request['id']] = self.options[n].units
        first, most = self.rules.first_unit(person), sum(requests.values())
        units = {f'x{n}': self.options[n].units for n in numbers if self.options[n].units}
        for k in range(most):
            name = f'l{person["id"]}_{k}'
            units[name] = -1
            self.bounds.append(f'0 <= {name} <= 1')
            self.charge(5, name, self.rules.unit_price(person, first + k))
        self.row(units, '<=', 0)

    def add_case(self, case):
        numbers = self.by_case[case]
        requests = {self.options[n].request['id']: self.options[n].request for n in numbers}
        if len(requests) > 1:
            self.add_cliques(numbers, lambda option: option.meeting)
        if any(map(self.rules.known_to_victim, requests.values())):
            return
        holders = self.rules.holders(case)
        if len(requests) == 1:
            if holders:
                self.charge_strangers(numbers, holders)
            return
        self.add_family(case, numbers, holders)

    def charge_strangers(self, numbers, holders):
        for n in numbers:
            option = self.options[n]
            if option.person['id'] not in holders:
                self.charge(5, f'x{n}', self.rules.weight('continuity', option.request))

    def add_family(self, case, numbers, holders):
        """Each coordinator but those who have a meeting costs once; the first is free if nobody has."""
        weight = self.rules.policy['continuity'][2]
        assert self.rules.policy['continuity'][1] == weight, 'one weight of continuity is assumed here'
        for person in sorted({self.options[n].person['id'] for n in numbers} - holders):
            theirs = [n for n in numbers if self.options[n].person['id'] == person]
            self.charge(5, self.indicator(f'c{case}_{person}', theirs), weight)
        if not holders:
            self.binaries.append(f'f{case}')
            self.row({f'f{case}': 1, **{f'x{n}': -1 for n in numbers}}, '<=', 0)
            self.charge(5, f'f{case}', -weight)

    # ---- solving -----------------------------------------------------------------------------------
    def write(self, path, objective):
        def sum_text(terms):
            return ' '.join(f'{"+" if c >= 0 else "-"} {abs(c)} {name}\n' for name, c in terms.items())

        with open(path, 'w', encoding='ascii') as out:
            out.write('Minimize\nobj: ' + sum_text(objective or {self.binaries[0]: 0}) + 'Subject To\n')
            for number, (terms, sense, bound) in enumerate(self.rows):
                out.write(f'r{number}: {sum_text(terms)} {sense} {bound}\n')
            out.write('Bounds\n' + ''.join(f'{bound}\n' for bound in self.bounds))
            out.write('Binaries\n' + ''.join(f'{name}\n' for name in self.binaries) + 'End\n')

    def solve_one(self, folder, objective, seconds):
        model, found = folder / 'model.lp', folder / 'solution'
        self.write(model, objective)
        found.unlink(missing_ok=True)
        subprocess.run(['cbc', model, '-ratioGap', '0', '-allowableGap', '0', '-seconds', str(seconds), '-solve',
                        '-solution', found], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=True)
        lines = found.read_text().splitlines() if found.exists() else ['']
        if not lines[0].startswith('Optimal'):
            raise Unproven(lines[0])
        values = {}
        for line in lines[1:]:
            words = line.replace('**', '').split()
            values[words[1]] = float(words[2])
        return values

    def solve(self, seconds):
        """(plan, levels). Raises Unproven."""
        if not self.options:
            return {}, self.rules.price({})[0]
        deadline, plan, levels = time.monotonic() + seconds, {}, None
        with tempfile.TemporaryDirectory(prefix='vacd-exact') as folder:
            for level, objective in enumerate(self.levels):
                if levels is not None and (not objective or levels[level] == self.least(level)):
                    self.fix(level, objective, levels[level])
                    continue
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Unproven('out of time')
                values = self.solve_one(pathlib.Path(folder), objective, left)
                plan = {self.options[n].request['id']: (self.options[n].person['id'], self.options[n].start)
                        for n in range(len(self.options)) if values.get(f'x{n}', 0) > 0.5}
                levels = self.rules.price(plan)[0]
                self.check(plan, level, objective, values)
                self.fix(level, objective, levels[level])
        return plan, levels

    def least(self, level):
        """What no plan can be below, but for cost."""
        return 0 if level < 5 else None

    def fix(self, level, objective, value):
        self.row(dict(objective), '<=', value - self.constants[level])

    def check(self, plan, level, objective, values):
        faults = self.rules.faults(plan)
        if faults:
            raise AssertionError(f'the model allows what the rules do not: {faults}')
        price = self.rules.price(plan)[0][level]
        found = self.constants[level] + sum(c * values.get(name, 0) for name, c in objective.items())
        if abs(price - found) > 0.01:
            raise AssertionError(f'{rules.LEVELS[level]}: the model says {found}, the rules say {price}')


def solve(instance, seconds):
    """(plan, levels, seconds taken); Unproven when CBC has not proven it in time."""
    begun = time.monotonic()
    plan, levels = Model(rules.Rules(instance)).solve(seconds)
    return plan, levels, time.monotonic() - begun
