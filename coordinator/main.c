/* mpic-coordinator: asks perspectives and says whether they corroborate. */
#include <stdlib.h>

#include <curl/curl.h>

#include "coordinator/service.h"
#include "log.h"

int
main(int argc, char **argv)
{
	static struct coordinator_config cfg;
	enum log_level level = LOG_LEVEL_NOTICE;
	int status = option_command_line(&coordinator_options, argc, argv, &cfg);

	if (status >= 0) {
		coordinator_config_free(&cfg);
		return status;
	}
	log_level_parse(cfg.log_level, &level);
	log_init("mpic-coordinator", level, cfg.log_json);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		log_error("libcurl cannot be used");
		return EXIT_FAILURE;
	}
	status = service_daemon(&cfg);
	curl_global_cleanup();
	coordinator_config_free(&cfg);
	return status;
}
