/*
 * The coordinator against stand-in perspectives, all in one process: what it
 * makes of perspectives that hang, lie, break off or are not who they should be.
 */
#include "corroboration_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "log.h"
#include "open_mpic.h"
#include "tls_files.h"

#define ASK	"{\"check_type\":\"caa\",\"domain_or_ip_target\":\"c1.com\""
#define DCV(type) "{\"check_type\":\"" type "\",\"domain_or_ip_target\":\"c1.com\"," \
	"\"dcv_check_parameters\":{\"validation_method\":\"acme-http-01\",\"token\":\"t\"," \
	"\"key_authorization\":\"t.k\"}"
#define WITH(members) ASK ",\"orchestration_parameters\":{" members "}}"

static const struct scenario {
	const char *behaviours, *body;
	long status;
	const char *quorum;
	int at_least_ms, at_most_ms;
	const char *says;	/* in the answer; NULL: nothing in particular */
} scenarios[] = {
	{ "pppppp", ASK "}", 200, "6/6", 0, 90, "\"evidence\":{\"seen\":1}" },
	{ "ppppff", ASK "}", 200, "4/6", 0, 90, "forbidden at c1.com" },
	{ "pppfff", ASK "}", 422, "3/6", 0, 90, "\"code\":\"caa-forbids\"" },
	{ "oooooo", ASK "}", 200, "6/6", 0, 90, NULL },
	/* A hung one delays a certain verdict by the linger time, no more. */
	{ "ppppph", ASK "}", 200, "5/6", 95, 400, "the verdict was certain without it" },
	{ "ppffhf", ASK "}", 422, "2/6", 95, 400, "\"code\":\"cancelled\"" },
	{ "ppffhf", ASK "}", 422, "2/6", 95, 400, "\"mpic_completed\":true" },
	{ "ppppph", ASK "}", 200, "5/6", 95, 400, "\"cancelled\":true" },
	/* Certain or not, at the deadline it is a failure. */
	{ "ppppph", ASK ",\"deadline_ms\":60}", 200, "5/6", 50, 300, "perspective-timeout" },
	/* One that is slower than the others, but not by much, is waited for. */
	{ "ppppps", ASK ",\"deadline_ms\":1500}", 200, "5/6", 95, 400, NULL },
	{ "pppsss", ASK ",\"deadline_ms\":1500}", 200, "6/6", 140, 500, NULL },
	/* Undecided until the deadline. */
	{ "ppphhh", ASK ",\"deadline_ms\":300}", 422, "3/6", 290, 700, "perspective-timeout" },
	{ "hhhhhh", ASK ",\"deadline_ms\":300}", 422, "0/6", 290, 700,
	    "\"mpic_completed\":false" },
	/* Not who they should be, or not what should come. */
	{ "pppppc", ASK "}", 200, "5/6", 0, 90, "calls itself p9" },
	{ "pppppn", ASK "}", 200, "5/6", 0, 90, "answered with another nonce" },
	{ "pppppt", ASK "}", 200, "5/6", 0, 90, "another domain_or_ip_target: asked c1.com, "
	    "answered \\\"c2.com\\\"" },
	{ "pppppk", ASK "}", 200, "5/6", 0, 90, "expected caa, found dcv" },
	{ "pppppC", ASK "}", 200, "5/6", 0, 90, "does not name its perspective_code" },
	{ "pppppN", ASK "}", 200, "5/6", 0, 90, "does not name its nonce" },
	{ "pppppT", ASK "}", 200, "5/6", 0, 90, "does not name its domain_or_ip_target" },
	{ "pppppM", DCV("dcv") "}", 200, "5/6", 0, 90, "does not name its validation_method" },
	{ "nnnnnn", ASK "}", 422, "0/6", 0, 90, "result-mismatch" },
	{ "tttttt", ASK "}", 422, "0/6", 0, 90, "result-mismatch" },
	{ "kkkkkk", ASK "}", 422, "0/6", 0, 90, "result-mismatch" },
	{ "NTCNTC", ASK "}", 422, "0/6", 0, 90, "result-mismatch" },
	{ "BBBBBB", ASK "}", 422, "0/6", 0, 90, "whether there is a CAA record" },
	{ "pppppg", ASK "}", 200, "5/6", 0, 90, "no check result" },
	{ "pppppb", ASK "}", 200, "5/6", 0, 90, "too much to do" },
	{ "pppppl", ASK "}", 200, "5/6", 0, 400, "more than 262144 bytes" },
	{ "pppppd", ASK "}", 200, "5/6", 0, 90, "perspective-unreachable" },
	{ "dddddd", ASK "}", 422, "0/6", 0, 90, "perspective-unreachable" },
	{ "ppppp5", ASK "}", 200, "5/6", 0, 90, "SERVFAIL from c1.com's servers" },
	{ "pppppP", ASK "}", 200, "5/6", 0, 90, "HTTP status 500 a result that passed" },
	{ "PPPPPP", ASK "}", 422, "0/6", 0, 90, "perspective-reply" },
	{ "cccccc", ASK "}", 422, "0/6", 0, 90, "perspective-identity" },
	/* p0 and p1 are of one RIR. */
	{ "pppppp", WITH("\"perspective_count\":2"), 200, "2/2", 0, 90, NULL },
	{ "pppppp", WITH("\"quorum_count\":6"), 200, "6/6", 0, 90, NULL },
	{ "pppppf", WITH("\"quorum_count\":6"), 422, "5/6", 0, 90, NULL },
	/* Attempts. */
	{ "111111", ASK "}", 422, "0/6", 0, 90, "\"previous_attempt_results\":null" },
	{ "111111", WITH("\"max_attempts\":2"), 200, "6/6", 0, 150, "\"attempt_count\":2" },
	{ "ffffff", WITH("\"max_attempts\":9"), 422, "0/6", 0, 200, "\"attempt_count\":3" },
	/* Three passes of the first attempt do not help the second. */
	{ "fffppp", WITH("\"max_attempts\":2"), 422, "3/6", 0, 150, "\"attempt_count\":2" },
	/* Domain control. */
	{ "pppppp", DCV("dcv") "}", 200, "6/6", 0, 90, "\"validation_method\":\"acme-http-01\"" },
	{ "pppffp", DCV("dcv") "}", 200, "4/6", 0, 90, "another token at c1.com" },
	{ "pppfff", DCV("dcv") "}", 422, "3/6", 0, 90, "\"code\":\"no-match\"" },
	{ "pppppm", DCV("dcv") "}", 200, "5/6", 0, 90,
	    "another validation_method: asked acme-http-01, answered \\\"dns-change\\\"" },
	{ "mmmmmm", DCV("dcv") "}", 422, "0/6", 0, 90, "result-mismatch" },
	{ "pppppd", DCV("dcv") "}", 200, "5/6", 0, 90, "\"response_page\":null" },
	{ "ppffff", DCV("dcv") ",\"orchestration_parameters\":{\"max_attempts\":2}}", 422, "2/6",
	    0, 150, "\"attempt_count\":2" },
	/* Perspectives of other makes and versions among ours. */
	{ "oopppp", DCV("dcv") "}", 200, "6/6", 0, 90, NULL },
	{ "pppp5O", DCV("dcv") "}", 200, "4/6", 0, 90, "There was an error looking up the record" },
	{ "OOOOOO", DCV("dcv") "}", 422, "0/6", 0, 90, "\"code\":\"dns-failed\"" },
	{ "pppp44", DCV("dcv") "}", 200, "4/6", 0, 90, "p5 answered with HTTP status 404" },
	/* Both: the second letters are for CAA. */
	{ "pppppp/pppppp", DCV("dcv_with_caa") "}", 200, "6/6", 0, 90, "\"verdicts\":{\"dcv\":" },
	{ "ppppff/ffpppp", DCV("dcv_with_caa") "}", 200, "4/6", 0, 90, "another token at c1.com" },
	{ "pppfff/pppppp", DCV("dcv_with_caa") "}", 422, "3/6", 0, 90, "\"code\":\"no-match\"" },
	{ "pppppp/pppfff", DCV("dcv_with_caa") "}", 422, "3/6", 0, 90, "\"code\":\"caa-forbids\"" },
	{ "ppppph/pppppp", DCV("dcv_with_caa") "}", 200, "5/6", 95, 400,
	    "the verdict was certain without it" },
	{ "pppppp/hppppp", DCV("dcv_with_caa") "}", 200, "5/6", 95, 400,
	    "the verdict was certain without it" },
	{ "ffffff/ppphhh", DCV("dcv_with_caa") ",\"deadline_ms\":300}", 422, "0/6", 290, 700,
	    "\"caa\":{\"is_valid\":false,\"quorum\":\"3/6\"" },
	{ "pppp44", DCV("dcv_with_caa") "}", 200, "4/6", 0, 90, "\"quorum\":\"6/6\"" },
	{ "oopppp/oppppO", DCV("dcv_with_caa") "}", 200, "5/6", 0, 90, NULL },
	/* Refusals. */
	{ "pppppp", DCV("caa_with_dcv") "}", 400, NULL, 0, 90, "\\\"dcv_with_caa\\\"" },
	{ "pppppp", "{", 400, NULL, 0, 90, "json_invalid" },
	{ "pppppp", WITH("\"perspective_count\":7"), 400, NULL, 0, 90,
	    "invalid-perspective-count" },
	{ "pppppp", WITH("\"cohort_for_single_attempt\":2"), 400, NULL, 0, 90,
	    "could not select cohort number 2" },
	{ "pppppp", WITH("\"perspective_count\":3,\"cohort_for_single_attempt\":2"), 200, "3/3",
	    0, 90, NULL },
};

static void
check_answer(const struct world *w, const struct scenario *s)
{
	struct json_object *o = json_tokener_parse(w->reply.data), *quorum;

	if (w->status != s->status || (s->says != NULL && strstr(w->reply.data, s->says) == NULL))
		fail_msg("%s %s: %ld %s", s->behaviours, s->body, w->status, w->reply.data);
	assert_non_null(o);
	if (s->quorum != NULL) {
		assert_true(json_object_object_get_ex(o, "quorum", &quorum));
		assert_string_equal(json_object_get_string(quorum), s->quorum);
		assert_string_equal(w->header, s->status == 200 ? "true" : "false");
	}
	json_object_put(o);
}

static bool
is_of_open_mpic(const struct stand_in_perspective *s)
{
	static const char letters[] = { OPEN_MPIC, OPEN_MPIC_500, OPEN_MPIC_BLIND, '\0' };

	return strchr(letters, s->behaviours[CHECK_CAA]) != NULL ||
	    strchr(letters, s->behaviours[CHECK_DCV]) != NULL;
}

static void
test_scenarios(void **state)
{
	static const enum rir rirs[] = { RIR_ARIN, RIR_ARIN, RIR_RIPE_NCC, RIR_RIPE_NCC,
		RIR_APNIC, RIR_APNIC };

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *s = &scenarios[i];
		const char *caa = strchr(s->behaviours, '/');
		struct world w;
		char code[8];
		int took_ms;

		world_init(&w);
		for (size_t k = 0; k < PERSPECTIVES; k++) {
			snprintf(code, sizeof(code), "p%zu", k);
			world_perspective(&w, k, code, s->behaviours[k], NULL);
			if (caa != NULL)
				w.stand_ins[k].behaviours[CHECK_CAA] = caa[1 + k];
			w.stand_ins[k].open_mpic = is_of_open_mpic(&w.stand_ins[k]);
		}
		world_coordinator(&w, PERSPECTIVES, rirs);
		took_ms = world_ask(&w, s->body);
		check_answer(&w, s);
		/* Machines that run tests are slow at times: only a delay of another kind fails. */
		if (took_ms < s->at_least_ms || took_ms > s->at_most_ms + 1000)
			fail_msg("%s took %d ms", s->behaviours, took_ms);
		world_free(&w);
	}
}

/* Passing perspectives of one RIR do not corroborate. */
static void
test_one_rir(void **state)
{
	static const enum rir rirs[] = { RIR_ARIN, RIR_ARIN, RIR_RIPE_NCC };
	struct world w;

	world_init(&w);
	world_perspective(&w, 0, "p0", PASS, NULL);
	world_perspective(&w, 1, "p1", PASS, NULL);
	world_perspective(&w, 2, "p2", FORBID, NULL);
	world_coordinator(&w, 3, rirs);
	world_ask(&w, ASK "}");
	assert_int_equal(w.status, 422);
	assert_non_null(strstr(w.reply.data, "all in the service region of one RIR"));
	world_free(&w);
}

/* Connections are kept, whatever the number of requests, and a hung call keeps none busy. */
static void
test_many(void **state)
{
	static const enum rir rirs[] = { RIR_ARIN, RIR_RIPE_NCC, RIR_APNIC };
	struct world w;

	world_init(&w);
	w.cfg.connections = 1;
	w.cfg.linger_ms = 10;
	world_perspective(&w, 0, "p0", PASS, NULL);
	world_perspective(&w, 1, "p1", PASS, NULL);
	world_perspective(&w, 2, "p2", HANG, NULL);
	world_coordinator(&w, 3, rirs);
	for (int i = 0; i < 20; i++) {
		world_ask(&w, ASK ",\"deadline_ms\":500}");
		assert_int_equal(w.status, 200);
	}
	assert_non_null(strstr(w.reply.data, "no connection was free"));
	world_free(&w);
}

/* ---- another configuration ---- */

static int64_t
configurations(const struct world *w)
{
	return metric_value(w->metrics.all, METRIC_CONFIGS, 0);
}

/* A configuration of the service's own, of this stand-in and the next. */
static struct coordinator_config *
config_of(struct world *w, size_t i)
{
	struct coordinator_config *cfg = malloc(sizeof(*cfg));

	*cfg = w->cfg;
	cfg->caa_domains = (struct option_strings){ calloc(1, sizeof(char *)), 1 };
	cfg->caa_domains.items[0] = strdup("ca1.com");
	memset(&cfg->policy, 0, sizeof(cfg->policy));
	open_mpic_parse(&cfg->policy);
	cfg->fleet.count = 2;
	cfg->fleet.members[0] = (struct perspective){ .code = w->stand_ins[i].code,
		.url = w->stand_ins[i].url, .rir = RIR_ARIN };
	cfg->fleet.members[1] = (struct perspective){ .code = w->stand_ins[i + 1].code,
		.url = w->stand_ins[i + 1].url, .rir = RIR_APNIC };
	fleet_arrange(&cfg->fleet);
	coordinator_metrics_know(&w->metrics, cfg);
	return cfg;
}

static void
renew(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;
	struct buf why = BUF_INIT(256);

	assert_true(service_renew(w->service, config_of(w, 2), &why));
	assert_int_equal(configurations(w), 2);
	buf_free(&why);
}

/* Requests under way end by the configuration that they began with. */
static void
test_renewed(void **state)
{
	static const enum rir rirs[] = { RIR_ARIN, RIR_RIPE_NCC };
	struct timeval soon = { 0, 50000 };
	struct buf why = BUF_INIT(256);
	struct coordinator_config *bad;
	struct world w;

	world_init(&w);
	world_perspective(&w, 0, "p0", SLOW, NULL);
	world_perspective(&w, 1, "p1", SLOW, NULL);
	world_perspective(&w, 2, "p2", FORBID, NULL);
	world_perspective(&w, 3, "p3", FORBID, NULL);
	world_coordinator(&w, 2, rirs);
	assert_int_equal(configurations(&w), 1);
	event_base_once(w.base, -1, EV_TIMEOUT, renew, &w, &soon);
	world_ask(&w, ASK "}");
	assert_int_equal(w.status, 200);
	assert_non_null(strstr(w.reply.data, "\"p0\""));
	assert_null(strstr(w.reply.data, "\"p2\""));
	world_ask(&w, ASK "}");
	assert_int_equal(w.status, 422);
	assert_non_null(strstr(w.reply.data, "\"p2\""));
	assert_null(strstr(w.reply.data, "\"p0\""));
	assert_int_equal(configurations(&w), 1);
	/* One that cannot be used changes nothing. */
	bad = config_of(&w, 0);
	bad->daemon.tls_certificate = strdup("/nowhere");
	assert_false(service_renew(w.service, bad, &why));
	assert_non_null(strstr(why.data, "TLS needs"));
	coordinator_config_free(bad);
	free(bad);
	assert_int_equal(configurations(&w), 1);
	world_ask(&w, ASK "}");
	assert_non_null(strstr(w.reply.data, "\"p2\""));
	/* The first two are counted still; results are two each. */
	buf_reset(&w.reply);
	metrics_render(w.metrics.all, &w.reply);
	assert_non_null(strstr(w.reply.data,
	    "results_total{perspective=\"p0\",result=\"passed\"} 1\n"));
	assert_non_null(strstr(w.reply.data,
	    "results_total{perspective=\"p3\",result=\"failed\"} 2\n"));
	buf_free(&why);
	world_free(&w);
}

/* ---- who is who ---- */

static void
tls_ask(const struct tls_files *server, const struct tls_files *client, const char *code,
    struct world *w)
{
	static const enum rir rirs[] = { RIR_ARIN, RIR_RIPE_NCC };

	world_init(w);
	w->cfg.daemon.tls_certificate = (char *)client->certificate;
	w->cfg.daemon.tls_key = (char *)client->key;
	w->cfg.daemon.tls_ca = (char *)client->ca;
	world_perspective(w, 0, code, PASS, server);
	world_perspective(w, 1, "zz", FORBID, NULL);
	world_coordinator(w, 2, rirs);
	world_ask(w, ASK "}");
}

static void
test_identity(void **state)
{
	struct tls_files_made made;
	struct world w;

	assert_true(tls_files_make(&made));
	tls_ask(&made.server, &made.client, "test", &w);
	assert_int_equal(w.status, 200);
	world_free(&w);
	/* The right CA, another perspective. */
	tls_ask(&made.server, &made.client, "aa", &w);
	assert_int_equal(w.status, 422);
	assert_non_null(strstr(w.reply.data, "its certificate says \\\"urn:mpic:perspective:test\\\""));
	assert_non_null(strstr(w.reply.data, "perspective-identity"));
	world_free(&w);
	/* A perspective of another CA; and one that does not know ours. */
	tls_ask(&made.stranger, &made.client, "test", &w);
	assert_int_equal(w.status, 422);
	assert_non_null(strstr(w.reply.data, "perspective-identity"));
	world_free(&w);
	tls_files_remove(&made);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_one_rir),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_identity),
	};

	log_init("test_corroboration", LOG_LEVEL_ERROR, false);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
