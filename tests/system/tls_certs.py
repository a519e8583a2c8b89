"""Authorities for the TLS table: certificates that are wrong in one thing, and lists of revoked ones.

Authority(folder, name) is one of its own; Authority(folder, name, above=other) is an intermediate one.
  .issue(name, …)   a harness.Certificate (its .cert has the whole chain below the root)
  .revoke(cert)     it stands in each list from now on
  .list(name, …)    path of a list of revoked certificates (PEM)
Times are days from now.
"""

import datetime
import pathlib

import harness

CONFIG = '''
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
'''
LEAF = 'basicConstraints=CA:FALSE'
AUTHORITY = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
EC = ('EC', '-pkeyopt', 'ec_paramgen_curve:P-256')


def moment(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime('%Y%m%d%H%M%SZ')


class Authority:
    def __init__(self, folder, name, above=None, subject=None):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o711)
        (self.folder / 'index.txt').touch()
        self.config = self.folder / 'ca.cnf'
        self.config.write_text(CONFIG.format(folder=self.folder))
        self.above, self.name = above, subject or name
        if above is None:
            self.key = self._key('ca', EC)
            self.cert = self.folder / 'ca.crt'
            harness.run_checked(['openssl', 'req', '-x509', '-new', '-key', self.key, '-out', self.cert, '-days', '30',
                                 '-subj', f'/CN={self.name}'])
        else:
            self.cert, self.key = above.issue(name, names=None, more=AUTHORITY)

    def _key(self, name, kind):
        key = self.folder / f'{name}.key'
        harness.run_checked(['openssl', 'genpkey', '-algorithm', *kind, '-out', key])
        key.chmod(0o644)
        return key

    def issue(self, name, names='DNS:localhost,IP:127.0.0.1', start=-1, end=30, more=LEAF, kind=EC):
        cert, key = self.folder / f'{name}.crt', self._key(name, kind)
        request, extensions = self.folder / f'{name}.csr', self.folder / f'{name}.ext'
        extensions.write_text((f'subjectAltName={names}\n' if names else '') + more + '\n')
        harness.run_checked(['openssl', 'req', '-new', '-key', key, '-out', request, '-subj', f'/CN={name}'])
        harness.run_checked(['openssl', 'ca', '-batch', '-config', self.config, '-cert', self.cert, '-keyfile', self.key,
                             '-in', request, '-out', cert, '-notext', '-extfile', extensions,
                             '-startdate', moment(start), '-enddate', moment(end)])
        if self.above:
            cert.write_text(cert.read_text() + self.cert.read_text())
        return harness.Certificate(cert, key)

    def revoke(self, cert):
        harness.run_checked(['openssl', 'ca', '-config', self.config, '-cert', self.cert, '-keyfile', self.key,
                             '-revoke', cert.cert])

    def list(self, name, start=-1, end=7):
        path = self.folder / f'{name}.crl'
        harness.run_checked(['openssl', 'ca', '-gencrl', '-config', self.config, '-cert', self.cert, '-keyfile', self.key,
                             '-crl_lastupdate', moment(start), '-crl_nextupdate', moment(end), '-out', path])
        return path


class Certificates:
    """All that the table shows, and the lists it looks them up in."""

    def __init__(self, folder):
        self.root, self.other = Authority(folder, 'root'), Authority(folder, 'other')
        self.forger = Authority(folder, 'forger', subject='root')
        self.below = Authority(folder, 'below', above=self.root)
        self.left = Authority(folder, 'left', above=self.root)
        root = self.root
        self.shown = {
            'good': root.issue('good'),
            'expired': root.issue('expired', start=-9, end=-2),
            'not_yet': root.issue('not_yet', start=2, end=9),
            'unknown': self.other.issue('unknown'),
            'for_clients': root.issue('for_clients', more=LEAF + '\nextendedKeyUsage=clientAuth'),
            'for_servers': root.issue('for_servers', more=LEAF + '\nextendedKeyUsage=serverAuth'),
            'weak_key': root.issue('weak_key', kind=('RSA', '-pkeyopt', 'rsa_keygen_bits:1024')),
            'wrong_name': root.issue('wrong_name', names='DNS:other.example.org'),
            'wrong_address': root.issue('wrong_address', names='IP:127.0.0.1'),
            'half_wildcard': root.issue('half_wildcard', names='DNS:local*'),
            'revoked': root.issue('revoked'),
            'below': self.below.issue('below_good'),
            'left': self.left.issue('left_good'),
            'alone': Authority(folder, 'alone').issue('alone'),
        }
        alone = Authority(folder, 'localhost')
        self.shown['self_signed'] = harness.Certificate(alone.cert, alone.key)
        root.revoke(self.shown['revoked'])
        root.revoke(harness.Certificate(self.left.cert, self.left.key))
        self.lists = {
            'fresh': self._join(folder, 'fresh', root.list('now'), self.below.list('now'), self.left.list('now')),
            'old': self._join(folder, 'old', root.list('old', start=-9, end=-2), self.below.list('more')),
            'not_begun': root.list('not_begun', start=2, end=9),
            'of_another': self.other.list('now'),
            'forged': self.forger.list('now'),
            'root_only': root.list('alone'),
        }

    def _join(self, folder, name, *paths):
        joined = pathlib.Path(folder) / f'{name}.crl'
        joined.write_text(''.join(path.read_text() for path in paths))
        return joined
