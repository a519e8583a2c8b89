"""Bad input at every door at once, while cases come in and are answered: nothing of it has an effect.

Mail that nobody of ours wrote, by LMTP: what the fuzzers keep, the project's fixtures with a token of another
key, both also with some octets changed, and in the long form the public corpus ($VACD_CORPUS); conversations of
LMTP that are none; requests and forms at the intake that are refused. The daemon stays the same process, reads or
lists each mail, counts no answer of it, and keeps its promises.
"""

import concurrent.futures
import os
import pathlib
import random
import socket

import harness
import lmtp_client
import load
from answering import Coordinators, MailServer, settle
from intake_client import Door, parse
from test_intake import POST, RAW, REFUSED

FUZZED = harness.ROOT / 'tests' / 'fuzz' / 'corpus'
FIXTURES = harness.ROOT / 'tests' / 'fixtures' / 'mail'
STRANGERS = '''
SELECT inbound_id, state, outcome, deaths, why FROM vac_store.inbound
WHERE envelope_sender = 'stranger@example.org' AND (state NOT IN ('done', 'listed') OR outcome IN ('taken', 'set_aside') OR deaths > 1)'''
COUNTED = '''
SELECT count(*) FROM vac_store.answer JOIN vac_store.inbound USING (inbound_id) WHERE envelope_sender = 'stranger@example.org\''''


def files(*folders):
    return [path.read_bytes() for folder in folders for path in sorted(pathlib.Path(folder).rglob('*')) if path.is_file()]


def some_of(inputs, full, draw):
    """All; in the short form 50 of them."""
    return inputs if full else draw.sample(inputs, min(50, len(inputs)))


def changed(raw, draw):
    """Some octets are others, a piece is missing, or one is there twice."""
    octets = bytearray(raw)
    for _ in range(draw.randint(1, 8)):
        octets[draw.randrange(len(octets))] = draw.randrange(256)
    begin, length = draw.randrange(len(octets)), draw.randint(1, 200)
    if draw.random() < 0.5:
        del octets[begin:begin + length]
    else:
        octets[begin:begin] = octets[begin:begin + length]
    return bytes(octets) or b'x'


def mails(full, draw):
    kept, fixtures = files(FUZZED / 'imip'), files(FIXTURES)
    public = files(os.environ['VACD_CORPUS']) if full and 'VACD_CORPUS' in os.environ else []
    some = some_of(kept, full, draw) + some_of(fixtures, full, draw)
    again = [changed(draw.choice(some), draw) for _ in range(3000 if full else 50)]
    return some + public + again


def hand_over(path, raws):
    """Each is taken by LMTP, on connections of some mails; how many."""
    for begin in range(0, len(raws), 10):
        with lmtp_client.Client(path) as client:
            for raw in raws[begin:begin + 10]:
                recipient = lmtp_client.TOKEN if len(raw) % 2 else lmtp_client.OURS
                assert client.deliver('stranger@example.org', [recipient], raw + b'\r\n') == ['250'], client.reply
    return len(raws)


def converse(path, dialogues):
    """Whatever is said in them, the daemon answers to its end, and takes mail after."""
    for octets in dialogues:
        with lmtp_client.Client(path) as client:
            try:
                client.write(octets.replace(b'a@x.example', b'stranger@example.org'))
                client.socket.shutdown(socket.SHUT_WR)
            except BrokenPipeError:     # it has heard enough
                pass
            client.until_end()
        with lmtp_client.Client(path) as client:
            assert client.ask('LHLO mail.example.org')[:3] == '250'
    return len(dialogues)


def knock(door):
    """With what is no request."""
    for octets, status in RAW:
        assert parse(door.say(octets + POST + b'\r\n')).status == status, octets
    return len(RAW)


def fill_in(door, forms):
    """Each is read, and refused for what it says: the client may open cases."""
    head = b'POST /v1/cases HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: Bearer ' + door.tokens['tips'].encode()
    for number, form in enumerate(forms):
        raw = door.say(head + b'\r\nIdempotency-Key: bad %d\r\nContent-Length: %d\r\n\r\n' % (number, len(form)) + form)
        assert parse(raw).status in (400, 403, 413, 422), (form, raw)
    for form, status, _ in REFUSED:
        # Another's office is none of theirs here.
        assert door.post(form, 'refused').status in (status, 400)
    return len(forms) + len(REFUSED)


def test_at_every_door_at_once(cluster, folder, sink, certs, record, full):
    draw, database, mail = random.Random(71), load.database(cluster, folder), sink(delay_ms=5)
    socket_path = str(folder / 'lmtp')
    door = Door(folder, database, certs, deliver='smtp', mail_host='localhost', mail_port=mail.port, mail_tls='implicit', mail_ca_file=certs.ca,
                mail_from='vacd@agency.example.org', token_key_file=folder / 'token.keys', lmtp_socket=socket_path)
    process = door.daemon.pid
    try:
        people = Coordinators(mail, MailServer([socket_path], 72), 73).start()
        # Nobody immediate: a window would run on for ten minutes.
        coming = load.Load(database, 100 if full else 20, rate=4, seed=74, urgencies=(6, 3, 0)).start()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            tried = {'mail': pool.submit(hand_over, socket_path, mails(full, draw)),
                     'conversation of LMTP': pool.submit(converse, socket_path, some_of(files(FUZZED / 'lmtp'), full, draw)),
                     'request at the intake': pool.submit(knock, door),
                     'form at the intake': pool.submit(fill_in, door, some_of(files(FUZZED / 'intake'), full, draw))}
        counts = {what: future.result() for what, future in tried.items()}
        codes = coming.finish(600)
        settle(database, [door.daemon], people)
        people.finish()
        wrong = database.query(STRANGERS)
        assert not wrong, wrong[:20]
        assert database.value(COUNTED) == 0
        facts = load.check_promises(database, mail.dir, codes)
        assert door.daemon.pid == process and door.daemon.running(), door.daemon.log()[-3000:]
        assert database.value('SELECT count(*) FROM vac_store.case_record') == len(codes)
    finally:
        status = door.daemon.stop()
    assert status == 0, door.daemon.log()[-3000:]
    for what, times in counts.items():
        record.bad_input(what, times)
    record.delivered += len(facts.copies)
    database.drop()
