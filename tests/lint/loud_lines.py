"""Which events C code logs at warning or above: read from its text, and refused where that cannot be told.

A call says its event in words of its own, or passes on what its function was given; then those who call that
function are read in its place. Whatever else stands there is an error: a list that left it out would be short.
"""

import re

LOUD = {'LOG_EMERG', 'LOG_ALERT', 'LOG_CRIT', 'LOG_ERR', 'LOG_WARNING'}
# {function: (its priority, where its event stands among the arguments)}; the priority is a place or a text.
LOGGERS = {'log_line': (0, 1), 'log_error': ('LOG_ERR', 0), 'log_warning': ('LOG_WARNING', 0),
           'log_notice': ('LOG_NOTICE', 0), 'log_info': ('LOG_INFO', 0), 'log_debug': ('LOG_DEBUG', 0)}
LITERAL = r'"(?:[^"\\]|\\.)*"'


class Unreadable(Exception):
    pass


def without_comments(text):
    """Each comment as one blank; what looks like one inside a string stays."""
    return re.sub(rf"({LITERAL}|'(?:[^'\\]|\\.)+')|/\*.*?\*/|//[^\n]*", lambda m: m[1] or ' ', text, flags=re.S)


def arguments(text, start):
    """Those of a call whose parenthesis opens just before start."""
    found, depth, at = [''], 0, start
    while True:
        literal = re.compile(LITERAL).match(text, at)
        piece = literal[0] if literal else text[at]
        if piece == ')' and depth == 0:
            return [' '.join(one.split()) for one in found]
        depth += (piece in '([{') - (piece in ')]}') if len(piece) == 1 else 0
        if piece == ',' and depth == 0:
            found.append('')
        else:
            found[-1] += piece
        at += len(piece)


def choices(expression):
    """[(condition or '', text)] of "a", or of c ? a : b."""
    chosen = re.fullmatch(rf'([^?"]*?) \? ((?:{LITERAL}|\w+)(?: {LITERAL})*) : ((?:{LITERAL}|\w+)(?: {LITERAL})*)', expression)
    return [(chosen[1], chosen[2]), (f'!{chosen[1]}', chosen[3])] if chosen else [('', expression)]


def words(expression):
    """The text of one literal or several; None where it is something else."""
    if re.fullmatch(rf'{LITERAL}(?: ?{LITERAL})*', expression):
        return ''.join(literal[1:-1] for literal in re.findall(LITERAL, expression))
    return None


def parameters(text, position):
    """Name of the function around, and the names of what it is given: nothing of one that other files may call."""
    heads = list(re.finditer(r'^(static )?[\w ]+?[ *]+(\w+)\(([^;{}]*?)\)\n\{', text[:position], re.M))
    if not heads or '\n}' in text[heads[-1].end():position]:
        return None, []
    if not heads[-1][1]:
        return heads[-1][2], []
    return heads[-1][2], [re.sub(r'\[.*\]$', '', one.strip()).split('*')[-1].split()[-1] for one in heads[-1][3].split(',')]


def read_call(given, logger, around):
    """([events], a logger that the function around is in its turn, or None)."""
    priority_at, event_at = logger
    priority = given[priority_at] if isinstance(priority_at, int) else priority_at
    name, names = around
    loud = []
    passed_on = None
    for when, level in choices(priority):
        if level not in names and not re.fullmatch(r'LOG_[A-Z]+', level):
            raise Unreadable(f'priority {priority}')
        if level not in names and level not in LOUD:
            continue
        for also, event in choices(given[event_at]):
            if when and also and when != also and when.strip('!') == also.strip('!'):
                continue        # never together
            if words(event) is not None and level in LOUD:
                loud.append(words(event))
            elif event in names:
                passed_on = (name, (names.index(level) if level in names else level, names.index(event)))
            else:
                raise Unreadable(f'event {event} of priority {level}')
    return loud, passed_on


def read(text, loggers=None):
    """Events that this file logs at warning or above."""
    text = without_comments(text)
    known = dict(loggers or LOGGERS)
    to_read = list(known)
    found = set()
    while to_read:
        name = to_read.pop()
        for call in re.finditer(rf'\b{name}\b', text):
            rest = text[call.end():]
            around = parameters(text, call.start())
            if around[0] is None and re.match(r'\([^;{}"]*\)(\n\{|;)', rest):
                continue        # where it is made, or made known
            if not rest.startswith('('):
                raise Unreadable(f'{name} is not called, but passed on')
            loud, passed_on = read_call(arguments(text, call.end() + 1), known[name], around)
            found |= set(loud)
            if passed_on and passed_on[0] not in known:
                known[passed_on[0]] = passed_on[1]
                to_read.append(passed_on[0])
            elif passed_on and known[passed_on[0]] != passed_on[1]:
                raise Unreadable(f'{passed_on[0]} passes on events of two kinds')
    return found
