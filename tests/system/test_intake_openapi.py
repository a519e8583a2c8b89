"""etc/openapi.json held against the program: each path, method, status and field, in both directions."""

import json
import re

import pytest

import harness
from intake_client import Door, parse

SPEC = json.loads((harness.ROOT / 'etc' / 'openapi.json').read_text())
SOURCE = '\n'.join(path.read_text() for path in sorted((harness.ROOT / 'daemon' / 'intake').glob('*.c')))


@pytest.fixture(scope='module')
def door(cluster, session_folder, certs):
    folder = session_folder / 'openapi'
    folder.mkdir()
    database = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles'), ('PDX', 'America/Los_Angeles')], 1))
    made = Door(folder, database, certs)
    yield made
    assert made.daemon.stop() == 0
    database.drop()


def resolve(node):
    while '$ref' in node:
        at = SPEC
        for part in node['$ref'].removeprefix('#/').split('/'):
            at = at[part]
        node = at
    return node


def fits(value, schema, where='body'):
    """As much of JSON Schema as the file uses."""
    schema = resolve(schema)
    if value is None:
        assert schema.get('nullable'), where
        return
    kinds = {'object': dict, 'array': list, 'string': str, 'integer': int, 'boolean': bool}
    assert isinstance(value, kinds[schema['type']]), (where, value)
    assert value in schema.get('enum', [value]), where
    assert re.search(schema.get('pattern', ''), value if isinstance(value, str) else ''), (where, value)
    if schema['type'] == 'object':
        assert set(schema.get('required', [])) <= set(value), where
        assert not schema.get('additionalProperties', True) and set(value) <= set(schema['properties']), (where, value)
        for name, member in value.items():
            fits(member, schema['properties'][name], f'{where}.{name}')
    if schema['type'] == 'array':
        for item in value:
            fits(item, schema['items'], f'{where}[]')


def answers(path, method):
    responses = SPEC['paths'][path].get(method, {}).get('responses', {})
    everywhere = SPEC['x-everywhere']
    return {int(status): resolve(answer) for status, answer in {**everywhere, **responses}.items()}


def holds(answer, path, method):
    """The answer is one that the file has for this path, to the field."""
    documented = answers(path, method)
    assert answer.status in documented, (path, method, answer)
    content = documented[answer.status]['content']
    kind = answer.headers['content-type'].split(';')[0]
    assert list(content) == [kind]
    if kind == 'application/json':
        fits(answer.body, content[kind]['schema'])
    for name in documented[answer.status].get('headers', {}):
        assert name.lower() in answer.headers or name == 'Location', (path, method, name)


def test_paths_and_methods():
    routes = re.findall(r'\[ROUTE_\w+\] = \{"(/[^"]+)",\s*"Allow: ([^"\\]+)', SOURCE)
    told = {path.replace('CODE', '{code}'): {m.lower() for m in allow.split(', ')} - {'head'} for path, allow in routes}
    assert told == {path: set(item) & {'get', 'post', 'put', 'patch', 'delete'} for path, item in SPEC['paths'].items()}


def test_statuses():
    documented = {int(s) for p, item in SPEC['paths'].items() for m in item if m in ('get', 'post') for s in answers(p, m)}
    table = {int(s) for s in re.findall(r'\{(\d{3}), (?:NULL|"[^"]+"),', SOURCE)}
    written = {int(s) for s in re.findall(r'(?:refuse\(\w+, |status = |passing \? \d+ : )(\d{3})\b', SOURCE)}
    parsed = {int(s) for s in re.findall(r'(?:return|fault =|\? \d+ :|\?) (\d{3})\b', SOURCE)}
    named = {int(s) for s in re.findall(r'\{(\d{3}), "[^"]+"\}', SOURCE)}
    in_sql = {int(s) for s in re.findall(r'(?:THEN|ELSE|SELECT) (\d{3})\b', (harness.ROOT / 'sql' / 'functions' / '54_intake.sql').read_text())}
    assert documented == named
    assert table | written | parsed | in_sql <= documented
    assert documented - {200, 201, 403, 409} == table, 'each error has its words'


def test_fields_are_the_verbs(door):
    names = door.database.value("SELECT proargnames FROM pg_proc WHERE oid = 'vac.open_case'::regproc")
    assert list(SPEC['components']['schemas']['Case']['properties']) == [n for n in names if n != 'key']


@pytest.mark.parametrize('field', SPEC['components']['schemas']['Case']['properties'])
def test_each_field_and_its_type(door, field):
    schema = SPEC['components']['schemas']['Case']['properties'][field]
    wrong = {'string': [1, True, [], '', 'x' * 301], 'integer': ['1', 1.5, True], 'boolean': ['true', 0]}[schema['type']]
    if schema.get('format') == 'date-time':
        wrong.append('2027-02-15')
    for value in wrong:
        answer = door.post({'office': 'SEA', field: value}, 'wrong')
        holds(answer, '/v1/cases', 'post')
        error, = answer.body['errors']
        assert answer.status == 400 and error['field'] == field and error['problem'] != 'there is no such field', (value, error)
    if schema.get('nullable'):
        assert door.post({'office': 'SEA', field: None}, f'null {field}').status == 201
    else:
        assert door.post({field: None}, 'null').status == 400
    assert (field in SPEC['components']['schemas']['Case']['required']) == (not schema.get('nullable'))


def test_answers_are_as_documented(door):
    seen = {}

    def ask(path, method, answer):
        holds(answer, path, method)
        seen.setdefault(path, set()).add(answer.status)
        return answer

    def raw(path, *fields, body=b'', method='POST'):
        head = '\r\n'.join([f'{method} {path} HTTP/1.1', 'Host: x', *fields])
        return parse(door.say(head.encode() + b'\r\n\r\n' + body))

    cases, case = '/v1/cases', '/v1/cases/{code}'
    made = ask(cases, 'post', door.post(SPEC['paths'][cases]['post']['requestBody']['content']['application/json']['example'], 'example'))
    code, = made.body['cases']
    ask(cases, 'post', door.post({'office': 'SEA'}, 'example'))
    ask(cases, 'post', door.post({'office': 'PDX'}, 'k'))
    ask(cases, 'post', door.post({'office': 'SEA', 'language': 'mam'}, 'warned'))
    ask(cases, 'post', door.post({}, None))
    ask(cases, 'post', door.post({}, 'k', token=None))
    ask(cases, 'post', door.post({}, 'k', media='text/plain'))
    ask(cases, 'post', door.post('x' * 20000, 'k'))
    ask(cases, 'delete', door.ask(cases, '-X', 'DELETE'))
    ask(cases, 'nonsense', door.ask(cases, '-X', 'NONSENSE'))
    ask(case, 'get', door.ask(f'/v1/cases/{code}'))
    ask(case, 'get', door.ask('/v1/cases/AAA-AAA'))
    ask(case, 'get', door.ask('/v1/cases/AAA-AAA', token='vac_none'))
    ask(case, 'post', door.ask('/v1/cases/AAA-AAA', '-X', 'POST'))
    for path, method in ((cases, 'post'), (case, 'get')):
        at = path.replace('{code}', code)
        ask(path, method, raw(at, 'Transfer-Encoding: chunked', body=b'0\r\n\r\n', method=method.upper()))
        ask(path, method, raw(at, 'Expect: more', method=method.upper()))
        ask(path, method, raw(at, 'X: ' + 'x' * 9000, method=method.upper()))
        ask(path, method, parse(door.say(f'{method.upper()} {at} HTTP/3.0\r\n\r\n'.encode())))
    ask('/healthz', 'get', door.watch('/healthz'))
    ask('/metrics', 'get', door.watch('/metrics'))
    # The others are looked at in test_intake_hard.py.
    assert seen[cases] == set(answers(cases, 'post')) - {404, 408, 429, 500, 503}
    assert seen[case] == set(answers(case, 'get')) - {408, 413, 429, 500, 501, 503}


def test_it_is_installed_with_the_examples():
    """The whole of etc/ is, but for what is configuration."""
    text = (harness.ROOT / 'meson.build').read_text()
    left_out = re.search(r"install_subdir\('etc',.*?exclude_files: \[([^]]*)\]", text, re.S)[1]
    assert "'vacd.conf'" in left_out and 'openapi' not in left_out
