"""PostgreSQL and the mail server go away and come back under load; the daemon carries on."""

import time

import pytest

import harness
import load


@pytest.mark.parametrize('mode', ['fast', 'immediate'])
def test_postgresql_restarts(cluster, folder, sink, vacd, mode):
    database = load.database(cluster, folder)
    mail = sink(delay_ms=5)
    daemon = vacd(database, mail, lease_ms=1500, poll_ms=300)
    coming = load.Load(database, load.cases(200, 40), rate=25, seed=3).start()
    for _ in range(load.cases(4, 2)):
        time.sleep(1.2)
        cluster.restart(mode)
    codes = coming.finish()
    load.settle(database, [daemon])
    assert daemon.running(), 'a database that goes away is no reason to end'
    assert daemon.stop() == 0
    load.check_promises(database, mail.dir, codes)
    database.drop()


def test_mail_server_restarts(cluster, folder, sink, vacd):
    database = load.database(cluster, folder)
    mail = sink(delay_ms=20)
    daemon = vacd(database, mail, lease_ms=1500, poll_ms=300)
    coming = load.Load(database, load.cases(200, 40), rate=25, seed=4).start()
    for _ in range(load.cases(4, 2)):
        time.sleep(0.8)
        mail.stop()
        time.sleep(0.5)
        mail.start()
    codes = coming.finish()
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    load.check_promises(database, mail.dir, codes)
    database.drop()


def test_no_storm_while_the_mail_server_is_down(cluster, folder, sink, vacd):
    """Nobody answers on the port: tries are few, and what waits goes out when it is back."""
    database = load.database(cluster, folder)
    mail = sink()
    mail.stop()
    daemon, begun = vacd(database, mail, lease_ms=1500, poll_ms=300), time.monotonic()
    codes = load.Load(database, 40, rate=40, seed=6, second_thoughts=False).start().finish()
    time.sleep(4)
    tries, seconds = database.value('SELECT coalesce(max(attempts), 0) FROM vac_store.message'), time.monotonic() - begun
    assert tries <= seconds, f'a message was tried {tries} times in {seconds} seconds'
    assert database.value("SELECT count(*) FROM vac_store.message WHERE state = 'refused'") == 0
    mail.start()
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    load.check_promises(database, mail.dir, codes)
    database.drop()


def test_refused_for_good_is_acted_on(cluster, folder, sink, vacd):
    """A final refusal of an invitation plans the request again and marks the address."""
    database = load.database(cluster, folder)
    mail = sink(seed=5, hard=10)
    daemon = vacd(database, mail, lease_ms=1500, poll_ms=300)
    codes = load.Load(database, load.cases(120, 30), rate=60, seed=9).start().finish()
    harness.wait_for(lambda: database.value('SELECT count(*) FROM vac_store.coordinator WHERE mail_failed_at IS NOT NULL'), what='a final refusal')
    mail.stop()
    mail.start(hard=0)
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    load.check_promises(database, mail.dir, codes)
    database.drop()
