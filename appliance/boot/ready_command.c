/* mpic-appliance ready: ends when this machine serves, which is when its boot was good. */
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include "appliance/appliance.h"
#include "appliance/boot/readiness.h"
#include "appliance/http_ask.h"
#include "appliance/place.h"
#include "appliance/step.h"
#include "appliance/update/esp.h"
#include "appliance/update/failure.h"
#include "appliance/update/manifest.h"
#include "appliance/update/update.h"
#include "buf.h"
#include "monotonic.h"

#define READY_PORT	8080	/* ready_listen of mpic-httpcheck, as first-boot writes it */
#define TURN_MS		500
#define PATIENCE_MS	20000
#define IMAGE_MAX	128
/* The boot loader's word that this version is on trial: systemd-boot(7). */
#define TRIAL	"/sys/firmware/efi/efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define STATUS	"/run/mpic-ready/status"

static const char usage[] =
    "usage: mpic-appliance ready [--limit SECONDS] [--root DIR]\n"
    "Ends when this machine answers that it is ready. A version on trial that is\n"
    "not, after SECONDS in which nothing was missing that an operator provides, has\n"
    "failed: exit status 1.\n\n"
    "  --limit SECONDS  300, or what the kernel's command line has as mpic.ready=\n"
    "  --root DIR       the files of the machine are below it, for tests\n";

struct ready {
	const char *root;
	struct readiness_account account;
	bool trial;
	char image[IMAGE_MAX], version[VERSION_MAX];
	struct buf detail;	/* what was said at the last look */
	char *said;		/* and what the console has of it */
};

/* ---- a look ---- */

/* The status of a GET to a port of this machine; 0 where no HTTP is answered. */
static int
ask(uint16_t port, const char *path, struct http_answer *answer)
{
	char address[32], request[256];
	struct endpoint here;
	struct buf why = BUF_INIT(512);
	bool answered;

	snprintf(address, sizeof(address), "127.0.0.1:%u", (unsigned int)port);
	snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	http_answer_init(answer, NULL);
	answered = endpoint_parse(&here, address) && http_ask(&here, request, answer, &why);
	buf_free(&why);
	return answered ? answer->status : 0;
}

/* The value of "detail", as it stands there: for people. */
static void
find_detail(const struct http_answer *answer, struct buf *detail)
{
	static const char key[] = "\"detail\":\"";
	const char *at = strstr(answer->body, key);

	buf_reset(detail);
	if (at != NULL)
		buf_add(detail, at + strlen(key), strcspn(at + strlen(key), "\"\n"));
}

static enum readiness
look(struct ready *r)
{
	struct http_answer answer, notice;
	int status = ask(READY_PORT, "/readyz", &answer);
	bool told = false;

	if (status != 0) {
		find_detail(&answer, &r->detail);
	} else {
		told = ask(APPLIANCE_PORT, "/", &notice) == 503;
		http_answer_free(&notice);
		buf_reset(&r->detail);
		buf_adds(&r->detail, told ? "a step of the boot waits" :
		    "mpic-httpcheck does not answer");
	}
	http_answer_free(&answer);
	return readiness_look(&r->account, (int64_t)(monotonic_ns() / 1000000), status, told);
}

/* Of the image's own delays alone, and of those that are longer than a boot. */
static void
say_detail(struct ready *r)
{
	const char *detail = r->detail.data != NULL ? r->detail.data : "";

	if (r->account.spent_ms < PATIENCE_MS)
		return;
	if (r->said != NULL && strcmp(r->said, detail) == 0)
		return;
	printf("mpic-appliance ready: not ready yet: %s\n", detail);
	fflush(stdout);
	free(r->said);
	r->said = strdup(detail);
}

/* ---- once it is ready ---- */

/* A row of /proc/meminfo in MiB; -1 without it. */
static long
memory_mib(const struct buf *text, const char *row)
{
	const char *at = text->data != NULL ? strstr(text->data, row) : NULL;

	return at != NULL ? strtol(at + strlen(row), NULL, 10) / 1024 : -1;
}

static void
add_memory(const char *root, struct buf *line)
{
	struct buf text = BUF_INIT(65536);
	long total, available;

	(void)place_read(root, "/proc/meminfo", &text);
	total = memory_mib(&text, "MemTotal:");
	available = memory_mib(&text, "MemAvailable:");
	if (total >= 0 && available >= 0)
		buf_addf(line, ", %ld MiB of %ld MiB memory in use", total - available, total);
	buf_free(&text);
}

/* Where it can be reached from elsewhere. */
static void
add_addresses(struct buf *line)
{
	struct ifaddrs *all = NULL;
	char text[INET6_ADDRSTRLEN];
	size_t count = 0;

	(void)getifaddrs(&all);
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		const struct sockaddr_in6 *six = (const void *)i->ifa_addr;
		const struct sockaddr_in *four = (const void *)i->ifa_addr;

		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
		else if (i->ifa_addr->sa_family == AF_INET6 &&
		    !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr))
			inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
		else
			continue;
		buf_addf(line, "%s%s", count++ == 0 ? "; at " : ", ", text);
	}
	freeifaddrs(all);
}

static void
add_expiry(struct buf *line)
{
	static const char name[] = "\nmpic_tls_certificate_expires_seconds ";
	struct http_answer answer;
	char text[MANIFEST_TIME_LEN + 1];
	const char *at;

	if (ask(READY_PORT, "/metrics", &answer) == 200 &&
	    (at = strstr(answer.body, name)) != NULL) {
		manifest_time_text((int64_t)strtod(at + strlen(name), NULL), text);
		buf_addf(line, "; certificate until %s", text);
	}
	http_answer_free(&answer);
}

/* The one line that a console should show for a machine in service. */
static void
say_ready(const struct ready *r)
{
	struct buf line = BUF_INIT(4096);
	struct timespec up;

	clock_gettime(CLOCK_BOOTTIME, &up);
	buf_addf(&line, "parallax: ready after %lld s", (long long)up.tv_sec);
	add_memory(r->root, &line);
	buf_addf(&line, "; %s %s", r->image, r->version);
	add_addresses(&line);
	add_expiry(&line);
	printf("%s\n", line.data != NULL ? line.data : "parallax: ready");
	fflush(stdout);
	buf_free(&line);
}

/* ---- what others should know of this boot ---- */

/* A version that did not become ready here, and why, if it could still say so. */
static void
add_failure(const struct ready *r, struct buf *out)
{
	struct buf why = BUF_INIT(1024);
	struct esp esp;
	const struct esp_entry *failed;
	char path[PLACE_MAX];

	place_path(r->root, UPDATE_ESP, path);
	if (!esp_open(&esp, path, &why)) {
		buf_free(&why);
		return;
	}
	failed = esp_failed(&esp, r->version);
	if (failed != NULL) {
		failure_read(r->root, failed->version, &why);
		buf_addf(out, "# notice version %s did not become ready in %d starts%s%s; %s runs "
		    "again\n", failed->version, ESP_TRIES, why.len > 0 ? ": " : "",
		    why.len > 0 ? why.data : "", r->version);
	}
	buf_addf(out, "# HELP mpic_update_failed Whether an update was given up at this machine.\n"
	    "# TYPE mpic_update_failed gauge\nmpic_update_failed %d\n", failed != NULL);
	esp_close(&esp);
	buf_free(&why);
}

/* At once: the console shows it before there is anything else to say. */
static void
say_notice(const char *status)
{
	static const char mark[] = "\n# notice ";
	const char *at = strstr(status, mark);

	if (at == NULL)
		return;
	at += strlen(mark);
	printf("mpic-appliance ready: %.*s\n", (int)strcspn(at, "\n"), at);
	fflush(stdout);
}

static void
write_status(const struct ready *r)
{
	struct buf out = BUF_INIT(8192);
	char path[PLACE_MAX], fresh[PLACE_MAX];
	FILE *f;

	buf_addf(&out, "# HELP mpic_image_info What this machine runs.\n"
	    "# TYPE mpic_image_info gauge\nmpic_image_info{image=\"%s\",version=\"%s\"} 1\n",
	    r->image, r->version);
	add_failure(r, &out);
	place_path(r->root, STATUS, path);
	place_path(r->root, STATUS ".new", fresh);
	f = out.failed ? NULL : fopen(fresh, "we");
	if (f != NULL) {
		say_notice(out.data);
		if (fputs(out.data, f) == EOF || fclose(f) == EOF || rename(fresh, path) != 0)
			fprintf(stderr, "mpic-appliance ready: %s: %s\n", path, strerror(errno));
	}
	buf_free(&out);
}

/* ---- all of it ---- */

static int
give_up(const struct ready *r)
{
	struct buf sentence = BUF_INIT(1024);

	buf_addf(&sentence, "not ready after %lld s: %s",
	    (long long)(r->account.spent_ms / 1000), r->detail.data != NULL ? r->detail.data : "");
	printf("mpic-appliance ready: version %s is on trial and has failed: %s\n", r->version,
	    sentence.data != NULL ? sentence.data : "");
	fflush(stdout);
	failure_write(r->root, r->version, sentence.data != NULL ? sentence.data : "");
	buf_free(&sentence);
	return APPLIANCE_FAILED;
}

static int
wait_until_ready(struct ready *r)
{
	const struct timespec turn = { .tv_nsec = TURN_MS * 1000000L };

	for (;;) {
		enum readiness found = look(r);

		if (found == READINESS_READY) {
			say_ready(r);
			return APPLIANCE_DONE;
		}
		if (found == READINESS_OVER && r->trial)
			return give_up(r);
		if (found != READINESS_OPERATOR)
			say_detail(r);
		nanosleep(&turn, NULL);
	}
}

/* mpic.ready=SECONDS on the kernel's command line, which is signed with the kernel. */
static int64_t
kernel_limit_s(const char *root)
{
	static const char key[] = "mpic.ready=";
	struct buf text = BUF_INIT(8192);
	const char *at = NULL;
	int64_t limit_s = READINESS_LIMIT_S;

	if (place_read(root, "/proc/cmdline", &text) && text.data != NULL)
		at = strstr(text.data, key);
	if (at != NULL && (at == text.data || at[-1] == ' ') && atol(at + strlen(key)) > 0)
		limit_s = atol(at + strlen(key));
	buf_free(&text);
	return limit_s;
}

/* --limit SECONDS, 0 without; the others are every step's. */
static bool
take_limit(int argc, char **argv, int *left, int64_t *limit_s)
{
	int kept = 1;

	*limit_s = 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--limit") != 0) {
			argv[kept++] = argv[i];
			continue;
		}
		if (i + 1 == argc || !isdigit((unsigned char)argv[i + 1][0]))
			return false;
		*limit_s = strtol(argv[++i], NULL, 10);
		if (*limit_s <= 0)
			return false;
	}
	*left = kept;
	return true;
}

int
appliance_ready(int argc, char **argv)
{
	struct step step = { .name = "ready" };
	struct ready r = { .detail = BUF_INIT(1024) };
	int64_t limit_s;
	int status;

	if (!take_limit(argc, argv, &argc, &limit_s)) {
		fprintf(stderr, "mpic-appliance ready: --limit: expected a number of seconds\n");
		return APPLIANCE_USAGE;
	}
	status = step_arguments(&step, argc, argv, usage);
	if (status != -1)
		return status;
	r.root = step.root;
	r.account.limit_ms = (limit_s > 0 ? limit_s : kernel_limit_s(r.root)) * 1000;
	r.trial = place_exists(r.root, TRIAL);
	(void)place_image(r.root, "IMAGE_ID", r.image, sizeof(r.image));
	(void)place_image(r.root, "IMAGE_VERSION", r.version, sizeof(r.version));
	write_status(&r);
	status = wait_until_ready(&r);
	free(r.said);
	buf_free(&r.detail);
	return status;
}
