#include "health.h"

void health_start(struct health *health, long long now_ms)
{
	*health = (struct health){.moved_ms = now_ms};
}

void health_look(
	struct health *health, long long now_ms, unsigned long long turns, bool waits_for_database)
{
	if (turns != health->turns || waits_for_database)
		health->moved_ms = now_ms;
	health->turns = turns;
}

bool health_is_alive(const struct health *health, long long now_ms, long patience_ms)
{
	return now_ms - health->moved_ms <= patience_ms;
}

bool health_take_beat(struct health *health)
{
	bool moved = health->turns != health->told;

	health->told = health->turns;
	return moved;
}
