"""Signed mails, checked by programs that are not ours: OpenSSL's, and cmsutil of NSS, which shares no code with it."""

import base64
import email
import email.policy
import re
import signal
import subprocess
import time

import pytest

import harness
import load

FROM = 'vacd@agency.example.org'


class Authority:
    """Certificates for mail, of one authority, made by openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.ca, self.ca_key = folder / 'mail-ca.crt', folder / 'mail-ca.key'
        self.key(self.ca_key, ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'])
        harness.run_checked(['openssl', 'req', '-x509', '-new', '-key', self.ca_key, '-out', self.ca, '-days', '30', '-subj', '/CN=mail test'])

    def key(self, path, options):
        harness.run_checked(['openssl', 'genpkey', *options, '-out', path])
        path.chmod(0o600)

    def issue(self, name, kind='ec', address=FROM, days=30, more='keyUsage=digitalSignature\nextendedKeyUsage=emailProtection'):
        cert, key, request, extensions = (self.folder / f'{name}.{end}' for end in ('crt', 'key', 'csr', 'ext'))
        self.key(key, {'ec': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'rsa': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
                       'ed25519': ['-algorithm', 'ED25519']}[kind])
        extensions.write_text(f'subjectAltName=email:{address}\n{more}\n')
        harness.run_checked(['openssl', 'req', '-new', '-key', key, '-out', request, '-subj', f'/CN={name}'])
        harness.run_checked(['openssl', 'x509', '-req', '-in', request, '-CA', self.ca, '-CAkey', self.ca_key, '-out', cert, '-days', str(days),
                             '-extfile', extensions, '-CAcreateserial'])
        return {'smime_cert_file': cert, 'smime_key_file': key}

    def openssl_agrees(self, raw):
        done = subprocess.run(['openssl', 'cms', '-verify', '-CAfile', self.ca, '-purpose', 'smimesign'], input=raw,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode == 0, done.stdout

    def nss_agrees(self, raw):
        """cmsutil wants the signed octets and the signature apart: between the first boundary lines, RFC 1847."""
        base = self.folder / 'nss'
        if not base.exists():
            base.mkdir()
            harness.run_checked(['certutil', '-N', '-d', f'sql:{base}', '--empty-password'])
            harness.run_checked(['certutil', '-A', '-d', f'sql:{base}', '-n', 'ca', '-t', ',C,', '-i', self.ca])
        boundary = re.search(rb'boundary="(=_vacd_s_[^"]+)"', raw).group(1)
        _, entity, signature, _ = raw.split(b'--' + boundary)
        (self.folder / 'entity').write_bytes(entity[2:-2])
        (self.folder / 'signature').write_bytes(email.message_from_bytes(signature[2:]).get_payload(decode=True))
        done = subprocess.run(['cmsutil', '-D', '-d', f'sql:{base}', '-c', self.folder / 'entity', '-i', self.folder / 'signature', '-u', '4',
                               '-h', '0'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode == 0 and b'status=GoodSignature' in done.stdout, done.stdout


@pytest.fixture
def authority(folder):
    return Authority(folder)


def open_cases(database, count):
    return [database.as_login('sup_all').value("SELECT vac.open_case('SEA', 'en')") for _ in range(count)]


def fits(authority, copy):
    raw = copy.path.read_bytes()
    good, text = authority.openssl_agrees(raw)
    assert good, text
    good, said = authority.nss_agrees(raw)
    assert good, said
    return raw, email.message_from_bytes(raw, policy=email.policy.default)


@pytest.mark.parametrize('kind', ['ec', 'rsa'])
def test_mails_are_signed(cluster, folder, certs, sink, vacd, authority, kind):
    database, mail = load.database(cluster, folder), sink()
    vacd(database, mail, **authority.issue('ours', kind))
    open_cases(database, 2)
    for copy in mail.wait(2):
        raw, parsed = fits(authority, copy)
        assert parsed.get_content_type() == 'multipart/signed' and parsed['From'].endswith(f'<{FROM}>')
        assert parsed.get_param('protocol') == 'application/pkcs7-signature' and parsed.get_param('micalg') == 'sha-256'
        entity, signature = parsed.iter_parts()
        assert entity.get_content_type() == 'multipart/mixed' and signature.get_content_type() == 'application/pkcs7-signature'
        assert b'METHOD:REQUEST' in next(p for p in entity.walk() if p.get_content_type() == 'text/calendar').get_content().encode()
        assert not authority.openssl_agrees(raw.replace(b'Content-Type: text/plain', b'Content-Type: text/html', 1))[0], 'a change is seen'
    assert database.value('SELECT count(*) FROM vac_store.message WHERE signature IS NOT NULL') == 2
    database.drop()


def test_a_second_copy_is_equal_to_the_byte(cluster, folder, certs, sink, vacd, authority):
    """Also with a new certificate, and after signing was switched off, since the signature is kept."""
    database, mail = load.database(cluster, folder), sink(seed=3, unsaid=60, cut=20)
    first = vacd(database, mail, lease_ms=1500, poll_ms=200, **authority.issue('ours'))
    cases = open_cases(database, 12)
    mail.wait(6)
    assert first.stop() == 0
    second = vacd(database, mail, lease_ms=1500, poll_ms=200, **authority.issue('renewed'))
    had = len(mail.copies())
    mail.wait(had + 2)
    assert second.stop() == 0
    mail.stop()
    mail.start(unsaid=0, cut=0)
    third = vacd(database, mail, lease_ms=1500, poll_ms=200)
    load.settle(database, [third])
    copies = {}
    for copy in mail.copies():
        if copy.ending == 'taken' or copy.path.exists():
            copies.setdefault(copy.message_id, set()).add(copy.path.read_bytes())
    assert len(mail.copies()) > len(copies) >= len(cases), 'some came twice'
    assert all(len(texts) == 1 for texts in copies.values())
    signed = [text for texts in copies.values() for text in texts if b'multipart/signed' in text]
    assert len(signed) >= 6 and all(authority.openssl_agrees(text)[0] for text in signed)
    load.check_promises(database, mail.dir, cases)
    database.drop()


def test_no_signed_mail_goes_out_before_its_signature_is_kept(cluster, folder, certs, sink, vacd, authority):
    """The claim's look is too old when connections come up, one after the other. The first one's question asks for those
    that wait, which are not signed yet; the next are signed while it is out, and the server wants them at once."""
    database, mail = load.database(cluster, folder), sink(delay_ms=50)
    planner = vacd(database, poll_ms=500)
    cases = open_cases(database, 16)
    harness.wait_for(lambda: database.value("SELECT count(*) FROM vac_store.message WHERE kind = 'invitation'") >= len(cases),
                     what='an invitation for each case')
    assert planner.stop() == 0
    load.slow_down_looks(database, 0.1)
    mail.process.send_signal(signal.SIGSTOP)
    daemon = vacd(database, mail, mail_connections=8, **authority.issue('ours'))
    harness.wait_for(lambda: database.value("SELECT count(*) FROM vac_store.message WHERE state = 'claimed'") >= 16, what='a claim')
    time.sleep(0.4)
    mail.process.send_signal(signal.SIGCONT)
    load.settle(database, [daemon])
    signed = {copy.message_id.strip('<>').split('@')[0] for copy in mail.copies() if b'multipart/signed' in copy.path.read_bytes()}
    kept = {uuid for uuid, in database.query('SELECT mail_uuid::text FROM vac_store.message WHERE signature IS NOT NULL')}
    assert len(signed) >= len(cases) and signed <= kept, signed - kept
    database.drop()


@pytest.mark.parametrize('change, said', [
    ({'address': 'other@agency.example.org'}, 'does not name the address in mail_from'), ({'kind': 'ed25519'}, 'neither RSA nor EC'),
    ({'more': 'keyUsage=keyEncipherment'}, 'may not sign'), ({'more': 'extendedKeyUsage=serverAuth'}, 'is not for mail'),
    ('key', 'is not the certificate of this smime_key_file'), ('open', 'is open to every user'), ('none', 'holds no certificate'),
    ('gone', 'gone.crt'), ('no key', 'gone.key'), ('twice', 'make no signature')])
def test_what_cannot_sign_is_refused(folder, database, certs, sink, authority, change, said):
    chosen = authority.issue('ours', **change) if isinstance(change, dict) else authority.issue('ours')
    if change == 'key':
        chosen['smime_key_file'] = authority.issue('other')['smime_key_file']
    elif change == 'open':
        chosen['smime_key_file'].chmod(0o644)
    elif change == 'none':
        chosen['smime_cert_file'].write_text('nothing\n')
    elif change == 'gone':
        chosen['smime_cert_file'] = folder / 'gone.crt'
    elif change == 'no key':
        chosen['smime_key_file'] = folder / 'gone.key'
    elif change == 'twice':
        chosen['smime_cert_file'].write_text(2 * chosen['smime_cert_file'].read_text())
    config = harness.write_config(folder / 'check.conf', **harness.daemon_settings(folder, database, certs, sink().port, **chosen))
    done = harness.run_vacd('check', config=config)
    assert done.returncode != 0 and re.search(f'^bad  signed mail: .*{said}', done.stdout, re.M), done.stdout
    daemon = harness.run_vacd('daemon', config=config)
    assert daemon.returncode == 78 and said in daemon.stderr, daemon.stderr


def test_check_names_the_certificate_and_warns_before_its_end(folder, database, certs, sink, authority):
    for days, mark in ((30, 'ok  '), (5, 'bad ')):
        config = harness.write_config(folder / 'check.conf', **harness.daemon_settings(folder, database, certs, sink().port,
                                                                                         **authority.issue(f'ours{days}', days=days)))
        said = next(line for line in harness.run_vacd('check', config=config).stdout.splitlines() if ' signed mail: ' in line)
        assert said.startswith(mark) and FROM in said and ('get a new certificate' in said) == (days == 5)


def test_a_certificate_that_is_over_stops_nothing(cluster, folder, certs, sink, vacd, authority):
    """A mail that does not come helps nobody: it goes out signed all the same, and the journal and vacd check say so."""
    database, mail = load.database(cluster, folder), sink()
    daemon = vacd(database, mail, **authority.issue('over', days=-1))
    open_cases(database, 1)
    assert b'multipart/signed' in mail.wait(1)[0].path.read_bytes()
    assert re.search('error mail is signed with a certificate that does not hold now why=".*has expired', daemon.log())
    done = harness.run_vacd('check', config=daemon.config)
    assert re.search('^bad  signed mail: .*has expired', done.stdout, re.M), done.stdout
    database.drop()


def test_what_another_sender_began_is_not_signed(cluster, folder, certs, sink, vacd, authority):
    """The certificate would not name who it is from."""
    database, mail = load.database(cluster, folder), sink()
    first = vacd(database, mail, **authority.issue('ours'))
    code, = open_cases(database, 1)
    mail.wait(1)
    load.settle(database, [first])
    assert first.stop() == 0
    vacd(database, mail, mail_from='vacd@new.example.org', **authority.issue('new', address='vacd@new.example.org'))
    database.as_login('sup_all').value("SELECT vac.withdraw_case(%s, 'mistake')", code)
    mail.wait(2)
    open_cases(database, 1)
    before, cancel, after = (copy.path.read_bytes() for copy in mail.wait(3)[:3])
    assert b'METHOD:CANCEL' in base64.b64decode(b''.join(email.message_from_bytes(cancel).get_payload()[0].get_payload()[2].get_payload().encode().split()))
    assert f'<{FROM}>'.encode() in cancel and b'multipart/signed' not in cancel
    assert b'<vacd@new.example.org>' in after and authority.openssl_agrees(after)[0] and authority.openssl_agrees(before)[0]
    database.drop()
