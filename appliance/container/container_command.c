/* mpic-appliance container: what PID 1 of a perspective's container is. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include "appliance/appliance.h"
#include "appliance/container/child.h"
#include "appliance/container/container.h"
#include "appliance/resolver/resolver_watch.h"
#include "log.h"
#include "monotonic.h"

#define NAME		"mpic-appliance container"
#define LOOK_S		10	/* whether the document's file is another one */
#define MS_NS		UINT64_C(1000000)

static const char usage[] =
    "usage: mpic-appliance container [--only resolver|httpcheck] [--document FILE]\n"
    "       mpic-appliance container --probe\n"
    "Runs a perspective in a container: Unbound and mpic-httpcheck, as the document says.\n"
    "SIGTERM drains and ends them; SIGHUP, and a document that changed, are read by them.\n\n"
    "  --only PART      the other one runs in another container of the same pod\n"
    "  --document FILE  the document; else $MPIC_DOCUMENT_FILE, $MPIC_DOCUMENT, or\n"
    "                   " CONTAINER_FILE "; the resolver alone needs none\n"
    "  --probe          succeed if Unbound answers: for an orchestrator\n";

enum { HTTPCHECK, UNBOUND, CHILDREN };

struct init {
	struct container container;
	struct child children[CHILDREN];
	sigset_t signals;
	bool stopping;		/* nothing is started any more */
	int status;
	struct stat document;	/* as it was when it was read */
	uint64_t look_ns;	/* when to look at it again */
};

/* ---- the document ---- */

static bool
configure(struct init *init)
{
	struct buf faults = BUF_INIT(DOCUMENT_FAULTS_MAX);
	bool ok = container_configure(&init->container, &faults);

	if (!ok)
		fprintf(stderr, NAME ": the document cannot be used:\n%s",
		    faults.data != NULL ? faults.data : "out of memory\n");
	buf_free(&faults);
	return ok;
}

/* An orchestrator puts another file in the place of the one that was mounted. */
static bool
document_changed(struct init *init, uint64_t now_ns)
{
	struct stat now, was = init->document;

	if (init->container.file == NULL || now_ns < init->look_ns)
		return false;
	init->look_ns = now_ns + LOOK_S * 1000 * MS_NS;
	if (stat(init->container.file, &now) == -1)
		return false;
	init->document = now;
	return was.st_ino != now.st_ino || was.st_size != now.st_size ||
	    was.st_mtim.tv_sec != now.st_mtim.tv_sec || was.st_mtim.tv_nsec != now.st_mtim.tv_nsec;
}

/* One that is no good changes nothing. */
static void
read_again(struct init *init)
{
	if (configure(init)) {
		log_notice("the document is read again");
		child_signal(&init->children[HTTPCHECK], SIGHUP);
	}
}

/* ---- the children ---- */

static bool
all_gone(const struct init *init)
{
	return init->children[HTTPCHECK].pid == 0 && init->children[UNBOUND].pid == 0;
}

/* What httpcheck still has to answer needs Unbound, so that ends when it has. */
static void
stop(struct init *init)
{
	init->stopping = true;
	if (init->children[HTTPCHECK].pid != 0)
		child_signal(&init->children[HTTPCHECK], SIGTERM);
	else
		child_signal(&init->children[UNBOUND], SIGTERM);
}

static void
start_due(struct init *init, uint64_t now_ns)
{
	for (size_t i = 0; i < CHILDREN && !init->stopping; i++) {
		struct child *c = &init->children[i];

		if (c->name == NULL || c->pid != 0 || now_ns < c->due_ns || child_start(c, now_ns))
			continue;
		log_error("cannot start", "child", c->name, "error", strerror(errno));
		if (!child_died(c, now_ns)) {
			init->status = APPLIANCE_FAILED;
			stop(init);
		}
	}
}

static void
died(struct init *init, struct child *c, int status)
{
	char text[64];
	bool again;

	snprintf(text, sizeof(text), "%s %d", WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	again = child_died(c, monotonic_ns());
	if (init->stopping) {
		log_notice("ended", "child", c->name, "by", text);
		stop(init);
	} else if (again) {
		log_error("died and is started again", "child", c->name, "by", text);
	} else {
		log_error("keeps dying, given up", "child", c->name, "by", text);
		init->status = APPLIANCE_FAILED;
		stop(init);
	}
}

/* Orphans of the container are ours, too. */
static void
reap(struct init *init)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < CHILDREN; i++)
			if (init->children[i].pid == pid)
				died(init, &init->children[i], status);
}

/* ---- the loop ---- */

/* At the latest when a child is due, and now and then for the document. */
static struct timespec
patience(const struct init *init, uint64_t now_ns)
{
	uint64_t wait_ns = 1000 * MS_NS;

	for (size_t i = 0; i < CHILDREN; i++) {
		const struct child *c = &init->children[i];

		if (c->name != NULL && c->pid == 0 && !init->stopping && c->due_ns < now_ns + wait_ns)
			wait_ns = c->due_ns > now_ns ? c->due_ns - now_ns : 0;
	}
	return (struct timespec){ .tv_sec = (time_t)(wait_ns / (1000 * MS_NS)),
		.tv_nsec = (long)(wait_ns % (1000 * MS_NS)) };
}

static int
run(struct init *init)
{
	struct timespec wait;
	int number;

	while (!init->stopping || !all_gone(init)) {
		start_due(init, monotonic_ns());
		wait = patience(init, monotonic_ns());
		number = sigtimedwait(&init->signals, NULL, &wait);
		if (number == SIGTERM || number == SIGINT)
			stop(init);
		else if (number == SIGHUP)
			read_again(init);
		reap(init);
		if (!init->stopping && document_changed(init, monotonic_ns()))
			read_again(init);
	}
	return init->status;
}

/* ---- the command ---- */

#define PROBE_S	3

static int
probe(void)
{
	struct endpoint resolver;

	return endpoint_parse(&resolver, CONTAINER_RESOLVER) &&
	    resolver_watch_ask(&resolver, PROBE_S) ? APPLIANCE_DONE : APPLIANCE_FAILED;
}

static int
read_arguments(struct init *init, int argc, char **argv)
{
	const char *file = NULL, *only = NULL;

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			fputs(usage, stdout);
			return APPLIANCE_DONE;
		}
		if (argc == 2 && strcmp(argv[i], "--probe") == 0)
			return probe();
		if (value != NULL && strcmp(argv[i], "--document") == 0) {
			file = value;
		} else if (value != NULL && strcmp(argv[i], "--only") == 0) {
			only = value;
		} else {
			fprintf(stderr, NAME ": %s: no such argument, or it lacks its operand "
			    "(try --help)\n", argv[i]);
			return APPLIANCE_USAGE;
		}
		i++;
	}
	if (only != NULL && strcmp(only, "resolver") != 0 && strcmp(only, "httpcheck") != 0) {
		fprintf(stderr, NAME ": --only: expected resolver or httpcheck, found %s\n", only);
		return APPLIANCE_USAGE;
	}
	init->container.resolver_alone = only != NULL && strcmp(only, "resolver") == 0;
	if (!init->container.resolver_alone)
		init->children[HTTPCHECK] = (struct child){ .name = "mpic-httpcheck",
			.argv = container_httpcheck, .folder = "/" };
	if (only == NULL || init->container.resolver_alone)
		init->children[UNBOUND] = (struct child){ .name = "unbound",
			.argv = container_unbound, .folder = CONTAINER_UNBOUND_FOLDER };
	container_find(&init->container, file);
	return -1;
}

int
appliance_container(int argc, char **argv)
{
	struct init init = { .status = APPLIANCE_DONE };
	int status = read_arguments(&init, argc, argv);

	if (status != -1)
		return status;
	log_init(NAME, LOG_LEVEL_NOTICE, true);
	sigemptyset(&init.signals);
	sigaddset(&init.signals, SIGCHLD);
	sigaddset(&init.signals, SIGTERM);
	sigaddset(&init.signals, SIGINT);
	sigaddset(&init.signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &init.signals, NULL);
	umask(0077);
	document_changed(&init, monotonic_ns());
	status = configure(&init) ? run(&init) : APPLIANCE_FAILED;
	container_free(&init.container);
	return status;
}
