"""Readers are killed while answers come in, as mail servers hand them over."""

import os
import random
import signal
import sys
import threading
import time

import pytest

import harness
import load
import reader_client
from answering import STORED, WAITING, Mail, MailServer
from test_answer import invited, office, outcome, state_of  # noqa: F401

sys.path.insert(0, str(harness.ROOT / 'tests' / 'fixtures'))
import clients  # noqa: E402


# ---- the reader ------------------------------------------------------------------------------------

def reader_of(daemon):
    return harness.wait_for(lambda: reader_client.children_of(daemon.pid), what='a reader')[0]


@pytest.fixture
def with_socket(office, folder, sink, vacd):
    """A daemon that takes mail in, and who hands it over: (daemon, sink, server)"""
    mail, socket = sink(), str(folder / 'lmtp')
    return vacd(office, mail, poll_ms=300, lease_ms=1500, lmtp_socket=socket), mail, MailServer([socket], 41)


def mail_row(database, mail):
    found = [row for message_id, *row in database.query(STORED) if message_id == mail.message_id]
    assert len(found) == 1, found
    return found[0]


def test_a_reader_killed_while_it_reads(office, with_socket):
    daemon, sink, server = with_socket
    _, (one,) = invited(office, sink)
    reader = reader_of(daemon)
    os.kill(reader, signal.SIGSTOP)
    answer = Mail(one, 'accepted', 'exchange', random.Random(42))
    server.deliver(answer)
    harness.wait_for(lambda: office.value("SELECT count(*) FROM vac_store.inbound WHERE state = 'claimed'"), what='a mail at the reader')
    os.kill(reader, signal.SIGKILL)
    assert outcome(office, mail_row(office, answer)[3])[:2] == ('done', 'taken')
    assert (state_of(office, one), mail_row(office, answer)[2]) == ('accepted', 1)


def test_readers_killed_at_random(office, with_socket):
    """What is unlucky twice is listed for a person; nothing is lost, and nothing done twice."""
    daemon, sink, server = with_socket
    _, invitations = invited(office, sink, load.cases(30, 8))
    draw, ending = random.Random(43), threading.Event()
    mails = [Mail(one, draw.choice(['accepted', 'declined']), draw.choice(sorted(clients.CLIENTS)), draw) for one in invitations]

    def kill():
        while not ending.wait(draw.uniform(0.01, 0.2)):
            for reader in reader_client.children_of(daemon.pid):
                os.kill(reader, signal.SIGKILL)
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for mail in mails:
            server.deliver(mail)
            time.sleep(0.03)
    finally:
        ending.set()
        killer.join()
    harness.wait_for(lambda: office.value(WAITING) == 0, what='an end')
    assert daemon.running() and 'reader ended' in daemon.log()
    for invitation, mail in zip(invitations, mails, strict=True):
        state, became, deaths, _, why = mail_row(office, mail)
        assert (state, became, state_of(office, invitation)) in [('done', 'taken', mail.kind), ('listed', 'set_aside', 'invited')], (mail.kind, why)
        assert deaths == 2 or became == 'taken'
    done = [mail_row(office, mail)[1] for mail in mails].count('taken')
    assert office.value("SELECT count(*) FROM vac_store.history WHERE event IN ('answer_accepted', 'answer_declined')") == done
    assert office.as_login('sup_all').value('SELECT count(*) FROM vac.unread_answers') == len(mails) - done
