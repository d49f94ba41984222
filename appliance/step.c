#include "appliance/step.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appliance/appliance.h"
#include "buf.h"
#include "monotonic.h"

/* Said again for somebody who looks at the console only now. */
#define REMIND_NS	(UINT64_C(600) * 1000000000)

/* Each line by itself: the console has other programs' lines, too. */
static void
say(const struct step *s, const char *lines)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		printf("mpic-appliance %s: %.*s\n", s->name, (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
	fflush(stdout);
}

static void
say_news(struct step *s, const char *lines)
{
	bool same = s->said != NULL && strcmp(s->said, lines) == 0;

	if (same && monotonic_ns() - s->said_ns < REMIND_NS)
		return;
	say(s, lines);
	s->said_ns = monotonic_ns();
	free(s->said);
	s->said = strdup(lines);	/* without memory it is only said too often */
}

static void
serve_news(struct step *s, const char *lines)
{
	struct buf text = BUF_INIT(NOTICE_TEXT_MAX);

	buf_addf(&text, "This perspective is not ready. Its step %s says:\n", s->name);
	buf_adds(&text, lines);
	if (text.data == NULL || text.failed)
		return;
	if (s->notice != NULL) {
		notice_say(s->notice, text.data);
	} else {
		s->notice = notice_new(APPLIANCE_PORT, text.data);
		if (s->notice == NULL && s->said == NULL)
			fprintf(stderr, "mpic-appliance %s: port %d: %s\n", s->name,
			    APPLIANCE_PORT, strerror(errno));
	}
	buf_free(&text);
}

void
step_pause(unsigned ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		continue;
}

void
step_wait(struct step *s, const char *lines, unsigned ms)
{
	serve_news(s, lines);
	say_news(s, lines);
	step_pause(ms);
}

void
step_end(struct step *s, const char *lines)
{
	notice_free(s->notice);
	s->notice = NULL;
	free(s->said);
	s->said = NULL;
	say(s, lines);
}

/* 1 to 3600 seconds, or the step's own. */
static unsigned
retry_ms(const char *text)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	if (*end != '\0' || seconds < 1 || seconds > 3600)
		seconds = APPLIANCE_RETRY_S;
	return (unsigned)seconds * 1000;
}

int
step_arguments(struct step *s, int argc, char **argv, const char *usage)
{
	s->root = "";
	s->retry_ms = APPLIANCE_RETRY_S * 1000;
	for (int i = 1; i < argc; i++) {
		bool root = strcmp(argv[i], "--root") == 0;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return APPLIANCE_DONE;
		}
		if ((!root && strcmp(argv[i], "--retry") != 0) || i + 1 == argc) {
			fprintf(stderr, "mpic-appliance %s: %s: no such argument, or it lacks its "
			    "operand (try --help)\n", s->name, argv[i]);
			return APPLIANCE_USAGE;
		}
		if (root)
			s->root = argv[++i];
		else
			s->retry_ms = retry_ms(argv[++i]);
	}
	return -1;
}
