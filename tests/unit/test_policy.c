/* The rules by name, and whom RFC 8657 binds under them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/policy.h"

static void
unknown_names_are_no_policy(void **state)
{
	assert_null(policy_find("cabf"));
	assert_null(policy_find(""));
	assert_null(policy_find("Open-MPIC"));
	assert_non_null(policy_find("open-mpic"));
}

static void
open_mpic_ignores_rfc8657_unless_asked(void **state)
{
	const struct policy *policy = policy_find("open-mpic");
	struct check_caa_parameters asked = { .set = false };

	assert_true(policy_ignores_rfc8657(policy, &asked));
	asked.account_uris = (struct json_list){ .set = true, .count = 1, .items = { "acct:a" } };
	assert_false(policy_ignores_rfc8657(policy, &asked));
	asked.account_uris = (struct json_list){ .set = true };
	assert_true(policy_ignores_rfc8657(policy, &asked));
	asked.validation_methods =
	    (struct json_list){ .set = true, .count = 1, .items = { "dns-01" } };
	assert_false(policy_ignores_rfc8657(policy, &asked));
}

static void
every_policy_binds_when_it_knows_rfc8657(void **state)
{
	static const struct policy dated = { .name = "dated", .ignore_rfc8657 = false };
	struct check_caa_parameters asked = { .set = false };

	assert_false(policy_ignores_rfc8657(&dated, &asked));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_names_are_no_policy),
		cmocka_unit_test(open_mpic_ignores_rfc8657_unless_asked),
		cmocka_unit_test(every_policy_binds_when_it_knows_rfc8657),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
