#include "httpcheck/config.h"

#include <stddef.h>
#include <string.h>

#include "check.h"
#include "httpcheck/fetcher.h"
#include "signature.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ROW(name_, type_, member, ...) \
	{ .name = (name_), .type = OPTION_##type_, \
	    .offset = offsetof(struct httpcheck_config, member), __VA_ARGS__ }

static const struct option rows[] = {
	ROW("code", STRING, code, .min = 1, .max = CHECK_CODE_MAX, .flags = OPTION_REQUIRED,
	    .sentence = "The perspective's own code, as the coordinator knows it."),
	DAEMON_OPTIONS(struct httpcheck_config, daemon, "127.0.0.1:8443",
	    "urn:mpic:perspective: and the code", "2048",
	    "are answered with 503"),
	ROW("callers", STRINGS, callers, .max = 256, .def = "[\"urn:mpic:coordinator\"]",
	    .sentence = "Identities in certificates that may ask for checks."),
	ROW("ready_listen", ENDPOINT, ready_listen, .flags = OPTION_FIXED,
	    .sentence = "A second address, on which GET /healthz, /readyz and /metrics are "
	    "answered without TLS: for the machine's own service manager and for a cluster's "
	    "probes, which have no certificate."),
	ROW("status_files", STRINGS, status_files, .max = 16,
	    .sentence = "Files in which other parts of the machine have notices for GET /readyz "
	    "and lines for GET /metrics; they need not be there."),

	ROW("resolver", ENDPOINT, resolver, .def = "127.0.0.1:53",
	    .sentence = "Where this perspective's Unbound with mpic.so listens."),
	ROW("resolver_connections", INTEGER, resolver_connections, .min = 1, .max = 64, .def = "8",
	    .sentence = "Most TCP connections a worker keeps to it."),

	DAEMON_DEADLINE_OPTIONS(struct httpcheck_config, CHECK_DEADLINE_MAX_MS),
	ROW("caa_domains", STRINGS, caa_domains, .max = JSON_LIST_MAX,
	    .sentence = "The CA's own issuer domain names, for checks that name none."),
	ROW("user_agent", STRING, user_agent, .min = 1, .max = 256, .def = "Parallax-MPIC",
	    .sentence = "User-Agent of every request to an applicant's server."),
	ROW("fetcher_user", STRING, fetcher_user, .min = 1, .max = 64,
	    .sentence = "User that the process talking to applicants' servers becomes when "
	    "this program is run by root."),
	ROW("fetcher_socket", PATH, fetcher_socket,
	    .sentence = "Unix socket of a service that starts a process talking to "
	    "applicants' servers for each connection; without it each worker starts its own."),
	ROW("signing_key", PATH, signing_key,
	    .sentence = "PEM file with the Ed25519 key that signs results; without one they "
	    "are not signed."),
	ROW("private_root", BOOL, private_root, .def = "false",
	    .sentence = "The resolver has another root of the DNS than IANA's, as in a test "
	    "network: every result says so, and coordinators that do not expect it discard it."),
	ROW("image_version", STRING, image_version, .min = 1, .max = SIGNATURE_VERSION_MAX,
	    .sentence = "What is said in signed results of the image this program is part of."),

	DAEMON_LOG_OPTIONS(struct httpcheck_config, daemon, "info has a line for each check"),
};

/* Found out now, not by workers that die of it one after another. */
static void
check_signing_key(const char *path, struct buf *faults)
{
	struct buf why = BUF_INIT(512);
	struct jws_key *key = jws_key_read_private(path, &why);

	if (key == NULL)
		buf_addf(faults, "signing_key: %s\n", why.data != NULL ? why.data : "out of memory");
	jws_key_free(key);
	buf_free(&why);
}

static void
check_fetcher_socket(const struct httpcheck_config *cfg, struct buf *faults)
{
	if (strlen(cfg->fetcher_socket) > FETCHER_SOCKET_MAX)
		buf_addf(faults, "fetcher_socket: expected a path of at most %d bytes, found %zu\n",
		    FETCHER_SOCKET_MAX, strlen(cfg->fetcher_socket));
	if (cfg->fetcher_user != NULL)
		buf_adds(faults, "fetcher_user: with fetcher_socket the service manager decides "
		    "whose process it is; name one of the two\n");
}

bool
httpcheck_check_values(const struct httpcheck_config *cfg, struct buf *faults)
{
	size_t before = faults->len;

	if (!cfg->daemon.plain && cfg->callers.count == 0)
		buf_adds(faults, "callers: nobody is allowed to ask; name an identity, such as "
		    "urn:mpic:coordinator\n");
	if (cfg->deadline_ms > cfg->max_deadline_ms)
		buf_addf(faults, "deadline_ms: %lld is more than max_deadline_ms, %lld\n",
		    (long long)cfg->deadline_ms, (long long)cfg->max_deadline_ms);
	if (cfg->user_agent == NULL)
		buf_adds(faults, "user_agent: is empty\n");
	for (const char *s = cfg->user_agent; s != NULL && *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e) {
			buf_adds(faults, "user_agent: holds what is no printable ASCII\n");
			break;
		}
	if (cfg->fetcher_socket != NULL)
		check_fetcher_socket(cfg, faults);
	if (!endpoint_loopback(&cfg->resolver))
		buf_adds(faults, "resolver: answers are not authenticated, so it must be a "
		    "loopback address\n");
	return faults->len == before && !faults->failed;
}

/* What the rows cannot say by themselves. */
static bool
check_config(void *config, struct buf *faults)
{
	struct httpcheck_config *cfg = config;
	bool ok = daemon_options_check(&cfg->daemon, false, faults);
	size_t before = faults->len;

	ok = httpcheck_check_values(cfg, faults) && ok;
	if (cfg->signing_key != NULL)
		check_signing_key(cfg->signing_key, faults);
	return faults->len == before && ok;
}

const struct option_table httpcheck_options = {
	.program = "mpic-httpcheck",
	.file = SYSCONFDIR "/httpcheck.yaml",
	.sentence = "Checks domains as one perspective of Multi-Perspective Issuance Corroboration.",
	.rows = rows,
	.count = COUNT(rows),
	.check = check_config,
};
