#include <config.h>

#include <stdio.h>
#include <string.h>

#include "option_value.h"

#define OUTPUT_MAX (4 * 1024 * 1024)
#define FAULTS_MAX 65536
#define SETS_MAX 256

enum action { ACTION_RUN, ACTION_FILE, ACTION_SET, ACTION_CHECK, ACTION_DUMP,
	ACTION_SAMPLE, ACTION_MAN, ACTION_MAN_ARGUMENTS, ACTION_VERSION, ACTION_HELP };

/*
 * Not getopt_long(3): its header also calls a struct `option`, and seven
 * arguments need no library.
 */
static const struct argument {
	const char *brief;
	const char *full;
	const char *operand;	/* NULL: takes none */
	enum action action;
	const char *sentence;
} arguments[] = {
	{ "-c", "--config", "FILE", ACTION_FILE, "Read this configuration file." },
	{ "-D", "--set", "NAME=VALUE", ACTION_SET, "Set an option, whatever the file says." },
	{ NULL, "--check", NULL, ACTION_CHECK, "Say whether the configuration is good." },
	{ NULL, "--dump", NULL, ACTION_DUMP, "Print the configuration in force." },
	{ NULL, "--sample", NULL, ACTION_SAMPLE, "Print a configuration file with every option." },
	{ NULL, "--man-options", NULL, ACTION_MAN, "Print the options for the manual page." },
	{ NULL, "--man-arguments", NULL, ACTION_MAN_ARGUMENTS, "Print these for the manual page." },
	{ "-V", "--version", NULL, ACTION_VERSION, "Print the version." },
	{ "-h", "--help", NULL, ACTION_HELP, "Print this." },
};

#define ARGUMENT_COUNT (sizeof(arguments) / sizeof(arguments[0]))

struct command_line {
	const char *file;
	const char *sets[SETS_MAX];
	size_t set_count;
	enum action action;
};

/* The argument `given` is; `operand` is what follows '=' in its long form, or NULL. */
static const struct argument *
argument_find(const char *given, const char **operand)
{
	*operand = NULL;
	for (size_t i = 0; i < ARGUMENT_COUNT; i++) {
		const struct argument *a = &arguments[i];
		size_t len = strlen(a->full);

		if (strcmp(given, a->full) == 0)
			return a;
		if (a->brief != NULL && strcmp(given, a->brief) == 0)
			return a;
		if (a->operand == NULL)
			continue;
		if (strncmp(given, a->full, len) == 0 && given[len] == '=') {
			*operand = given + len + 1;
			return a;
		}
		if (a->brief != NULL && strncmp(given, a->brief, 2) == 0) {
			*operand = given + 2;
			return a;
		}
	}
	return NULL;
}

static bool
command_line_parse(struct command_line *cl, const char *program, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *operand;
		const struct argument *a = argument_find(argv[i], &operand);

		if (a == NULL) {
			fprintf(stderr, "%s: %s: no such argument (try --help)\n", program, argv[i]);
			return false;
		}
		if (a->operand != NULL && operand == NULL)
			operand = argv[++i];
		if (a->operand != NULL && operand == NULL) {
			fprintf(stderr, "%s: %s needs %s\n", program, a->full, a->operand);
			return false;
		}
		if (a->action == ACTION_FILE) {
			cl->file = operand;
		} else if (a->action == ACTION_SET && cl->set_count < SETS_MAX) {
			cl->sets[cl->set_count++] = operand;
		} else if (a->action == ACTION_SET) {
			fprintf(stderr, "%s: more than %d of --set\n", program, SETS_MAX);
			return false;
		} else {
			cl->action = a->action;
		}
	}
	return true;
}

static void
print_help(const struct option_table *t)
{
	printf("usage: %s [-c FILE] [-D NAME=VALUE]... [--check | --dump]\n", t->program);
	if (t->sentence != NULL)
		printf("%s\n", t->sentence);
	putchar('\n');
	for (size_t i = 0; i < ARGUMENT_COUNT; i++) {
		const struct argument *a = &arguments[i];

		printf("  %-3s%s %-*s %s\n", a->brief != NULL ? a->brief : "", a->full,
		    (int)(24 - strlen(a->full)), a->operand != NULL ? a->operand : "",
		    a->sentence);
	}
	if (t->file != NULL)
		printf("\nThe configuration file is %s unless -c names another.\n", t->file);
}

/* mdoc .It rows of the arguments. */
static void
print_arguments(struct buf *out)
{
	for (size_t i = 0; i < ARGUMENT_COUNT; i++) {
		const struct argument *a = &arguments[i];
		const char *lead = a->operand != NULL ? " Ar " : "";
		const char *operand = a->operand != NULL ? a->operand : "";

		if (a->brief != NULL)
			buf_addf(out, ".It Fl %s%s%s , Fl %s%s%s\n", a->brief + 1, lead, operand,
			    a->full + 1, lead, operand);
		else
			buf_addf(out, ".It Fl %s%s%s\n", a->full + 1, lead, operand);
		option_man_text(a->sentence, out);
	}
}

/* What needs no configuration; false when the action is another. */
static bool
print_fixed(const struct option_table *t, enum action action)
{
	struct buf out = BUF_INIT(OUTPUT_MAX);

	if (action == ACTION_HELP)
		print_help(t);
	else if (action == ACTION_VERSION)
		printf("%s %s\n", t->program, PACKAGE_VERSION);
	else if (action == ACTION_SAMPLE)
		option_sample(t, &out);
	else if (action == ACTION_MAN)
		option_man(t, &out);
	else if (action == ACTION_MAN_ARGUMENTS)
		print_arguments(&out);
	else
		return false;
	if (out.len > 0)
		fputs(out.data, stdout);
	buf_free(&out);
	return true;
}

/* Goes on after faults, so that all are shown at once. */
static bool
read_options(const struct option_table *t, const struct command_line *cl, void *config,
    struct buf *faults)
{
	bool ok = option_defaults(t, config, faults);

	if (cl->file != NULL)
		ok = option_load(t, config, cl->file, faults) && ok;
	for (size_t i = 0; i < cl->set_count; i++)
		ok = option_set(t, config, cl->sets[i], faults) && ok;
	return option_complete(t, config, faults) && ok;
}

static bool
read_everything(const struct option_table *t, const struct command_line *cl,
    void *config, struct buf *faults)
{
	bool ok = read_options(t, cl, config, faults);

	/* What is only looked at may be so by someone who has no secrets. */
	if (cl->action != ACTION_RUN && cl->action != ACTION_CHECK)
		return ok;
	ok = option_credentials(t, config, faults) && ok;
	return ok && (t->check == NULL || t->check(config, faults));
}

int
option_command_line(const struct option_table *t, int argc, char **argv, void *config)
{
	struct command_line cl = { .file = t->file, .action = ACTION_RUN };
	struct buf faults = BUF_INIT(FAULTS_MAX), out = BUF_INIT(OUTPUT_MAX);
	int status = 2;

	if (!command_line_parse(&cl, t->program, argc, argv))
		return 2;
	if (print_fixed(t, cl.action))
		return 0;
	if (!read_everything(t, &cl, config, &faults)) {
		fputs(faults.data != NULL ? faults.data : "out of memory\n", stderr);
		goto out;
	}
	status = cl.action == ACTION_RUN ? -1 : 0;
	if (cl.action == ACTION_DUMP) {
		option_dump(t, config, &out);
		fputs(out.data != NULL ? out.data : "", stdout);
	}
out:
	if (status >= 0)
		option_free(t, config);
	buf_free(&faults);
	buf_free(&out);
	return status;
}

static bool
keep_fixed(const struct option_table *t, const void *running, void *config, struct buf *kept)
{
	bool ok = true;

	for (size_t i = 0; i < t->count; i++) {
		const struct option *row = &t->rows[i];

		if ((row->flags & OPTION_FIXED) == 0 || option_same(row, running, config))
			continue;
		buf_addf(kept, "%s%s", kept->len > 0 ? ", " : "", row->name);
		ok = option_copy(row, running, config) && ok;
	}
	return ok;
}

bool
option_read_again(const struct option_table *t, int argc, char **argv, const void *running,
    void *config, struct buf *faults, struct buf *kept)
{
	struct command_line cl = { .file = t->file, .action = ACTION_RUN };
	bool ok = command_line_parse(&cl, t->program, argc, argv) &&
	    read_options(t, &cl, config, faults);

	ok = option_credentials(t, config, faults) && ok;
	/* Before the check, which must see what will be in force. */
	if (ok && !keep_fixed(t, running, config, kept)) {
		buf_adds(faults, "out of memory\n");
		ok = false;
	}
	return ok && (t->check == NULL || t->check(config, faults));
}
