"""What the daemon's calls of the database say at warning: read from the text of the functions, and refused where that
cannot be told.

The daemon logs what not_done() raises, and no other notice. So whatever its calls reach says nothing at warning but
by that, and says what failed in a word of its own, or in what its function was given and chooses by.
"""

import re

from loud_lines import Unreadable

TELLS = ('vac_store', 'not_done')
TEXT = r"'(?:[^']|'')*'"


def functions(texts):
    """{(schema, name): [texts without comments]}, whatever they are given."""
    found = {}
    for text in texts:
        text = re.sub(rf'({TEXT})|--[^\n]*', lambda m: m[1] or '', text)
        for one in re.split(r'^CREATE (?:OR REPLACE )?(?=\w)', text, flags=re.M)[1:]:
            named = re.match(r'FUNCTION (\w+)\.(\w+)\(', one)
            if named:
                found.setdefault((named[1], named[2]), []).append(one)
    return found


def without_texts(one):
    return re.sub(TEXT, "''", one)


def reached(made):
    """What a call of the daemon may come to, and what triggers do."""
    to_read = [key for key, texts in made.items() if key[0] == 'vac_daemon' or any('RETURNS trigger' in one for one in texts)]
    found = set()
    while to_read:
        key = to_read.pop()
        if key in made and key not in found:
            found.add(key)
            for one in made[key]:
                to_read += [(schema or 'vac_store', name) for schema, name in re.findall(r'\b(?:(\w+)\.)?(\w+)\(', without_texts(one))]
    return found


def chosen_by(one, name):
    """The words that a function chooses by."""
    return {word[1:-1] for body in re.findall(rf'\bCASE {name}\b(.*?)\bEND\b', one, re.S) for word in re.findall(rf'\bWHEN ({TEXT})', body)}


def read(texts):
    """The words by which the daemon's log says what failed."""
    made = functions(texts)
    if TELLS not in made:
        raise Unreadable('no function not_done()')
    found = set()
    for key, bodies in made.items():
        for one in bodies:
            for given in re.findall(rf'\bnot_done\(({TEXT}|\w+)', one) if key != TELLS else ():
                words = {given[1:-1]} if given.startswith("'") else chosen_by(one, given)
                if not words:
                    raise Unreadable(f'{".".join(key)} says {given}')
                found |= words
    for key in reached(made) - {TELLS}:
        if any(re.search(r'\bRAISE\s+WARNING\b', one, re.I) for one in made[key]):
            raise Unreadable(f'{".".join(key)} warns, and the daemon does not hear it: not_done()')
    return found
