"""What the model of the random walk knows of requests and appointments: see test_answers_walk.py."""

WEIGHT = {'DECLINED': 5, 'DELEGATED': 4, 'COUNTER': 3, 'ACCEPTED': 2, 'TENTATIVE': 1}
LIVE, OVER, ENDED = ('invited', 'accepted'), ('held', 'missed'), ('declined', 'lapsed', 'replaced', 'cancelled')

# The planner makes room for something that hurries, at the same coordinator.
MOVE = '''
CREATE FUNCTION pg_temp.move(id bigint, starts timestamptz) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        a vac_store.appointment := pg_temp.a(id);
        one vac_store.planned;
    BEGIN
        SELECT 1, a.request_id, a.coordinator_id, s.span, s.span, false, false, id, a.coordinator_id, pg_temp.secs(lower(a.span))
            INTO one.n, one.request_id, one.coordinator_id, one.span, one.busy, one.by_interpreter, one.over_cap, one.appointment_id, one.from_coordinator, one.from_start
            FROM (SELECT tstzrange(starts, starts + (upper(a.span) - lower(a.span))) AS span) s;
        one.group_id := 1;
        IF vac_store.move_rule(one, ARRAY[one], now(), '{}') = 'move_changed' THEN
            RETURN 'changed';
        END IF;
        RETURN vac_store.place_moved(one, ARRAY[one], '{}', now(), '{"1": {"fence": 1, "round": 1}}');
    END
$$'''


class Appointment:
    """What the model knows: plain facts, and none of how the database finds them."""

    def __init__(self, request, who, slot):
        self.request, self.who, self.slot = request, who, slot
        self.id = self.uid = self.handle = None
        self.state, self.sequence, self.asked_again, self.past, self.answered = 'invited', 0, None, False, False
        self.partstat = self.outcome = None
        self.overdue = False        # its window is over
        self.told_again = False     # what may have arrived, though the invitation came back
        self.begins = {0: slot}     # SEQUENCE: the slot it had
        self.last = {}              # who: (SEQUENCE, DTSTAMP, weight)
        self.taken = []             # mails that were taken

    def live(self):
        return self.state in LIVE


class Request:
    def __init__(self, number, case, opened, hurry):
        self.id, self.case, self.opened, self.hurry, self.state, self.bars, self.all = number, case, opened, hurry, 'open', {}, []
        self.responsible = self.contacted = None
        self.place, self.on_hold, self.withdrawn, self.kept_back = 'MAIN', False, False, []

    def live(self):
        return [a for a in self.all if a.live()]

    def standing(self):
        return next(iter(self.live()), None)

    def again(self):
        """Planned again, unless somebody has it or the meeting took place."""
        if self.state in ('planned', 'met') and not self.live() and not any(a.state == 'held' for a in self.all):
            self.state = 'open'

    def bar(self, who):
        self.bars[who] = self.bars.get(who, 0) + 1
