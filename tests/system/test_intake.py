"""Cases over HTTPS: curl and openssl as real clients, each status, each refusal."""

import re
import socket
import subprocess

import pytest

import harness
from intake_client import Door, parse, read_all

CASE = {'office': 'SEA', 'language': 'es', 'urgency': 'urgent'}
CODE = re.compile('^[A-HJ-NP-Z2-9]{3}-[A-HJ-NP-Z2-9]{3}$')


@pytest.fixture(scope='module')
def shared(cluster, session_folder):
    """One database for the whole file; a test that disturbs it has its own."""
    folder = session_folder / 'intake'
    folder.mkdir()
    made = cluster.database(harness.wide_roster(folder, [('SEA', 'America/Los_Angeles'), ('PDX', 'America/Los_Angeles')], 2))
    made.folder = folder
    yield made
    made.drop()


@pytest.fixture(scope='module')
def door(shared, certs):
    made = Door(shared.folder, shared, certs)
    yield made
    assert made.daemon.stop() == 0
    check_log(made)


def check_log(door):
    """No sanitizer complains, and nothing of what clients sent stands in the log."""
    log = door.daemon.log()
    for sign in ('AddressSanitizer', 'runtime error:', 'LeakSanitizer', 'SECRET-WORD', *door.tokens.values()):
        assert sign not in log, log[-6000:]


def told(answer, status, field):
    """The one error, which is about this field; what is wrong often says what would do as well."""
    assert answer.status == status, answer
    assert answer.headers['content-type'] == 'application/json'
    error, = answer.body['errors']
    assert error['field'] == field and error['problem'] and 'advice' in error, error
    return error


# ---- cases ---------------------------------------------------------------------------------------

def test_a_case_is_opened_and_asked_for(door):
    made = door.post(CASE, 'open-1')
    assert made.status == 201
    code, = made.body['cases']
    assert CODE.match(code) and made.headers['location'] == f'/v1/cases/{code}'
    assert made.headers['cache-control'] == 'no-store' and made.headers['date'].endswith(' GMT')
    row = door.database.query('SELECT opened_by, language, idempotency_key FROM vac_store.case_record WHERE case_code = %s', code)
    assert row == [('client:tips', 'es', 'open-1')]
    who = door.database.query("SELECT who FROM vac_store.history h JOIN vac_store.case_record c USING (case_id) "
                              "WHERE case_code = %s AND event = 'case_opened'", code)
    assert who == [('client:tips',)]
    for typed in (code, code.replace('-', '').lower()):
        state = door.ask(f'/v1/cases/{typed}')
        assert state.status == 200 and state.body['case_code'] == code
        assert set(state.body) == {'case_code', 'state', 'coordinator', 'title', 'telephone', 'meeting', 'place', 'office',
                                   'office_telephone'}
    assert door.ask(f'/v1/cases/{code}', '-I').body == b''


def test_another_clients_case_is_like_none(door):
    code, = door.post(CASE, 'open-2').body['cases']
    there, none, odd = (door.ask(f'/v1/cases/{c}', token='web') for c in (code, 'AAA-AAA', 'x'))
    assert there.status == none.status == odd.status == 404
    assert there.body == none.body == odd.body
    assert set(there.headers) == set(none.headers)


def test_every_field_reaches_the_verb(door):
    form = {'office': 'sea', 'language': 'ES', 'service': 'counseling', 'urgency': 'routine', 'mode': 'at_office', 'place': 'MAIN',
            'interpreter': 'telephone', 'gender': 'female', 'gender_required': True, 'preferred': 'SEA-02', 'minutes': 45,
            'window_from': '2099-01-05T09:00:00-08:00', 'window_to': None, 'due': None, 'victims': 2, 'agency_reference': 'SECRET-WORD'}
    form['window_from'] = door.database.value("SELECT to_char(now() + interval '10 days', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    form['window_to'] = door.database.value("SELECT to_char(now() + interval '20 days', 'YYYY-MM-DD\"T\"HH24:MI\"+00:00\"')")
    form['due'] = door.database.value("SELECT to_char(now() + interval '15 days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"-00:30\"')")
    made = door.post(form, 'all fields')
    assert made.status == 201 and len(made.body['cases']) == 2 and 'location' not in made.headers, made
    assert door.database.query('''
        SELECT DISTINCT r.language::text, r.service, r.urgency::text, r.mode::text, r.place, r.interpreter::text, r.gender,
            r.gender_required, k.code, r.minutes, c.agency_reference, r.due_at - upper(r.open_window) < interval '-4 days'
        FROM vac_store.request r JOIN vac_store.case_record c USING (case_id)
            JOIN vac_store.coordinator k ON k.coordinator_id = r.preferred_id WHERE c.case_code = ANY (%s)''', made.body['cases']) == [
        ('es', 'counseling', 'routine', 'at_office', 'MAIN', 'telephone', 'female', True, 'SEA-02', 45, 'SECRET-WORD', True)]


def test_the_same_key_is_the_same_case(door):
    before = door.cases()
    first, again = door.post(CASE, 'same'), door.post(dict(reversed(CASE.items())), 'same')
    assert first.status == again.status == 201 and first.body['cases'] == again.body['cases']
    # The key is the client's own.
    other = door.post(CASE, 'same', token='web')
    assert other.status == 201 and other.body['cases'] != first.body['cases']
    assert door.cases() == before + 2
    told(door.post({**CASE, 'language': 'en'}, 'same'), 409, 'Idempotency-Key')
    assert door.cases() == before + 2


def test_warnings_are_passed_on(door):
    made = door.post({'office': 'SEA', 'language': 'mam'}, 'mam')
    assert made.status == 201 and 'mam' in made.body['warnings'][0]


REFUSED = [
    ({'office': 'SEA', 'language': 'klingonese1'}, 400, 'language'),
    ({'office': 'QQQ'}, 400, 'office'),
    ({'office': 'PDX'}, 403, 'office'),
    ({'office': 'SEA', 'urgency': 'soon'}, 400, 'urgency'),
    ({'office': 'SEA', 'victims': 501}, 400, 'victims'),
    ({'office': 'SEA', 'victims': '3'}, 400, 'victims'),
    ({'office': 'SEA', 'minutes': 1.5}, 400, 'minutes'),
    ({'office': 'SEA', 'gender_required': 'yes'}, 400, 'gender_required'),
    ({'office': 'SEA', 'due': 'tomorrow'}, 400, 'due'),
    ({'office': 'SEA', 'due': '2001-01-01T00:00:00Z'}, 400, 'due'),
    ({'office': 'SEA', 'due': '2099-02-29T00:00:00Z'}, 400, 'due'),
    ({'office': 'SEA', 'window_from': '2099-02-28T00:00:00Z'}, 400, 'window_from'),
    ({'office': 'SEA', 'requester': 'nobody@elsewhere.example'}, 400, 'requester'),
    ({'office': 'SEA', 'agency_reference': 'x'}, 400, 'agency_reference'),
    ({'office': 'SEA', 'place': 'a\nb'}, 400, 'place'),
    ({'office': 'SEA', 'place': 'x' * 301}, 400, 'place'),
    ({'office': 'SEA', 'key': 'k'}, 400, 'key'),
    ({'office': 'SEA', 'victim_name': 'SECRET-WORD'}, 400, 'victim_name'),
    ({'office': {'deep': []}}, 400, 'office'),
    ({}, 400, 'office'),
    ('', 400, None),
    ('[]', 400, None),
    ('{"office": "SEA", "office": "PDX"}', 400, None),
    ('{"office": "SEA\\u0000"}', 400, None),
    ('{"office": "SEA"} {}', 400, None),
    ('[' * 10000, 400, None),
]


@pytest.mark.parametrize('form, status, field', REFUSED, ids=range(len(REFUSED)))
def test_refused_field_by_field(door, record, form, status, field):
    before = door.cases()
    answer = door.post(form, 'refused')
    told(answer, status, field)
    assert door.cases() == before
    record.bad_input('form at the intake')


def test_every_fault_of_a_form_is_told_at_once(door):
    errors = door.post({'language': 5, 'nonsense': 1, 'victims': 'x'}, 'k').body['errors']
    assert [e['field'] for e in errors] == ['office', 'language', 'nonsense', 'victims']


# ---- HTTP ----------------------------------------------------------------------------------------

def test_key_is_needed(door):
    told(door.post(CASE, None), 400, 'Idempotency-Key')
    told(door.post(CASE, 'x' * 201), 400, 'Idempotency-Key')


def test_media_type(door):
    told(door.post(CASE, 'k', media='text/plain'), 415, 'Content-Type')
    assert door.post(CASE, 'with charset', media='application/json; charset=utf-8').status == 201


@pytest.mark.parametrize('path, method, status', [
    ('/v1/cases', 'GET', 405), ('/v1/cases', 'DELETE', 405), ('/v1/cases/AAA-AAA', 'PUT', 405), ('/v1/cases/AAA-AAA', 'POST', 405),
    ('/', 'GET', 404), ('/v1/cases/', 'GET', 404), ('/v1/cases/AAA-AAA/x', 'GET', 404), ('/healthz', 'GET', 404), ('/metrics', 'GET', 404),
    ('/v1/cases', 'NONSENSE', 501)])
def test_methods_and_paths(door, path, method, status):
    answer = door.ask(path, '-X', method)
    assert answer.status == status and answer.body['errors']
    assert ('allow' in answer.headers) == (status == 405)


def test_large_bodies(door):
    told(door.post('x' * 20000, 'k'), 413, None)
    # Before the body was sent.
    told(parse(door.say(b'POST /v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n')), 413, None)
    assert door.post({**CASE, 'place': 'MAIN'}, 'continue', '-H', 'Expect: 100-continue').status == 201
    assert door.ask('/v1/cases/AAA-AAA', '-H', 'X-Long: ' + 'x' * 9000).status == 431


POST = b'POST /v1/cases HTTP/1.1\r\nHost: x\r\n'
RAW = [
    (b'GET / HTTP/1.1\r\n\r\n', 400), (b'GET / HTTP/1.1\n\n', 400), (b'\x16\x03\x01\r\n\r\n', 400), (b'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 400),
    (b'GET / HTTP/1.10\r\nHost: x\r\n\r\n', 400), (b'GET /nothing HTTP/1.-1\r\nHost: x\r\n\r\n', 400), (b'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400), (b'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', 400),
    (b'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 400), (b'GET ftp://x/v1/cases HTTP/1.1\r\nHost: x\r\n\r\n', 400),
    (POST + b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 411), (POST + b'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 411),
    (POST + b'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 411), (POST + b'Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n', 411),
    (POST + b'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
    (POST + b'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc', 400), (POST + b'Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc', 400),
    (POST + b'Content-Length: +3\r\n\r\nabc', 400), (POST + b'Content-Length: 3, 3\r\n\r\nabc', 400), (POST + b'Content-Length: -1\r\n\r\n', 400),
    (POST + b'Content-Length: 3\x00\r\n\r\nabc', 400), (b'GET / HTTP/1.1\r\nHost: x\r\nX: c\x00d\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: x\r\nA\x00B: c\r\n\r\n', 400), (b'GET / HTTP/1.1\r\nHost: x\r\nX: c\rd\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400), (b'GET / HTTP/1.1\r\n Host: x\r\n\r\n', 400), (b'GET / HTTP/1.1\r\nHost : x\r\n\r\n', 400),
    (b'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', 400), (b'TRACE / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc', 400),
    (b'GET / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n', 417), (POST + b'Expect: magic\r\nContent-Length: 3\r\n\r\n', 417),
    (b'GET /nothing HTTP/1.0\r\n\r\n', 404), (b'GET /' + b'x' * 9000, 431), (b'GET /' + b'x' * 2000 + b' HTTP/1.1\r\nHost: x\r\n\r\n', 431)]


@pytest.mark.parametrize('request_bytes, status', RAW, ids=range(len(RAW)))
def test_what_is_no_request(door, record, request_bytes, status):
    """What stands behind it is no request either: there is one answer, and then the end."""
    form = b'{"office": "SEA"}'
    raw = door.say(request_bytes + POST + b'Authorization: Bearer ' + door.tokens['tips'].encode() + b'\r\nIdempotency-Key: behind\r\n'
                   + b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(form) + form)
    answer = parse(raw)
    assert answer.status == status and answer.headers['connection'] == 'close' and answer.body['errors'], answer
    assert raw.count(b'Cache-Control') == 1
    assert door.database.value("SELECT count(*) FROM vac_store.case_record WHERE idempotency_key = 'behind'") == 0
    record.bad_input('request at the intake')


@pytest.mark.parametrize('rest', [b'broken\r\n', b'Host: y\r\n', b'Expect: magic\r\n', b'Content-Length: 5\r\n', b'X: ' + b'x' * 9000 + b'\r\n'],
                         ids=['line', 'twice', 'expect', 'body', 'long'])
def test_head_is_answered_without_a_body(door, record, rest):
    """Also when what is wrong is found later than that it is a HEAD."""
    raw = door.say(b'HEAD /v1/cases HTTP/1.1\r\nHost: x\r\n' + rest + b'\r\n')
    head, body = raw.split(b'\r\n\r\n', 1)
    assert head.startswith(b'HTTP/1.1 4') and b'Content-Length: 1' in head and body == b'', raw
    record.bad_input('request at the intake')


def test_a_whole_uri_as_target(door):
    """RFC 9112 3.2.2. That of another host, too: there is but one."""
    bearer = b'Authorization: Bearer ' + door.tokens['tips'].encode() + b'\r\n\r\n'
    raw = door.say(b'GET https://elsewhere.example:8443/v1/cases/AAA-AAA?x=y HTTP/1.1\r\nHost: x\r\n' + bearer
                   + b'GET HTTP://localhost HTTP/1.0\r\n\r\n' + b'GET / HTTP/1.1\r\n\r\n')
    assert [raw.count(line) for line in (b'HTTP/1.1 404', b'HTTP/1.0 404', b'Cache-Control')] == [1, 1, 2], raw
    # Two slashes in front are a path, not a host.
    assert parse(door.say(b'GET //x/v1/cases HTTP/1.0\r\n\r\n')).status == 404


def test_one_connection_many_requests(door):
    """Also when they come all at once: one is answered after the other."""
    one = b'GET /v1/cases/AAA-AAA HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ' + door.tokens['tips'].encode() + b'\r\n'
    raw = door.say((one + b'\r\n') * 5 + one + b'Connection: close\r\n\r\n')
    assert raw.count(b'HTTP/1.1 404') == 6 and raw.count(b'Connection: close') == 1


def test_what_is_no_request_behind_one_that_is(door):
    """They come in one piece, so that the second is read before the first is answered."""
    good = b'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n' + b'GET /nothing HTTP/1.1\r\nHost: x\r\nX: ' + b'y' * 8000 + b'\r\n\r\n'
    for bad, expected in ((b'GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n', 3), (b'HEAD / HTTP/1.1\r\nbroken\r\n\r\n', 2)):
        raw = door.say(good + b'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n' + bad + b'GET /nothing HTTP/1.0\r\n\r\n')
        assert raw.count(b'HTTP/1.1 400') == 1 and raw.count(b'Connection: close') == 1 and b'HTTP/1.0' not in raw, raw
        assert (raw.count(b'"errors"') == raw.count(b'Cache-Control')) == (expected == 3), raw


# ---- who may -------------------------------------------------------------------------------------

@pytest.mark.parametrize('header', [None, 'Bearer vac_' + '0' * 64, 'Bearer ', 'Bearer a b', 'Basic dXNlcjpwYXNz', 'Bearer ' + 'x' * 300])
def test_unknown_clients(door, record, header):
    options = ['-H', f'Authorization: {header}'] if header else []
    answer = door.post(CASE, 'k', *options, token=None)
    told(answer, 401, None)
    assert answer.headers['www-authenticate'].startswith('Bearer')
    assert door.ask('/v1/cases/AAA-AAA', *options, token=None).body == answer.body
    record.bad_input('request at the intake', 2)


def fingerprint(cert):
    return harness.run_checked(['openssl', 'x509', '-in', cert.cert, '-noout', '-fingerprint', '-sha256']).stdout.strip()


def test_known_by_certificate(door, certs):
    told(door.post(CASE, 'cert', token=None, cert=certs.client), 401, None)
    door.database.value("SELECT vac.add_client('byprint', 'SEA', certificate => %s)", fingerprint(certs.client))
    made = door.post(CASE, 'cert', token=None, cert=certs.client)
    assert made.status == 201
    door.database.value("SELECT vac.retire_client('byprint')")
    told(door.ask(f'/v1/cases/{made.body["cases"][0]}', token=None, cert=certs.client), 401, None)
    subject = harness.run_checked(['openssl', 'x509', '-in', certs.client.cert, '-noout', '-subject', '-nameopt', 'RFC2253']).stdout
    door.database.value("SELECT vac.add_client('bysubject', 'SEA', subject => %s)", subject.strip())
    assert door.ask(f'/v1/cases/{made.body["cases"][0]}', token=None, cert=certs.client).status == 404
    # A token that is shown decides, though the certificate is good.
    told(door.post(CASE, 'both', token='vac_wrong', cert=certs.client), 401, None)


def test_retired_token(door):
    token = door.database.value("SELECT vac.add_client('leaves', 'SEA')")
    assert door.post(CASE, 'k', token=token).status == 201
    door.database.value("SELECT vac.retire_client('leaves')")
    told(door.post(CASE, 'k', token=token), 401, None)


# ---- TLS -----------------------------------------------------------------------------------------

def s_client(door, *options):
    return subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{door.port}', '-CAfile', str(door.certs.ca), '-crlf', *map(str, options)],
                          input=b'GET /nothing HTTP/1.0\n\n', stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120).stdout.decode(errors='replace')


def test_tls_versions(door):
    for version in ('-tls1_2', '-tls1_3'):
        assert 'Verify return code: 0' in s_client(door, version)
    for version in ('-tls1', '-tls1_1'):
        assert 'alert protocol version' in s_client(door, version, '-cipher', 'DEFAULT@SECLEVEL=0')
    assert 'alert handshake failure' in s_client(door, '-tls1_2', '-cipher', 'AES128-SHA')


def test_nothing_is_said_in_clear(door):
    with socket.create_connection(('127.0.0.1', door.port), timeout=120) as raw:
        raw.sendall(b'GET /v1/cases/AAA-AAA HTTP/1.1\r\nHost: x\r\n\r\n')
        assert b'HTTP/' not in read_all(raw)


@pytest.mark.parametrize('which, alert', [('expired', 'certificate expired'), ('unknown_authority', 'unknown ca'), ('self_signed', 'unknown ca'),
                                          ('for_servers', 'unsupported certificate')])
def test_certificates_that_do_not_hold(door, certs, which, alert):
    cert = getattr(certs, which)
    line = 'its certificate does not hold'
    before = door.daemon.log().count(line)
    said = s_client(door, '-tls1_2', '-cert', cert.cert, '-key', cert.key)
    assert f'alert {alert}' in said, said
    harness.wait_for(lambda: door.daemon.log().count(line) > before, what='a line in the log')


def test_certificate_required(shared, certs):
    door = Door(shared.folder / '..', shared, certs, name='required', intake_client_cert='required')
    try:
        assert 'alert' in s_client(door, '-tls1_2')
        with pytest.raises(OSError):
            door.ask('/v1/cases/AAA-AAA')
        assert door.ask('/v1/cases/AAA-AAA', cert=certs.client).status == 404
    finally:
        assert door.daemon.stop() == 0
    check_log(door)


# ---- health, metrics -----------------------------------------------------------------------------

def test_health_and_metrics(door):
    assert door.watch('/healthz').body == {'status': 'ok'}
    answer = door.watch('/metrics')
    assert answer.status == 200 and answer.headers['content-type'].startswith('text/plain; version=0.0.4')
    text = answer.body.decode()
    samples = dict(line.rsplit(' ', 1) for line in text.splitlines() if not line.startswith('#'))
    assert samples['vacd_database_up'] == '1' and float(samples['vacd_cases_open']) == door.cases()
    assert 'vacd_stage_quiet_seconds{stage="dispatch"}' in samples
    for line in text.splitlines():
        assert re.match(r'# (HELP|TYPE) [a-z_]+ .+$|[a-z_]+(\{[a-z]+="[a-z0-9]+"\})? [0-9.e+-]+$', line), line
    assert len([line for line in text.splitlines() if line.startswith('# TYPE')]) == len({n.split('{')[0] for n in samples})
    codes = [code for code, in door.database.query('SELECT case_code FROM vac_store.case_record')]
    assert not [code for code in codes if code in text] and 'client' not in text.lower().replace('clients', '')
    assert door.watch('/healthz', '-X', 'POST').status == 405
    assert door.watch('/v1/cases/AAA-AAA').status == 404


def test_status_knows_of_it(door):
    harness.wait_for(lambda: 'intake: turned' in harness.run_vacd('status', config=door.daemon.config).stdout, what='a heartbeat')
    assert 'over HTTPS' in harness.run_vacd('check', config=door.daemon.config).stdout


@pytest.mark.parametrize('page', ['README.md', 'daemon/vacd-intake.8'])
def test_the_example_that_is_shown(door, folder, page):
    """As it stands there, but for the host's name and its authority."""
    text = (harness.ROOT / page).read_text().replace('\\e', '\\')
    lines = re.search(r"^ *(?:\(umask 077; )?printf 'header.*?/v1/cases$", text, re.M | re.S)[0]
    lines = lines.replace('https://vacd.agency.example:8443', f'-sS --cacert {door.certs.ca} https://localhost:{door.port}')
    done = subprocess.run(['bash', '-e'], input=lines, cwd=folder, env={'token': door.tokens['tips'], 'PATH': '/usr/bin:/bin'},
                          stdout=subprocess.PIPE, text=True, check=True)
    assert re.fullmatch(r'\{"cases": \["[A-Z2-9]{3}-[A-Z2-9]{3}"\], "warnings": \[\]\}', done.stdout), done.stdout
