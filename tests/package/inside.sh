#!/bin/bash
# What an administrator does with the package, from the first installation to the purge: run inside a fresh
# Debian by install.sh. Prints TAP. Arguments: port of the mail server, and what the older package is of.
set -u

port=$1 older=$2
number=0
database_runs='' daemon=''
said=/test/said

ok() {                  # WHAT command…
	local what=$1
	shift
	number=$((number + 1))
	if "$@" >/test/output 2>&1 </dev/null; then
		echo "ok $number - $what"
	else
		echo "not ok $number - $what"
		sed 's/^/# /' /test/output | tail -n 30
	fi
}
not() { ! "$@"; }
skip() {                # WHAT WHY
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}
wait_for() {            # SECONDS command…
	local left=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}
is() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
mode() { stat -c '%A %U:%G' "$1"; }

as_postgres() { runuser -u postgres -- "$@"; }
as_vacd() { runuser -u vacd -- env CREDENTIALS_DIRECTORY=/run/credentials/vacd "$@"; }
sql() { as_postgres psql -X -q -A -t -v ON_ERROR_STOP=1 -d vac "$@"; }
# What it says goes to a file; the answer that an unattended upgrade gives for a changed conffile.
apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
		-o Dpkg::Options::=--force-confold -o "DPkg::Path=$PATH" "$@" >"$said" 2>&1 </dev/null || { cat "$said"; return 1; }
}
mails() { wc -l </test/mail/index.tsv; }
all_sent() { is "$(sql -c "SELECT count(*) FROM vac_store.message WHERE state IN ('queued', 'claimed')")" 0; }
planned() { is "$(sql -c "SELECT count(*) FROM vac_store.request WHERE state <> 'planned'")" 0; }
# One case of somebody invented, and its invitation with the mail server.
case_to_mail() {
	local before
	before=$(mails)
	sql -c "SELECT vac.open_case('SEA', 'es')" && wait_for 60 planned && wait_for 60 all_sent && [ "$(mails)" -gt "$before" ]
}

# What people entered and what became of it, a line each, by what no upgrade may change. Older schemas have all of these.
rows() {
	sql -c "SELECT 'office', code, time_zone FROM vac_store.office
		UNION ALL SELECT 'supervisor', login, mail FROM vac_store.supervisor
		UNION ALL SELECT 'coordinator', code, mail FROM vac_store.coordinator
		UNION ALL SELECT 'pattern', pattern_id::text, concat_ws(' ', coordinator_id, weekday, from_time, to_time) FROM vac_store.weekly_pattern
		UNION ALL SELECT 'holiday', holiday_id::text, day::text FROM vac_store.holiday
		UNION ALL SELECT 'case', case_code, opened_at::text FROM vac_store.case_record
		UNION ALL SELECT 'request', request_id::text, case_id::text FROM vac_store.request
		UNION ALL SELECT 'appointment', uid::text, made_at::text FROM vac_store.appointment
		UNION ALL SELECT 'message', mail_uuid::text, kind FROM vac_store.message
		UNION ALL SELECT 'history', history_id::text, event || ' ' || at FROM vac_store.history"
}
note_rows() {
	rows | sort >/test/rows
	is "$(cut -d '|' -f 1 /test/rows | uniq | paste -s -d ' ')" \
		'appointment case coordinator history holiday message office pattern request supervisor' || return 1
	cut -d '|' -f 1 /test/rows | uniq -c | awk '{ print $1, $2 }' | paste -s -d ',' >/test/counts
}
# There may be more: the daemon is at work.
rows_are_there() {
	is "$(rows | sort | comm -13 - /test/rows)" ''
}

start_database() {
	mkdir -p /run/postgresql
	chown postgres:postgres /run/postgresql
	pg_ctlcluster 15 main start && database_runs=yes
}
# As the unit starts it: the line itself, the user, the credentials.
start_daemon() {
	local line
	line=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/vacd.service)
	# Its number is the daemon's own.
	# shellcheck disable=SC2086 # a word each
	(exec setpriv --reuid=vacd --regid=vacd --init-groups env CREDENTIALS_DIRECTORY=/run/credentials/vacd $line) \
		>>/test/daemon.log 2>&1 </dev/null &
	daemon=$!
}
stop_daemon() {
	kill -TERM "$daemon"
	wait "$daemon"
}
daemon_runs() { is "$(sql -c 'SELECT count(*) FROM vac_store.daemon WHERE stopped_at IS NULL')" 1; }
configure() {
	cat >>/etc/vacd/vacd.conf <<-END
		deliver = smtp
		mail_from = "vacd@agency.example.org"
		mail_host = "localhost"
		mail_port = $port
		mail_ca_file = "/test/cert.pem"
		token_key_file = "\$CREDENTIALS_DIRECTORY/token-keys"
	END
	printf 'k1 %s\n' "$(openssl rand -hex 32)" >/etc/vacd/secrets/token-keys
	# What LoadCredential= does.
	install -d -m 500 -o vacd /run/credentials/vacd
	install -m 400 -o vacd /etc/vacd/secrets/token-keys /run/credentials/vacd/token-keys
}
import() {
	local examples=/usr/share/vacd/examples
	as_postgres vacd import roster $examples/rosters/*.csv && as_postgres vacd import holidays $examples/holidays/us-federal.ics
}
log_in() {
	as_postgres createuser vacd && sql -c 'GRANT vac_daemon TO vacd'
}
check_says() {
	local lines
	lines=$(as_vacd vacd check) && return 1
	echo "$lines"
	grep -q "$1" <<<"$lines"
}
# A daemon that has just begun says so for some seconds: until its first heartbeat.
status_is_content() {
	wait_for 30 as_vacd vacd status || as_vacd vacd status
}
# Stands for systemd while a package is upgraded: what it is told is looked at.
pretend_systemd() {
	mkdir -p /run/systemd/system
	printf '#!/bin/sh\necho "$*" >>/test/systemctl\n' >/usr/local/sbin/systemctl
	chmod 755 /usr/local/sbin/systemctl
	: >/test/systemctl
}
no_systemd() {
	rm -r /run/systemd/system
	rm /usr/local/sbin/systemctl
}

install_first() {
	ok 'the older package is installed by apt' apt_get install /test/older/vacd.deb
	ok 'it says how the database is created' grep -q 'runuser -u postgres -- createdb vac' "$said"
	ok 'and how it is migrated' grep -q 'runuser -u postgres -- vacd migrate' "$said"
	ok 'there is user vacd' id vacd
	ok 'who cannot log in' is "$(getent passwd vacd | cut -d : -f 7)" /usr/sbin/nologin
	ok 'secrets are root'\''s alone' is "$(mode /etc/vacd/secrets)" 'drwx------ root:root'
	ok 'the configuration can be read by all and holds no secret' is "$(mode /etc/vacd/vacd.conf)" '-rw-r--r-- root:root'
	ok 'it is a conffile' grep -q '^ */etc/vacd/vacd.conf' <(dpkg-query -W -f '${Conffiles}' vacd)
	ok 'the service is enabled' test -L /etc/systemd/system/multi-user.target.wants/vacd.service
	ok 'nothing runs yet' not pgrep -x vacd
	ok 'the manual is there' test -s /usr/share/man/man8/vacd.8.gz
}

set_up() {
	local begun
	ok 'PostgreSQL runs' start_database
	begun=$(date +%s)
	ok 'the first command' as_postgres createdb vac
	ok 'the second command' as_postgres vacd migrate
	ok 'a login for the daemon' log_in
	ok 'rosters and holidays are imported' import
	configure
	ok 'vacd check is content' as_vacd vacd check
	start_daemon
	ok 'the daemon is at work' wait_for 30 daemon_runs
	ok 'a case comes in and its invitation goes out' case_to_mail
	echo "# set up and first invitation out: $(($(date +%s) - begun)) s"
	ok 'vacd status is content' status_is_content
}

upgrade() {
	local before
	echo '# kept' >>/etc/vacd/vacd.conf
	before=$(sha256sum </etc/vacd/vacd.conf)
	ok 'there is something in each of the main tables' note_rows
	echo "# before the upgrade: $(cat /test/counts)"
	pretend_systemd
	ok 'it is upgraded by apt' apt_get install /test/this/vacd.deb
	ok 'a configuration that was changed stays' is "$(sha256sum </etc/vacd/vacd.conf)" "$before"
	ok 'keys stay' test -s /etc/vacd/secrets/token-keys
	ok 'the service stays enabled' test -L /etc/systemd/system/multi-user.target.wants/vacd.service
	ok 'the doors for mail stay shut' not test -e /etc/systemd/system/sockets.target.wants/vacd-lmtp.socket
	if [ "$older" = same ]; then
		skip 'the older package is of an older schema' 'git does not know the first landing here, so it is of this tree: nothing was migrated'
		ok 'with the same schema it is restarted' grep -q 'try-restart vacd.service' /test/systemctl
	else
		ok 'with another schema nothing is restarted' not grep -q 'restart vacd' /test/systemctl
		ok 'it says what to do' grep -q 'runuser -u postgres -- vacd migrate' "$said"
		ok 'the old daemon goes on' case_to_mail
		ok 'vacd check of the new one says so' check_says '^bad  schema: .*vacd migrate'
		# A case that comes in between.
		sql -c "SELECT vac.open_case('PDX', 'en', service => 'counseling')" >/dev/null
		ok 'the database is migrated' as_postgres vacd migrate
	fi
	ok 'each row that was in it still is' rows_are_there
	stop_daemon
	start_daemon
	ok 'the new daemon is at work' wait_for 30 daemon_runs
	ok 'a case comes in and its invitation goes out, again' case_to_mail
	ok 'vacd check is content, again' as_vacd vacd check
	ok 'vacd status is content, again' status_is_content
	: >/test/systemctl
	rm -f /run/vacd-schema          # as after a boot
	ok 'it is upgraded once more, with the same schema' apt_get install /test/newer/vacd.deb
	ok 'and restarted' grep -q 'try-restart vacd.service' /test/systemctl
	ok 'each row is still there' rows_are_there
	no_systemd
}

take_away() {
	local cases
	cases=$(sql -c 'SELECT count(*) FROM vac_store.case_record')
	stop_daemon
	pretend_systemd
	ok 'it is removed' apt_get remove vacd
	ok 'and the service is stopped' grep -q 'stop.*vacd.service' /test/systemctl
	no_systemd
	ok 'the program is gone' not test -e /usr/sbin/vacd
	ok 'the configuration is not' test -s /etc/vacd/vacd.conf
	ok 'it is installed again' apt_get install /test/this/vacd.deb
	ok 'and is still set up' as_vacd vacd check
	ok 'it is purged' apt_get purge vacd
	ok 'the configuration is gone' not test -e /etc/vacd/vacd.conf
	ok 'and what enabled it' not test -e /etc/systemd/system/multi-user.target.wants/vacd.service
	ok 'keys that the package did not make are kept' test -s /etc/vacd/secrets/token-keys
	ok 'which it says' grep -q 'kept: /etc/vacd/secrets' "$said"
	ok 'the database is as it was' is "$(sql -c 'SELECT count(*) FROM vac_store.case_record')" "$cases"
	rm /etc/vacd/secrets/token-keys
	ok 'one that was never set up' apt_get install /test/this/vacd.deb
	ok 'is purged' apt_get purge vacd
	ok 'without a trace' not test -e /etc/vacd
	ok 'in the unit folders either' is "$(find /etc/systemd /lib/systemd /usr/lib/tmpfiles.d /usr/lib/sysusers.d -name '*vacd*')" ''
}

# Without these nothing behind them says anything.
must() {
	"$@" || { echo "Bail out! $*"; exit 1; }
}

must apt_get update
install_first
must id -u vacd >/dev/null
set_up
must daemon_runs
upgrade
take_away
[ -z "$database_runs" ] || pg_ctlcluster 15 main stop -m fast
echo "1..$number"
