"""A private Postfix with TLS that delivers by LMTP to a private Dovecot, which shows its mail by IMAPS.

Both run beside whatever else the machine has: own folders, own ports on 127.0.0.1, own configuration.
Every local part of agency.example.org has a mailbox, with the password of MailHost.PASSWORD; after
route_answers() what is for vacd goes to a daemon instead, by LMTP.
"""

import base64
import email
import email.policy
import hmac
import imaplib
import json
import os
import pathlib
import pwd
import signal
import smtplib
import ssl
import subprocess
import time

import harness

DOMAIN = 'agency.example.org'

MAIN_CF = '''
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
meta_directory = {folder}/etc
maillog_file = {folder}/log/postfix.log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.{domain}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:anybody
virtual_transport = lmtp:unix:{folder}/dovecot/lmtp
transport_maps = texthash:{folder}/etc/transport
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
lmtp_destination_recipient_limit = 1
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {cert.cert}
smtpd_tls_key_file = {cert.key}
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtp_host_lookup = native
'''

MASTER_CF = '''
127.0.0.1:{starttls} inet n - n - - smtpd
127.0.0.1:{implicit} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
'''

DOVECOT_CONF = '''
base_dir = {folder}/dovecot
state_dir = {folder}/dovecot-state
instance_name = vacd-test
log_path = {folder}/log/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <{cert.cert}
ssl_key = <{cert.key}
disable_plaintext_auth = yes
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%n/Maildir
auth_mechanisms = plain xoauth2
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/dovecot-oauth2.conf
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n
}}
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
protocol lmtp {{
  auth_username_format = %Ln
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
'''

# What a large provider does: whoever shows a token that it signed is let in, as whom the token names.
DOVECOT_OAUTH2_CONF = '''
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/token-keys/
username_attribute = sub
'''


class MailHost:
    PASSWORD = 'not-a-secret'
    TOKEN_KEY = b'not-a-secret-of-32-octets-either'

    def __init__(self, folder, certs):
        self.folder = pathlib.Path(folder)
        self.certs = certs
        self.starttls_port, self.implicit_port, self.imaps_port = (harness.free_port() for _ in 'abc')
        self.dovecot = None

    def _values(self):
        owner = pwd.getpwnam('mail')
        return {'folder': self.folder, 'cert': self.certs.good, 'domain': DOMAIN, 'uid': owner.pw_uid,
                'gid': owner.pw_gid, 'starttls': self.starttls_port, 'implicit': self.implicit_port,
                'imaps': self.imaps_port, 'password': self.PASSWORD}

    def _lay_out(self):
        values = self._values()
        for name in ('', 'etc', 'queue', 'data', 'mail', 'log', 'dovecot', 'dovecot-state'):
            path = self.folder / name
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        os.chown(self.folder / 'data', pwd.getpwnam('postfix').pw_uid, -1)
        os.chown(self.folder / 'mail', values['uid'], values['gid'])
        etc = self.folder / 'etc'
        (etc / 'main.cf').write_text(MAIN_CF.format(**values))
        (etc / 'transport').write_text('')
        (etc / 'master.cf').write_text(MASTER_CF.format(**values))
        (self.folder / 'dovecot.conf').write_text(DOVECOT_CONF.format(**values))
        (self.folder / 'dovecot-oauth2.conf').write_text(DOVECOT_OAUTH2_CONF.format(**values))
        keys = self.folder / 'token-keys' / 'default' / 'HS256'
        keys.mkdir(parents=True, exist_ok=True)
        (keys / 'default').write_bytes(base64.b64encode(self.TOKEN_KEY))
        for name in ('postfix-files', 'postfix-script', 'post-install'):
            source = pathlib.Path('/etc/postfix') / name
            if source.exists():
                (etc / name).write_bytes(source.read_bytes())

    def start(self):
        self._lay_out()
        self.start_postfix()
        self.dovecot = subprocess.Popen(
            ['dovecot', '-F', '-c', str(self.folder / 'dovecot.conf')], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.wait_for(self._answers, what='the private Postfix and Dovecot')

    def _answers(self):
        try:
            with smtplib.SMTP('127.0.0.1', self.starttls_port, timeout=2):
                pass
            with self._imap('nobody'):
                return True
        except (OSError, imaplib.IMAP4.error, smtplib.SMTPException):
            return False

    def token(self, user, seconds=3600):
        """An access token (RFC 7519, HS256) with which Dovecot lets in this user, for so long."""
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b'=')

        now = int(time.time())
        said = b'.'.join(part(json.dumps(v).encode()) for v in ({'alg': 'HS256', 'typ': 'JWT'},
                                                               {'sub': user, 'iat': now - 10, 'exp': now + seconds}))
        return (said + b'.' + part(hmac.digest(self.TOKEN_KEY, said, 'sha256'))).decode()

    def postfix(self, word):
        return harness.run(['postfix', '-c', self.folder / 'etc', word])

    def start_postfix(self):
        done = self.postfix('start')
        assert done.returncode == 0, done.stderr + self.log()

    def stop_postfix(self):
        self.postfix('stop')

    def route_answers(self, path=None):
        """What is for vacd@ and vacd-b@, with or without a token, goes to this socket; None: to Dovecot."""
        lines = [f'{local}@{DOMAIN} lmtp:unix:{path}\n' for local in ('vacd', 'vacd-b') if path]
        (self.folder / 'etc' / 'transport').write_text(''.join(lines))
        done = self.postfix('reload')
        assert done.returncode == 0, done.stderr + self.log()

    def submit(self, sender, recipients, message):
        """Hands a mail (bytes) to Postfix."""
        context = ssl.create_default_context(cafile=self.certs.ca)
        with smtplib.SMTP('localhost', self.starttls_port, timeout=120) as connection:
            connection.starttls(context=context)
            refused = connection.sendmail(sender, recipients, message)
            assert not refused

    def queue(self):
        """What `postqueue` lists, one line a recipient."""
        done = harness.run(['postqueue', '-c', self.folder / 'etc', '-j'])
        return done.stdout.splitlines()

    def flush(self):
        """Has Postfix try again at once what it has deferred. By itself it may leave it for five minutes, where it comes upon a mail
        that is still being put off (`skipped, still being delivered`)."""
        assert self.postfix('flush').returncode == 0, self.log()

    def stop(self):
        self.stop_postfix()
        if self.dovecot is not None:
            self.dovecot.send_signal(signal.SIGTERM)
            self.dovecot.wait(120)

    def log(self):
        return ''.join(p.read_text(errors='replace') for p in sorted((self.folder / 'log').glob('*')))

    def _imap(self, user):
        context = ssl.create_default_context(cafile=self.certs.ca)
        connection = imaplib.IMAP4_SSL('localhost', self.imaps_port, ssl_context=context, timeout=30)
        connection.login(user, self.PASSWORD)
        return connection

    def mailbox(self, address):
        """The mails in a person's mailbox, in the order of their arrival: email.message objects."""
        found = []
        with self._imap(address.split('@')[0].split('+')[0]) as connection:
            connection.select('INBOX', readonly=True)
            for number in connection.search(None, 'ALL')[1][0].split():
                raw = connection.fetch(number, '(RFC822)')[1][0][1]
                found.append(email.message_from_bytes(raw, policy=email.policy.default))
        return found

    def wait_mailbox(self, address, least=1):
        harness.wait_for(lambda: len(self.mailbox(address)) >= least, what=f'mail {least} to {address}', every=0.2)
        return self.mailbox(address)
