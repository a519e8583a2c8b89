"""The list of what vacd is made of (SPDX 2.3), held against what the program links and what is installed."""

import json
import re

import pytest

import harness

# Of the short identifiers on SPDX's list, those that we link: another one is for a person to think about first.
LICENCES = {'Apache-2.0', 'BSD-3-Clause', 'ISC', 'LGPL-2.1-only', 'LGPL-2.1-or-later', 'MIT', 'MPL-2.0', 'PostgreSQL'}


@pytest.fixture(scope='module')
def made_of(installed):
    return json.loads(next(installed.glob('usr/**/share/vacd/vacd.spdx.json')).read_text())


def linked(package):
    return re.search(r'^linked: (.+)$', package['comment'])[1].split()


def libraries(made_of):
    return [package for package in made_of['packages'] if package['name'] != 'vacd']


def test_it_is_such_a_list(made_of):
    assert made_of['spdxVersion'] == 'SPDX-2.3' and made_of['dataLicense'] == 'CC0-1.0'
    assert made_of['SPDXID'] == 'SPDXRef-DOCUMENT' and '#' not in made_of['documentNamespace']
    ids = [package['SPDXID'] for package in made_of['packages']]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r'SPDXRef-[A-Za-z0-9.-]+', name) for name in ids)
    for package in made_of['packages']:
        assert package['versionInfo'] and package['downloadLocation'] and package['filesAnalyzed'] is False
        for word in re.split(r' (?:OR|AND) ', package['licenseDeclared']):
            assert word in LICENCES, package['name']
    related = {(r['spdxElementId'], r['relationshipType'], r['relatedSpdxElement']) for r in made_of['relationships']}
    assert related == {('SPDXRef-DOCUMENT', 'DESCRIBES', 'SPDXRef-vacd')} | {
        ('SPDXRef-vacd', 'DYNAMIC_LINK', package['SPDXID']) for package in libraries(made_of)}


def test_it_is_ours(made_of):
    ours = next(package for package in made_of['packages'] if package['name'] == 'vacd')
    assert ours['licenseDeclared'] == 'ISC' and (harness.ROOT / 'LICENSE').read_text().startswith('ISC')
    assert harness.run_vacd('--version').stdout == f'vacd {ours["versionInfo"]}\n'


def test_every_library_is_on_it(made_of):
    wanted = set(re.findall(r'\(NEEDED\).*\[(.+)\]', harness.run_checked(['readelf', '-d', harness.VACD]).stdout))
    assert len(wanted) > 8
    listed = {name for package in libraries(made_of) for name in linked(package)}
    assert wanted - listed == set(), 'linked, and neither in meson.build (linked) nor in SECURITY.md'
    for package in libraries(made_of):
        assert wanted & set(linked(package)), f'{package["name"]} is linked no more'


def test_versions_are_those_of_debians_packages(made_of):
    found = dict(re.findall(r'^\s*(\S+) => (/\S+)', harness.run_checked(['ldd', harness.VACD]).stdout, re.M))
    for package in libraries(made_of):
        name = next(name for name in linked(package) if name in found)
        path = found[name]
        owner = harness.run(['dpkg', '-S', path]).stdout or harness.run(['dpkg', '-S', f'/usr{path}']).stdout
        version = harness.run_checked(['dpkg-query', '-W', '-f', '${Version}', owner.split(': ')[0]]).stdout
        assert version.split(':')[-1].startswith(package['versionInfo']), f'{package["name"]}: Debian has {version}'
