"""What was measured, beside its bar: the median of some runs, and how far the runs lie apart."""

import os
import pathlib
import statistics
import subprocess
import time

import harness


class Figure:
    """values: one a run. bar: what the median must reach ('most') or not exceed ('least'); None: only stated."""

    def __init__(self, name, values, unit='', bar=None, better='least', digits=1):
        self.name = name
        self.values = list(values)
        self.unit = unit
        self.bar = bar
        self.better = better
        self.digits = digits

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def noise(self):
        """From the least to the greatest, as a part of the median."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0

    @property
    def met(self):
        if self.bar is None:
            return True
        return self.median >= self.bar if self.better == 'most' else self.median <= self.bar

    def verdict(self):
        if self.bar is None:
            return ''
        words = f'bar {"≥" if self.better == "most" else "≤"} {self.bar:,g}: {"met" if self.met else "MISSED"}'
        if self.met or not self.median:
            return words
        return f'{words} by {self.bar / self.median if self.better == "most" else self.median / self.bar:.2f} times'

    def line(self, width):
        noise = f'± {self.noise / 2:4.0%}' if len(self.values) > 1 else ''
        return f'  {self.name:<{width}} {self.median:>11,.{self.digits}f} {self.unit:<8} {noise:<7} {self.verdict()}'.rstrip()


def show(title, figures):
    """Prints them under a title."""
    width = max(len(figure.name) for figure in figures)
    print(f'\n{title}', *[figure.line(width) for figure in figures], sep='\n', flush=True)


def ratios(name, over, under, **options):
    """The quotients of two measurements that took turns, run by run."""
    return Figure(name, [a / b for a, b in zip(over, under)], digits=2, **options)


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def machine():
    """One line on what it was measured on, one on when and how busy that was."""
    model = 'unknown processor'
    for line in pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines():
        if line.startswith('model name'):
            model = line.split(':', 1)[1].strip()
    version = subprocess.run([harness.POSTGRES_BIN / 'postgres', '--version'], stdout=subprocess.PIPE, text=True, check=True)
    return (f'{os.cpu_count()} cores of {model}; {version.stdout.strip()}, durable as it comes; TLS everywhere\n'
            f'{time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}; load {os.getloadavg()[0]:.1f} (runnable, last minute)')
