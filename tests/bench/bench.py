#!/usr/bin/python3
"""`./dev bench [PART…]`: how fast vacd is on this machine, beside what the machine and others can do.

Parts, one a bar: backlog trickle relay mail render growth first-day memory idle; and plan, views (programs of
their own; each, as the only part, with its own options), standing, profile (where a backlog's time goes). Without a part: plan
and all of these but views and profile. Each part is a module of this folder whose text says what is measured. Figures are medians over the runs; ± is half of what
lies between the least and the greatest run, as a part of the median: a difference smaller than that says nothing.
"""

import argparse
import pathlib
import subprocess
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'system'))

import backlog  # noqa: E402
import bed  # noqa: E402
import figures  # noqa: E402
import first_day  # noqa: E402
import growth  # noqa: E402
import harness  # noqa: E402
import idle  # noqa: E402
import mail_alone  # noqa: E402
import memory  # noqa: E402
import node_worker  # noqa: E402
import relay  # noqa: E402
import render  # noqa: E402
import standing  # noqa: E402
import time_spent  # noqa: E402
import trickle  # noqa: E402

PARTS = {'backlog': backlog, 'trickle': trickle, 'relay': relay, 'mail': mail_alone, 'render': render, 'growth': growth,
         'first-day': first_day, 'memory': memory, 'idle': idle, 'standing': standing, 'profile': time_spent}
PROGRAMS = {'plan': 'plan_bench.py', 'views': 'views_bench.py'}
# (usual, with --quick)
SIZES = {'runs': (5, 3, 'of each measurement; the median counts'),
         'cases': (10000, 1000, 'of the backlog, the outbox, the first day'),
         'node_cases': (10000, 500, 'of the backlog of a Node.js worker'),
         'seconds': (60, 12, 'of the trickle, in all'),
         'relay_seconds': (5, 2, 'of each run with a slow relay, if the outbox lasts'),
         'renderings': (50000, 10000, 'invitations written in each run'),
         'growth_cases': (3000, 300, 'that come in at once in each run'),
         'offices': (1000, 200, 'to which it grows, with six coordinators each'),
         'history': (1000000, 20000, 'appointments that are over'),
         'settle': (40, 35, 'seconds that a daemon is given to become idle: it keeps connections for 30'),
         'idle_seconds': (60, 20, 'of each run that watches an idle daemon'),
         'idle_runs': (3, 1, 'of them')}


def read_options():
    parser = argparse.ArgumentParser(prog='./dev bench', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('parts', nargs='*', metavar='PART', help=' '.join([*PROGRAMS, *PARTS]))
    parser.add_argument('--quick', action='store_true', help='smaller and less exact')
    parser.add_argument('--node', action='store_true', help='backlog beside a Node.js worker, which npm installs (network); without it, beside one that is installed')
    parser.add_argument('--seed', type=int, default=1)
    for name, (usual, quick, text) in SIZES.items():
        parser.add_argument(f'--{name.replace("_", "-")}', type=int, help=f'{text} ({usual:,}; quick: {quick:,})')
    options = parser.parse_args()
    for name, (usual, quick, _) in SIZES.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
    unknown = set(options.parts) - {*PROGRAMS, *PARTS}
    if unknown:
        parser.error(f'no part {", ".join(sorted(unknown))}')
    options.parts = options.parts or ['plan', *[part for part in PARTS if part != 'profile']]
    return options


def run_program(part, words):
    """Its exit status: 0 also means that it reached its bars."""
    return subprocess.run([sys.executable, HERE / PROGRAMS[part], *words], check=False).returncode


def measure(parts, options):
    """[(part, figure)] of all, and the parts that failed."""
    found, failed = [], []
    with harness.temporary_folder() as folder:
        place = bed.Bed(folder, options)
        try:
            for part in parts:
                try:
                    some = PARTS[part].measure(place)
                except Exception:   # whatever it is, the others can be measured
                    traceback.print_exc()
                    failed.append(part)
                    place.quiet()
                    continue
                figures.show(PARTS[part].TITLE, some)
                found += [(part, figure) for figure in some]
        finally:
            place.close()
    return found, failed


def summary(found):
    barred = [(part, figure) for part, figure in found if figure.bar is not None]
    missed = [f'  {part}: {figure.line(0).strip()}' for part, figure in barred if not figure.met]
    noise = sorted(figure.noise / 2 for _, figure in found if len(figure.values) > 1)
    if noise:
        print(f'\nthe runs lie within ± {noise[len(noise) // 2]:.0%} of their median (half of the measurements), ± {noise[-1]:.0%} at worst')
    print(f'bars met: {len(barred) - len(missed)} of {len(barred)}' + ('; missed:' if missed else ''), *missed, sep='\n')


def main():
    first, *rest = sys.argv[1:] or ['']
    if first in PROGRAMS and not {*rest} & {*PROGRAMS, *PARTS}:
        return run_program(first, rest)
    options = read_options()
    if options.node:
        node_worker.install()
    print(figures.machine(), flush=True)
    parts = [part for part in options.parts if part in PARTS]
    failed = []
    for part in [part for part in options.parts if part in PROGRAMS]:
        print(f'\n{part}', flush=True)
        if run_program(part, ['--quick'] if options.quick and part == 'plan' else []) != 0:
            failed.append(part)
    if parts:
        found, more = measure(parts, options)
        summary(found)
        failed += more
    if failed:
        print(f'failed, or missed a bar of its own: {" ".join(failed)}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
