/* What the mailer makes of an answer about a final dot: without a socket, without a database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config.h"
#include "mailer/mailer_state.h"
#include "stage.h"
#include "steady.h"

/* What was done, in place of those that would do it. */
static struct {
	unsigned asked, dotted, dropped, released, woken;
	int ask; /* what mail_permit_ask() returns */
} done;

bool mail_permit_holds(const struct mail_item *item)
{
	(void)item;
	return false;
}

int mail_permit_ask(struct mail_permit *permit, struct mail_item *item)
{
	(void)permit;
	(void)item;
	done.asked++;
	return done.ask;
}

void mail_permit_forget(struct mail_permit *permit, struct mail_item *item)
{
	(void)permit;
	(void)item;
}

void mail_pool_dot(struct mail_pool *pool, struct mail_item *item)
{
	(void)pool;
	(void)item;
	done.dotted++;
}

void mail_pool_drop(struct mail_pool *pool, struct mail_item *item, const char *why)
{
	(void)pool;
	(void)item;
	(void)why;
	done.dropped++;
}

bool mail_pool_has_room(const struct mail_pool *pool, bool bulk)
{
	(void)pool;
	(void)bulk;
	return false;
}

int mail_pool_give(struct mail_pool *pool, struct mail_item *item, bool bulk)
{
	(void)pool;
	(void)item;
	(void)bulk;
	return -1;
}

void mail_pool_open(struct mail_pool *pool, size_t wanted, size_t most)
{
	(void)pool;
	(void)wanted;
	(void)most;
}

size_t mail_pool_size(const struct mail_pool *pool)
{
	(void)pool;
	return 1;
}

size_t mail_pool_ready(const struct mail_pool *pool)
{
	(void)pool;
	return 1;
}

void mail_report_add(struct mail_report *report, long long id, long long fence, const char *outcome,
	const char *reply, bool soon)
{
	(void)report;
	(void)id;
	(void)fence;
	(void)reply;
	(void)soon;
	assert_string_equal(outcome, "released");
	done.released++;
}

void stage_wake(struct stage *stage)
{
	(void)stage;
	done.woken++;
}

static const struct config config = {.deliver = CONFIG_DELIVER_SMTP};

static void set_up(struct mailer *mailer)
{
	memset(&done, 0, sizeof(done));
	*mailer = (struct mailer){.config = &config, .claim_size = 8};
	TAILQ_INIT(&mailer->queue);
}

static struct mail_item *make_item(enum mail_item_state state)
{
	struct mail_item *item = calloc(1, sizeof(*item));

	assert_non_null(item);
	item->state = state;
	item->kind = "invitation";
	item->deadline_ms = steady_ms() + 60000;
	return item;
}

static void test_what_is_asked_for_gets_its_dot(void **state)
{
	struct mailer mailer;
	struct mail_item *item = make_item(MAIL_ITEM_ASKED);

	(void)state;
	set_up(&mailer);
	mailer_on_permit(item, true, &mailer);
	assert_int_equal(done.dotted, 1);
	mailer_on_permit(item, false, &mailer);
	assert_int_equal(done.dropped, 1);
	item->state = MAIL_ITEM_GIVEN; /* asked ahead */
	mailer_on_permit(item, true, &mailer);
	mailer_on_permit(item, false, &mailer);
	assert_int_equal(done.dotted + done.dropped, 2);
	mail_item_free(item);
}

/* It was asked for before it was signed, so that the answer is of a mail without that signature. */
static void test_no_dot_before_the_signature_is_kept(void **state)
{
	struct mailer mailer;
	struct mail_item *item = make_item(MAIL_ITEM_ASKED);

	(void)state;
	set_up(&mailer);
	item->made = strdup("AAAA");
	mailer_on_permit(item, true, &mailer);
	assert_int_equal(done.dotted, 0);
	assert_int_equal(done.asked, 1);
	item->kept = true;
	mailer_on_permit(item, true, &mailer);
	assert_int_equal(done.dotted, 1);
	item->kept = false;
	done.ask = -1;
	mailer_on_permit(item, true, &mailer);
	assert_int_equal(done.dotted, 1);
	assert_int_equal(done.dropped, 1);
	mail_item_free(item);
}

/* Nobody else may be left who would ask for more. */
static void test_after_the_last_of_a_full_claim_comes_another(void **state)
{
	struct mailer mailer;
	struct mail_item *item = make_item(MAIL_ITEM_QUEUED);

	(void)state;
	set_up(&mailer);
	mailer.more = true;
	TAILQ_INSERT_TAIL(&mailer.queue, item, entry);
	mailer.queued = 1;
	mailer_on_permit(item, false, &mailer);
	assert_int_equal(done.released, 1);
	assert_int_equal(mailer.queued, 0);
	assert_int_equal(done.woken, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_asked_for_gets_its_dot),
		cmocka_unit_test(test_no_dot_before_the_signature_is_kept),
		cmocka_unit_test(test_after_the_last_of_a_full_claim_comes_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
