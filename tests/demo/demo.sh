# ./dev demo: rosters in, a dozen cases in, invitations out, and what a supervisor sees of it.
# Sourced by dev, whose functions and variables it uses.

demo_certificate() {
	local config=$work/mail/openssl.cnf
	printf '%s\n' '[req]' 'distinguished_name=dn' 'prompt=no' 'x509_extensions=ext' '[dn]' 'CN=localhost' \
		'[ext]' 'subjectAltName=DNS:localhost' 'basicConstraints=critical,CA:TRUE' >"$config"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -config "$config" \
		-keyout "$work/mail/key.pem" -out "$work/mail/cert.pem" 2>"$work/openssl.log" ||
		{ cat "$work/openssl.log" >&2; fail "openssl could not make a certificate"; }
	[ -z "$account" ] || chown "$account" "$work/mail/key.pem" "$work/mail/cert.pem"
}

# The program is copied: the servers' account may not be allowed into the source folder.
demo_server() {         # NAME command…: started as the unprivileged account, ended by clean_up
	local log=$work/$1.log
	shift
	: >"$log"
	# One process each, so that its number is the server's own.
	if [ -n "$account" ]; then
		(cd / && exec setpriv --reuid="$account" --regid="$(id -g "$account")" --init-groups "$@") \
			>>"$log" 2>&1 </dev/null &
	else
		"$@" >>"$log" 2>&1 </dev/null &
	fi
	started+=($!)
}

demo_sink() {
	server_folder mail
	demo_certificate
	install -m 755 "$build/mail-sink" "$build/vacd" "$work/"
	demo_server sink "$work/mail-sink" --dir "$work/mail" --cert "$work/mail/cert.pem" --key "$work/mail/key.pem"
	for _ in $(seq 600); do
		port=$(sed -n 's/^listening on //p' "$work/sink.log")
		[ -z "$port" ] || return 0
		sleep 0.1
	done
	fail "the mail sink did not start: $(cat "$work/sink.log")"
}

demo_logins() {
	sql -d vac <<-'END'
		CREATE ROLE vacd LOGIN; GRANT vac_daemon TO vacd;
		CREATE ROLE sup_all LOGIN; GRANT vac_supervisor TO sup_all;
		CREATE ROLE sup_phx LOGIN; GRANT vac_supervisor TO sup_phx;
		CREATE ROLE intake1 LOGIN; GRANT vac_intake TO intake1;
		DO $$ BEGIN PERFORM vac.allow_domain('example.org'); END $$;
	END
}

demo_vacd() {
	server_folder etc
	printf 'demo %s\n' "$(openssl rand -hex 32)" >"$work/etc/token.keys"
	chmod 600 "$work/etc/token.keys"
	cat >"$work/etc/vacd.conf" <<-END
		database = "host=$work/pg user=vacd dbname=vac"
		deliver = "smtp"
		mail_from = "vacd@agency.example.org"
		mail_host = "localhost"
		mail_port = $port
		mail_tls = "implicit"
		mail_ca_file = "$work/mail/cert.pem"
		token_key_file = "$work/etc/token.keys"
		lmtp_socket = "$work/etc/lmtp"
	END
	[ -z "$account" ] || chown -R "$account" "$work/etc"
	demo_server vacd "$work/vacd" --config "$work/etc/vacd.conf" daemon
	vacd_number=${started[-1]}
}

as_intake() { PGOPTIONS='-c client_min_messages=error' psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$work/pg" -U intake1 -d vac "$@"; }
as_supervisor() { psql -X -q -v ON_ERROR_STOP=1 -P pager=off -P footer=off -h "$work/pg" -U sup_all -d vac "$@"; }

demo_open() {           # what it is, arguments of vac.open_case
	local codes
	codes=$(as_intake -c "SELECT vac.open_case($2)") || fail "vac.open_case($2) was refused"
	codes=$(echo $codes)
	printf '  %-9s %s\n' "${codes%% *}" "$1"
	[ "$codes" = "${codes%% *}" ] || printf '  %s\n' "${codes#* }" | tr ' ' '\n' | sed 's/^\([A-Z0-9]\)/  \1/' | sed 's/^ *$//;/^$/d'
	last_codes=$codes
}

demo_cases() {
	# Half past two in the coming night, Denver's time.
	local night="(date_trunc('day', now() AT TIME ZONE 'America/Denver') + interval '1 day 2:30') AT TIME ZONE 'America/Denver'"
	demo_open "Seattle, Spanish: everything else by default" "'SEA', 'es'"
	plain_code=$last_codes
	demo_open "Miami: in danger now, a call-out" "'MIA', 'es', urgency => 'immediate'"
	call_out_code=$last_codes
	demo_open "Denver: an operation tonight at 02:30, somebody must be there" \
		"'DEN', 'en', urgency => 'immediate', window_from => $night, window_to => $night + interval '3 hours'"
	demo_open "Phoenix: Mam, which one person in the country speaks" "'PHX', 'mam', urgency => 'urgent'"
	demo_open "Chicago, Polish, urgent" "'CHI', 'pl', urgency => 'urgent'"
	demo_open "New York, at the airport, Chinese" "'NYC', 'zh', place => 'AIR'"
	demo_open "New York, Korean: by a telephone interpreter" "'NYC', 'ko', interpreter => 'telephone', mode => 'telephone'"
	demo_open "Seattle: a raid, three victims at once, Vietnamese or an interpreter" \
		"'SEA', 'vi', urgency => 'urgent', interpreter => 'on_site', victims => 3"
	demo_open "Portland, which has nobody full-time" "'PDX', 'en', service => 'counseling'"
	shown_code=$last_codes
	demo_open "Honolulu, Tagalog, a woman if possible; the opener is kept informed" \
		"'HNL', 'tl', gender => 'female', requester => 'tipline@example.org'"
	demo_open "Anchorage, Japanese, a woman only: nobody there can" "'ANC', 'ja', gender => 'female', gender_required => true"
	lonely_code=$last_codes
}

demo_counts() {
	sql -A -t -F ' ' -d vac -c "
		SELECT (SELECT count(*) FROM vac_store.request),
			(SELECT count(*) FROM vac_store.request WHERE state = 'planned'),
			(SELECT count(*) FROM vac_store.request WHERE unserved_since IS NOT NULL AND state = 'open'),
			(SELECT count(*) FROM vac_store.message WHERE method = 'REQUEST'),
			(SELECT count(*) FROM vac_store.message WHERE method = 'REQUEST' AND state = 'sent'),
			(SELECT count(*) FROM vac_store.message WHERE state IN ('queued', 'claimed'))"
}

demo_wait() {
	local all planned unserved invitations sent waiting end=$((SECONDS + 300)) shown=
	while :; do
		read -r all planned unserved invitations sent waiting < <(demo_counts)
		line="  $planned of $all planned, $unserved with nobody, $sent of $invitations invitations taken by the mail server"
		if [ "$line" != "$shown" ]; then
			if [ -t 1 ]; then printf '\r\e[K%s' "$line"; else say "$line"; fi
			shown=$line
		fi
		[ $((planned + unserved)) -lt "$all" ] || [ "$waiting" -gt 0 ] || break
		kill -0 "$vacd_number" 2>/dev/null || { tail -n 20 "$work/vacd.log" >&2; fail "vacd ended"; }
		[ "$SECONDS" -lt "$end" ] || { tail -n 20 "$work/vacd.log" >&2; fail "not done within five minutes"; }
		sleep 0.2
	done
	[ ! -t 1 ] || printf '\n'
}

demo_view() {           # heading, statement
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
	printf '%s=> %s%s\n' 'vac' "$2" ';'
	as_supervisor -c "$2"
}

demo_show() {
	step "what a supervisor sees in psql"
	demo_view "Who can be called now?" "TABLE vac.on_duty_now"
	demo_view "Which cases are open, and who goes?" "TABLE vac.open_cases"
	demo_view "Who meets whom this week?" "TABLE vac.week"
	demo_view "Which cases have nobody, and why?" "TABLE vac.unassigned"
	demo_view "Whom could one ring up for the case in Anchorage, and what speaks against them?" \
		"SELECT * FROM vac.who_could('$lonely_code')"
	demo_view "What happened to the case that was declined?" \
		"SELECT * FROM vac.history WHERE case_code = '$plain_code'"
	demo_view "Is mail waiting?" "TABLE vac.mail_queue"
	demo_view "How does vacd stand?" "TABLE vac.status"

	step "the reasons of one choice ($shown_code, the case in Portland)"
	demo_view "Chosen, runner-up, and the rule that ruled out each of the others:" \
		"SELECT * FROM vac.why WHERE case_code = '$shown_code'"

	step "the invitation as it arrived"
	demo_mail
}

demo_invitation() {     # CASE: the file of the last one that was sent for it
	local id number
	id=$(sql -A -t -d vac -c "SELECT m.mail_uuid FROM vac_store.message m JOIN vac_store.case_record c USING (case_id)
		WHERE c.case_code = '$1' AND m.kind = 'invitation' AND m.state = 'sent' ORDER BY m.message_id DESC LIMIT 1")
	number=$(awk -F '\t' -v id="$id" 'index($6, id) { print $1; exit }' "$work/mail/index.tsv")
	echo "$work/mail/$(printf '%08d' "$number").eml"
}

demo_mail() {
	"$python" "$top/tests/demo/show_mail.py" "$(demo_invitation "$shown_code")"
}

# An answer goes to the daemon's socket, as a mail server would hand it over.
demo_answer() {         # what it is, CASE, PROGRAM, KIND
	printf '  %-9s %s\n' "$2" "$1"
	PYTHONDONTWRITEBYTECODE=1 "$python" "$top/tests/demo/answer_mail.py" "$(demo_invitation "$2")" "$3" "$4" |
		"$build/vacd" --config "$work/etc/vacd.conf" receive --field To || fail "vacd receive ended with $?"
	for _ in $(seq 600); do
		[ "$(sql -A -t -d vac -c "SELECT count(*) FROM vac_store.inbound WHERE state IN ('waiting', 'claimed')")" -gt 0 ] || break
		sleep 0.1
	done
	demo_wait >/dev/null
}

demo_answers() {
	demo_answer "accepted in Outlook" "$shown_code" exchange accepted
	demo_answer "the call-out, accepted on an iPhone" "$call_out_code" ios accepted
	demo_answer "declined in Google Calendar: somebody else is asked at once" "$plain_code" google declined
	demo_answer "who accepts in Thunderbird" "$plain_code" thunderbird accepted
}

demo_further() {
	step "to look further"
	cat <<-END
		  psql -h $work/pg -U sup_all vac        as the supervisor of all offices
		  psql -h $work/pg -U sup_phx vac        as Phoenix's: sees Phoenix's cases only
		  psql -h $work/pg -U intake1 vac        as intake: opens cases, sees their state
		    TABLE vac.help;                      what can be asked and done
		    SELECT vac.open_case('SEA', 'es');   another case
		    SELECT vac.withdraw_case('$shown_code', 'resolved');   and a cancellation goes out
		  ls $work/mail                          every mail as it came, index.tsv in its order
		  tail -f $work/vacd.log                 what the daemon says
	END
	if [ "$stay" = yes ]; then
		say ""
		say "Running until Enter or Ctrl-C."
		if [ -t 0 ]; then read -r _ || true; else while kill -0 "$vacd_number" 2>/dev/null; do sleep 1; done; fi
	else
		say ""
		say "With --stay it keeps running, so that these work. Everything is being put away now."
	fi
}

demo() {
	local port= vacd_number= last_codes= shown_code= lonely_code= plain_code= call_out_code= line=
	step "building"
	build_to_run
	step "a private PostgreSQL, a mail server on 127.0.0.1 with TLS, in $work"
	start_cluster
	make_database vac
	demo_logins
	demo_sink
	step "rosters in: vacd import roster etc/rosters/*.csv"
	"$build/vacd" import roster --database "$(conninfo vac)" "$top"/etc/rosters/*.csv
	"$build/vacd" import holidays --database "$(conninfo vac)" "$top"/etc/holidays/*.ics
	step "vacd starts"
	demo_vacd
	step "cases in: vac.open_case(…), by intake"
	demo_cases
	step "waiting for the invitations"
	demo_wait
	step "coordinators answer from their calendars"
	demo_answers
	demo_show
	demo_further
}
