#include "coordinator/mpic.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "coordinator/config.h"
#include "coordinator/day.h"
#include "coordinator/standing.h"

#define FAULTS_MAX	((size_t)64 * 1024)
#define LINES_MAX	((size_t)64 * 1024)
#define SETS_MAX	64

/* What the arguments say. */
struct asked {
	const char *file;
	const char *sets[SETS_MAX];	/* NAME=VALUE, over the file */
	size_t set_count;
	int64_t at_s;
	bool rows;
};

static void
print_help(FILE *out)
{
	fprintf(out, "usage: mpic policy [--at DATE] [--config FILE] [--set NAME=VALUE ...] "
	    "[--rows]\n\n"
	    "Says in a line what the fleet of a coordinator's configuration satisfies on a day,\n"
	    "and in another what it will lack on the next day on which rules begin.\n\n"
	    "  --at DATE        a day such as 2026-12-15, UTC; default: today\n"
	    "  --config FILE    the coordinator's; default: %s\n"
	    "  --set NAME=VALUE an option of the coordinator's, over the file\n"
	    "  --rows           all rows of the policy, too, whatever their day\n\n"
	    "Exit status: 0 the fleet satisfies the policy on that day, 1 it does not, 2 error.\n",
	    coordinator_options.file);
}

static bool
take_day(struct asked *a, const char *operand)
{
	return day_parse(operand, &a->at_s);
}

static bool
take_file(struct asked *a, const char *operand)
{
	a->file = operand;
	return true;
}

static bool
take_set(struct asked *a, const char *operand)
{
	if (a->set_count == SETS_MAX)
		return false;
	a->sets[a->set_count++] = operand;
	return true;
}

/* Not getopt's: its struct option is not ours. */
static const struct {
	const char *name;
	bool (*take)(struct asked *a, const char *operand);
} arguments[] = {
	{ "--at", take_day },
	{ "--config", take_file },
	{ "--set", take_set },
};

/* The operand that follows as a word or after '='; NULL: it is not this argument. */
static const char *
operand_of(const char *name, char **argv, int *i)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	return argv[*i][len] == '\0' && argv[*i + 1] != NULL ? argv[++*i] : NULL;
}

static bool
read_argument(struct asked *a, char **argv, int *i)
{
	for (size_t k = 0; k < sizeof(arguments) / sizeof(arguments[0]); k++) {
		const char *operand = operand_of(arguments[k].name, argv, i);

		if (operand == NULL)
			continue;
		if (arguments[k].take(a, operand))
			return true;
		fprintf(stderr, "mpic policy: %s: %s cannot be used (try --help)\n",
		    arguments[k].name, operand);
		return false;
	}
	if (strcmp(argv[*i], "--rows") == 0)
		return a->rows = true;
	fprintf(stderr, "mpic policy: %s: no such argument, or nothing after it (try --help)\n",
	    argv[*i]);
	return false;
}

/* Only what is about the fleet: the secrets of the coordinator are not read. */
static bool
read_config(struct coordinator_config *cfg, const struct asked *a, struct buf *faults)
{
	bool ok = option_defaults(&coordinator_options, cfg, faults);

	ok = option_load(&coordinator_options, cfg, a->file, faults) && ok;
	for (size_t i = 0; i < a->set_count; i++)
		ok = option_set(&coordinator_options, cfg, a->sets[i], faults) && ok;
	ok = option_complete(&coordinator_options, cfg, faults) && ok;
	return ok && coordinator_config_fleet(cfg, a->at_s, faults);
}

static int
print_standing(const struct coordinator_config *cfg, const struct asked *a)
{
	const struct rules rules = policy_at(&cfg->policy, a->at_s);
	struct buf out = BUF_INIT(LINES_MAX);
	int status = MPIC_NO;

	if (standing_text(&cfg->fleet, &rules, &out))
		status = MPIC_YES;
	buf_addc(&out, '\n');
	standing_next_text(&cfg->fleet, &rules, &out);
	buf_addc(&out, '\n');
	if (standing_unbound_text(&cfg->fleet, &out))
		buf_addc(&out, '\n');
	if (standing_gateway_text(&cfg->fleet, &out))
		buf_addc(&out, '\n');
	for (size_t i = 0; a->rows && i < cfg->policy.row_count; i++) {
		buf_adds(&out, "  ");
		policy_row_text(&cfg->policy, &cfg->policy.rows[i], &out);
		buf_addc(&out, '\n');
	}
	if (out.failed)
		status = MPIC_ERROR;
	else
		fputs(out.data, stdout);
	buf_free(&out);
	return status;
}

int
mpic_policy(int argc, char **argv)
{
	struct asked asked = { .file = coordinator_options.file, .at_s = time(NULL) };
	static struct coordinator_config cfg;
	struct buf faults = BUF_INIT(FAULTS_MAX);
	int status = MPIC_ERROR;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_help(stdout);
			return MPIC_YES;
		}
		if (!read_argument(&asked, argv, &i))
			return MPIC_ERROR;
	}
	if (read_config(&cfg, &asked, &faults))
		status = print_standing(&cfg, &asked);
	else
		fputs(faults.data != NULL ? faults.data : "out of memory\n", stderr);
	coordinator_config_free(&cfg);
	buf_free(&faults);
	return status;
}
