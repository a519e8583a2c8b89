"""What the benchmark's Node.js worker is installed from: exact versions, known by their sums, from wherever npm looks."""

import json
import re

import harness

FOLDER = harness.ROOT / 'tests' / 'bench' / 'node'
LICENCES = {'0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0', 'Python-2.0'}


def packages():
    lock = json.loads((FOLDER / 'package-lock.json').read_text())
    return lock['packages'].pop(''), lock['packages']


def test_versions_are_exact_and_locked():
    wanted = json.loads((FOLDER / 'package.json').read_text())['dependencies']
    root, locked = packages()
    assert set(wanted) == {'graphile-worker', 'ical-generator', 'nodemailer'}
    assert root['dependencies'] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r'\d+\.\d+\.\d+', version) and locked[f'node_modules/{name}']['version'] == version


def test_each_package_is_known_by_its_sum_and_bound_to_no_machine():
    _, locked = packages()
    assert locked
    for name, package in locked.items():
        assert package['integrity'].startswith('sha512-') and not {'resolved', 'link'} & set(package), name


def test_licences_are_those_one_has_thought_about():
    _, locked = packages()
    assert {name: package['license'] for name, package in locked.items() if package['license'] not in LICENCES} == {}
