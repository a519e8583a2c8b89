"""vacd is killed at random moments while cases come in and mail goes out; nothing is lost or doubled."""

import random
import time

import load


def test_killed_at_random_moments(cluster, folder, sink, vacd):
    kills, cases = load.cases(50, 6), load.cases(500, 60)
    database = load.database(cluster, folder)
    mail = sink(seed=11, soft=3, unsaid=3, cut=2, shut=1, delay_ms=5)
    daemon = vacd(database, mail, lease_ms=1500, poll_ms=300)
    coming = load.Load(database, cases, rate=cases / (kills * 0.4), seed=7).start()
    moment = random.Random(23)
    for _ in range(kills):
        time.sleep(moment.uniform(0.02, 0.75))
        assert daemon.running(), daemon.log()[-3000:]
        daemon.kill()
        daemon.start()
    codes = coming.finish()
    mail.stop()
    mail.start(soft=0, unsaid=0, cut=0, shut=0, delay_ms=0)
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    facts = load.check_promises(database, mail.dir, codes)
    assert len(codes) == cases
    planned = sum(r.state == 'planned' for r in facts.requests)
    assert planned > cases * 0.7, 'too few were planned for this test to say anything'
    database.drop()


def test_refused_for_good_is_acted_on(cluster, folder, sink, vacd):
    """A final refusal of an invitation plans the request again and marks the address."""
    database = load.database(cluster, folder)
    mail = sink(seed=5, hard=10)
    daemon = vacd(database, mail, lease_ms=1500, poll_ms=300)
    codes = load.Load(database, load.cases(120, 30), rate=60, seed=9).start().finish()
    time.sleep(1)
    mail.stop()
    mail.start(hard=0)
    load.settle(database, [daemon])
    assert daemon.stop() == 0
    load.check_promises(database, mail.dir, codes)
    assert database.value('SELECT count(*) FROM vac_store.coordinator WHERE mail_failed_at IS NOT NULL')
    database.drop()
