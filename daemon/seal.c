#include "seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chain.h"
#include "config.h"
#include "head_file.h"
#include "log.h"
#include "pg.h"
#include "signature.h"
#include "stage.h"

/* Rows sealed in one call, and the pause before the next while there are more: after an upgrade all of
 * history waits, and the other stages shall not feel it. */
#define BATCH "2000"
enum { BATCH_ROWS = 2000, PAUSE_MS = 100 };
/* Rows removed in one call. */
#define REMOVED_MOST "10000"

struct seal {
	struct pg *pg;
	struct stage *stage;
	char daemon_id[37];
	struct signature_key *key; /* NULL: nothing is signed */
	char *key_file, *head_file;
	long head_ms;
	char chain[CHAIN_ID], hash[CHAIN_HEX], at[32];
	long long number, told, written; /* of the head; the one last told, and written; 0: none */
	long long told_ms;               /* monotonic; 0: not yet */
	bool looked;                     /* whether the chain fits the file */
	bool stopped;                    /* told to, and … */
	bool leaving;                    /* … the last call is out */
};

static long long monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the head ------------------------------------------------------------------------------- */

static void write_head(struct seal *seal)
{
	char text[300], line[SIGNATURE_LINE];
	int r;

	if (!seal->key || !seal->head_file[0] || seal->number == seal->written)
		return;
	snprintf(text, sizeof(text), "vacd-head-1 chain=%s number=%lld hash=%s at=%s", seal->chain,
		seal->number, seal->hash, seal->at);
	r = signature_sign(seal->key, text, line, sizeof(line));
	if (!r)
		r = head_file_add(seal->head_file, line);
	if (!r)
		seal->written = seal->number;
	else if (r != -EAGAIN)
		log_error("history head not written", "file=%s why=\"%s\"", seal->head_file,
			strerror(-r));
}

static void tell_head(struct seal *seal)
{
	seal->told_ms = monotonic_ms();
	if (seal->number != seal->told) {
		seal->told = seal->number;
		/* In one word, as `vacd verify-history --head` takes it. */
		log_notice("history head", "chain=%s head=%lld:%s", seal->chain, seal->number,
			seal->hash);
	}
	/* Again also while history stands still: the disk may have been full. */
	write_head(seal);
}

/* Until it is time to tell. */
static long left_to_tell(const struct seal *seal)
{
	long long left = seal->told_ms == 0 ? 0 : seal->told_ms + seal->head_ms - monotonic_ms();

	return left > 0 ? (long)left : 0;
}

/* ---- what is kept no longer ----------------------------------------------------------------- */

static void call_failed(struct seal *seal, const char *call, const struct pg_reply *reply)
{
	if (reply->outcome != PG_LOST)
		log_error("call refused", "call=%s sqlstate=%s why=\"%s\"", call, reply->sqlstate,
			reply->text);
	stage_failed(seal->stage);
}

static void on_removed(const struct pg_reply *reply, void *arg)
{
	struct seal *seal = arg;
	long long rows;

	if (reply->outcome != PG_DONE || PQntuples(reply->result) != 1) {
		call_failed(seal, "remove_history", reply);
		return;
	}
	rows = pg_int(reply->result, 0, 0);
	if (rows > 0) {
		log_notice("history removed", "rows=%lld", rows);
		/* There may be more of it. */
		seal->told_ms = 0;
	}
	stage_done(seal->stage, rows > 0 ? PAUSE_MS : left_to_tell(seal));
}

static void on_due(const struct pg_reply *reply, void *arg)
{
	struct seal *seal = arg;
	char text[300], line[SIGNATURE_LINE];
	const char *values[3];

	if (reply->outcome != PG_DONE) {
		call_failed(seal, "history_due", reply);
		return;
	}
	/* A reload may have taken the key away since it was asked. */
	if (PQntuples(reply->result) != 1 || seal->stopped || !seal->key) {
		stage_done(seal->stage, left_to_tell(seal));
		return;
	}
	values[0] = pg_text(reply->result, 0, 1);
	values[1] = pg_text(reply->result, 0, 2);
	values[2] = line;
	snprintf(text, sizeof(text), "vacd-checkpoint-1 chain=%s number=%s hash=%s at=%s",
		pg_text(reply->result, 0, 0), values[0], values[1], pg_text(reply->result, 0, 3));
	if (signature_sign(seal->key, text, line, sizeof(line))
		|| pg_call(seal->pg, "SELECT vac_daemon.remove_history($1::bigint, $2, $3)", 3,
			values, on_removed, seal))
		stage_failed(seal->stage);
}

static void ask_what_is_due(struct seal *seal)
{
	const char *values[] = {REMOVED_MOST};

	if (pg_call(seal->pg, "SELECT chain, number, hash, at FROM vac_daemon.history_due($1::int)",
		    1, values, on_due, seal))
		stage_failed(seal->stage);
}

/* ---- sealing -------------------------------------------------------------------------------- */

static const char seal_statement[] =
	"SELECT chain, number, hash, at, sealed, home FROM vac_daemon.seal($1::int)";

/* False: of a copy nothing is told, or its heads would stand among those of what it was copied from. */
static bool take_head(struct seal *seal, const PGresult *result)
{
	if (PQgetvalue(result, 0, 5)[0] != 't')
		return false;
	snprintf(seal->chain, sizeof(seal->chain), "%s", pg_text(result, 0, 0));
	snprintf(seal->hash, sizeof(seal->hash), "%s", pg_text(result, 0, 2));
	snprintf(seal->at, sizeof(seal->at), "%s", pg_text(result, 0, 3));
	seal->number = pg_int(result, 0, 1);
	return true;
}

/* Nothing more is to be sealed now. */
static void go_on(struct seal *seal)
{
	if (seal->stopped || left_to_tell(seal) > 0) {
		stage_done(seal->stage, left_to_tell(seal));
	} else {
		tell_head(seal);
		if (seal->key)
			ask_what_is_due(seal);
		else
			stage_done(seal->stage, left_to_tell(seal));
	}
	if (seal->stopped)
		tell_head(seal);
}

static void on_looked(const struct pg_reply *reply, void *arg)
{
	struct seal *seal = arg;
	const char *problem;

	if (reply->outcome != PG_DONE || PQntuples(reply->result) != 1) {
		seal->looked = false;
		call_failed(seal, "chain_fits", reply);
		return;
	}
	problem = pg_text(reply->result, 0, 0);
	if (problem)
		log_error("history does not fit", "file=%s why=\"%s\"", seal->head_file, problem);
	go_on(seal);
}

/* Whoever cut history off, or made its chain anew, could not change what stands in the file. True: the
 * database was asked. */
static bool look_at_file(struct seal *seal)
{
	char line[SIGNATURE_LINE], number[24], hash[CHAIN_HEX], chain[CHAIN_ID];
	const char *values[] = {seal->daemon_id, chain, number, hash};
	int r = head_file_highest(seal->head_file, seal->key, line, sizeof(line));

	seal->looked = true;
	if (r)
		log_error("history heads cannot be read", "file=%s why=\"%s\"", seal->head_file,
			strerror(-r));
	if (signature_value(line, "chain", chain, sizeof(chain))
		|| signature_value(line, "number", number, sizeof(number))
		|| signature_value(line, "hash", hash, sizeof(hash)))
		return false;
	return pg_call(seal->pg, "SELECT vac_daemon.chain_fits($1::uuid, $2::uuid, $3::bigint, $4)",
		       4, values, on_looked, seal)
	       == 0;
}

static void on_sealed(const struct pg_reply *reply, void *arg)
{
	struct seal *seal = arg;

	if (reply->outcome != PG_DONE || PQntuples(reply->result) != 1) {
		call_failed(seal, "seal", reply);
	} else if (!take_head(seal, reply->result)) {
		stage_done(seal->stage, -1);
	} else if (pg_int(reply->result, 0, 4) >= BATCH_ROWS && !seal->stopped) {
		stage_done(seal->stage, PAUSE_MS);
	} else if (seal->looked || !seal->key || !seal->head_file[0] || !look_at_file(seal)) {
		go_on(seal);
	}
}

static void turn(void *arg)
{
	struct seal *seal = arg;
	const char *values[] = {BATCH};

	if (pg_call(seal->pg, seal_statement, 1, values, on_sealed, seal))
		stage_failed(seal->stage);
}

static void on_last(const struct pg_reply *reply, void *arg)
{
	struct seal *seal = arg;

	seal->leaving = false;
	if (reply->outcome == PG_DONE && PQntuples(reply->result) == 1)
		take_head(seal, reply->result);
	tell_head(seal);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int take_paths(struct seal *seal, const struct config *config)
{
	char *key_file = strdup(config->history_key_file);
	char *head_file = strdup(config->history_head_file);

	if (!key_file || !head_file) {
		free(key_file);
		free(head_file);
		return -ENOMEM;
	}
	free(seal->key_file);
	free(seal->head_file);
	seal->key_file = key_file;
	seal->head_file = head_file;
	seal->head_ms = config->history_head_ms;
	return 0;
}

static void read_key(struct seal *seal)
{
	struct signature_key *key = NULL;
	char why[300] = "";
	int r = 0;

	if (seal->key_file[0])
		r = signature_key_read(seal->key_file, &key, why, sizeof(why));
	if (r) {
		log_error("history key cannot be read", "why=\"%s\" until_then=\"%s\"", why,
			seal->key ? "the old one signs" : "nothing is signed");
		return;
	}
	signature_key_free(seal->key);
	seal->key = key;
}

int seal_new(struct event_base *base, struct pg *pg, const struct config *config,
	const char *daemon_id, struct seal **sealp)
{
	static const struct stage_ops ops = {.name = "seal", .turn = turn};
	struct seal *seal = calloc(1, sizeof(*seal));
	int r;

	if (!seal)
		return -ENOMEM;
	seal->pg = pg;
	snprintf(seal->daemon_id, sizeof(seal->daemon_id), "%s", daemon_id);
	r = take_paths(seal, config);
	if (!r)
		r = stage_new(base, &ops, seal, config->poll_ms, &seal->stage);
	if (r) {
		seal_free(seal);
		return r;
	}
	read_key(seal);
	*sealp = seal;
	return 0;
}

struct seal *seal_free(struct seal *seal)
{
	if (!seal)
		return NULL;
	stage_free(seal->stage);
	signature_key_free(seal->key);
	free(seal->key_file);
	free(seal->head_file);
	free(seal);
	return NULL;
}

void seal_reload(struct seal *seal, const struct config *config)
{
	/* Without memory the old ones stay. */
	if (take_paths(seal, config) == 0)
		read_key(seal);
	stage_set_poll(seal->stage, config->poll_ms);
}

void seal_wake(struct seal *seal)
{
	stage_wake(seal->stage);
}

void seal_stop(struct seal *seal)
{
	const char *values[] = {BATCH};

	if (seal->stopped)
		return;
	seal->stopped = true;
	stage_stop(seal->stage);
	/* The turn that is under way tells the head. */
	if (stage_is_busy(seal->stage))
		return;
	if (pg_call(seal->pg, seal_statement, 1, values, on_last, seal) == 0)
		seal->leaving = true;
	else
		tell_head(seal);
}

bool seal_is_busy(const struct seal *seal)
{
	return seal->leaving || stage_is_busy(seal->stage);
}

unsigned long long seal_turns(const struct seal *seal)
{
	return stage_turns(seal->stage);
}

struct stage *seal_stage(struct seal *seal)
{
	return seal->stage;
}
