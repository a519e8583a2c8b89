"""The rules and the cost of plan.h once more, by the words there and not by the planner's code.

For urgent and routine requests, without moves. A plan is {request id: (coordinator id, start)}.
"""

LEVELS = ('unserved urgent', 'unserved routine', 'late urgent', 'late routine', 'on call', 'cost')


def overlaps(a, b):
    return a[0] < b[1] and b[0] < a[1]


def covers(spans, span):
    """Whether spans, joined where they touch, hold all of span."""
    at = span[0]
    for start, end in sorted(spans):
        if start <= at < end:
            at = end
    return at >= span[1]


def need(request):
    return (request['urgency'] != 'urgent', request['due'], request['id'])


class Option:
    """One start of one request with one coordinator that breaks no rule by itself."""

    def __init__(self, rules, request, person, start):
        travel = rules.travel(request, person)
        self.request, self.person, self.start = request, person, start
        self.meeting = (start, start + request['minutes'] * 60)
        self.busy = (start - travel, self.meeting[1] + request['buffer'] * 60 + travel)
        self.late = max(0, -((request['due'] - start) // 60))
        self.on_call = not covers(person['regular'], self.meeting)
        self.counted = request['minutes'] + 2 * travel // 60
        self.units = -(-request['minutes'] * request['load_percent'] // 1500)
        self.day, self.week = rules.day(person, start)


class Rules:
    def __init__(self, instance):
        self.instance = instance
        self.policy = instance['policy']
        self.people = {one['id']: one for one in instance['coordinators']}
        self.offices = {one['id']: one for one in instance['offices']}
        self.requests = sorted(instance['requests'], key=need)

    # ---- parts of the rules ------------------------------------------------------------------------
    def backup(self, request, person):
        """(rank, travel minutes) or None: out of reach."""
        if request['office'] == person['office']:
            return 0, 0
        for office, rank, minutes in self.offices[request['office']].get('backups', []):
            if office == person['office']:
                return rank, minutes
        return None

    def travel(self, request, person):
        return 0 if request.get('telephone') else self.backup(request, person)[1] * 60

    def day(self, person, moment):
        """(index, week); what comes before the first day is of no day and no week."""
        days = self.instance['zones'][person['zone']]['days']
        for index in reversed(range(len(days))):
            if days[index][0] <= moment:
                return index, days[index][1]
        return None, None

    def person_fits(self, request, person):
        fits = self.backup(request, person) is not None
        fits &= person['id'] not in request.get('conflicts', []) + request.get('barred', [])
        fits &= request['service'] in person['services']
        fits &= bool(request.get('interpreter')) or request['language'] in person['languages']
        fits &= not request.get('gender_required') or request.get('gender', 0) == person['gender']
        fits &= request['urgency'] == 'routine' or not person.get('locked')
        return fits

    def time_fits(self, option):
        request, person = option.request, option.person
        office = self.offices[request['office']]
        shifts = person['regular'] + (person.get('on_call', []) if request['urgency'] == 'urgent' else [])
        hours = office['urgent_hours' if request['urgency'] == 'urgent' else 'office_hours']
        if not covers(shifts, option.meeting) or not covers(hours, option.meeting):
            return False
        if any(start <= option.start < end for start, end in person.get('rest', [])):
            return False
        if any(overlaps(span, option.busy) for span in person.get('leave', [])):
            return False
        return not any((row['coordinator'] == person['id'] and overlaps(row['busy'], option.busy)) or
                       (row['case'] == request['case'] and overlaps(row['meeting'], option.meeting))
                       for row in self.instance['appointments'])

    def options_of(self, request):
        grid = self.policy['grid']
        first = max(request['earliest'], self.policy['now'])
        first += -first % grid
        fitting = [one for one in self.people.values() if self.person_fits(request, one)]
        for start in range(first, request['latest'] - request['minutes'] * 60 + 1, grid):
            for person in fitting:
                option = Option(self, request, person, start)
                if self.time_fits(option):
                    yield option

    # ---- what stands -------------------------------------------------------------------------------
    def standing(self, person):
        """({day: meetings}, {week: minutes}) of the appointments there are."""
        meetings, minutes = {}, {}
        for row in self.instance['appointments']:
            day, week = self.day(person, row['meeting'][0])
            if row['coordinator'] == person['id'] and day is not None:
                meetings[day] = meetings.get(day, 0) + 1
                minutes[week] = minutes.get(week, 0) + row['counted']
        return meetings, minutes

    def holders(self, case):
        return {row['coordinator'] for row in self.instance['appointments'] if row['case'] == case}

    # ---- cost --------------------------------------------------------------------------------------
    def weight(self, term, request):
        return self.policy[term][1 if request['urgency'] == 'urgent' else 2]

    def own_terms(self, option):
        """The terms that depend on nothing but the option itself."""
        request, person = option.request, option.person
        unmet = request.get('gender', 0) not in (0, person['gender'])
        unmet += request.get('preferred', 0) not in (0, person['id'])
        known = set(request.get('met', [])) | {request.get('responsible', 0)} - {0}
        times = {'wait': (option.start - self.policy['now']) // 60, 'collateral': person['collateral'],
                 'backup': self.backup(request, person)[0],
                 'interpreter': request['language'] not in person['languages'], 'preference': unmet,
                 'continuity': bool(known) and person['id'] not in known}
        return {term: n * self.weight(term, request) for term, n in times.items()}

    def unit_price(self, person, number):
        """Of the number-th weighted quarter-hour that somebody has, from 1."""
        shifts = max(60, person['weekly_shift_minutes'])
        return 75 * self.policy['load'][2] * (2 * number - 1) // (16 * shifts)

    def first_unit(self, person):
        return person['load_minutes'] // 15 + 1

    def known_to_victim(self, request):
        return bool(request.get('met')) or request.get('responsible', 0) != 0

    def continuity(self, options):
        """{request id: cost} of those whose case knows nobody, options in order of need."""
        costs, groups = {}, {}
        for option in options:
            case = option.request['case']
            seen = groups.setdefault(case, self.holders(case))
            if not self.known_to_victim(option.request):
                stranger = bool(seen) and option.person['id'] not in seen
                costs[option.request['id']] = stranger * self.weight('continuity', option.request)
            seen.add(option.person['id'])
        return costs

    def price(self, plan):
        """(levels, {request id: terms}) of a plan."""
        chosen = [Option(self, request, self.people[plan[request['id']][0]], plan[request['id']][1])
                  for request in self.requests if request['id'] in plan]
        continuity, given, terms, levels = self.continuity(chosen), {}, {}, [0] * 6
        for request in self.requests:
            levels[request['urgency'] == 'routine'] += request['id'] not in plan
        for option in chosen:
            own = self.own_terms(option)
            own['continuity'] += continuity.get(option.request['id'], 0)
            first = given.get(option.person['id'], self.first_unit(option.person))
            own['load'] = sum(self.unit_price(option.person, first + n) for n in range(option.units))
            given[option.person['id']] = first + option.units
            terms[option.request['id']] = own
            levels[2 + (option.request['urgency'] == 'routine')] += option.late
            levels[4] += option.on_call
            levels[5] += sum(own.values())
        return levels, terms

    # ---- a plan as a whole -------------------------------------------------------------------------
    def faults(self, plan):
        """What is wrong with a plan, in words."""
        found, chosen = [], []
        for request in self.requests:
            if request['id'] not in plan:
                continue
            person, start = plan[request['id']]
            option = next((one for one in self.options_of(request)
                           if (one.person['id'], one.start) == (person, start)), None)
            if option is None:
                found.append(f'request {request["id"]} cannot be at {start} with {person}')
            else:
                chosen.append(option)
        for i, a in enumerate(chosen):
            for b in chosen[:i]:
                if a.person is b.person and overlaps(a.busy, b.busy):
                    found.append(f'requests {a.request["id"]} and {b.request["id"]}: one coordinator, two places')
                if a.request['case'] == b.request['case'] and overlaps(a.meeting, b.meeting):
                    found.append(f'requests {a.request["id"]} and {b.request["id"]}: one victim, two places')
        return found + [fault for person in self.people.values() for fault in self.caps_broken(
            person, [one for one in chosen if one.person is person])]

    def caps_broken(self, person, options):
        meetings, minutes = self.standing(person)
        before = len(set(person['open_cases']))
        cases = set(person['open_cases']) | {one.request['case'] for one in options}
        if len(cases) > max(before, person['max_open_cases']):
            yield f'coordinator {person["id"]}: {len(cases)} open cases'
        for day in {one.day for one in options}:
            n = meetings.get(day, 0) + sum(one.day == day for one in options)
            if n > person['meetings_a_day']:
                yield f'coordinator {person["id"]}: {n} meetings on day {day}'
        for week in {one.week for one in options}:
            n = minutes.get(week, 0) + sum(one.counted for one in options if one.week == week)
            if n > person['weekly_minutes']:
                yield f'coordinator {person["id"]}: {n} minutes in week {week}'
