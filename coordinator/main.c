/* mpic-coordinator: asks perspectives and says whether they corroborate. */
#include <stdlib.h>

#include <curl/curl.h>

#include "coordinator/service.h"
#include "log.h"

int
main(int argc, char **argv)
{
	static struct coordinator_config cfg;
	int status = option_command_line(&coordinator_options, argc, argv, &cfg);

	if (status >= 0) {
		coordinator_config_free(&cfg);
		return status;
	}
	daemon_options_log(&cfg.daemon, coordinator_options.program);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		log_error("libcurl cannot be used");
		return EXIT_FAILURE;
	}
	status = service_daemon(&cfg, argc, argv);
	curl_global_cleanup();
	coordinator_config_free(&cfg);
	return status;
}
