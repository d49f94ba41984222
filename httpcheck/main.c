#include "daemon.h"
#include "httpcheck/config.h"
#include "httpcheck/fetcher.h"
#include "httpcheck/perspective.h"

int
main(int argc, char **argv)
{
	struct httpcheck_config cfg = { 0 };
	struct perspective_start start = { .cfg = &cfg };
	struct daemon_config daemon = { .run = perspective_run, .arg = &start };
	int status;

	if (fetcher_asked(argc, argv))
		return fetcher_main(argc, argv);
	status = option_command_line(&httpcheck_options, argc, argv, &cfg);
	if (status == -1) {
		daemon_options_log(&cfg.daemon, httpcheck_options.program);
		if (cfg.signing_key == NULL)
			log_warning("results are not signed: signing_key is not set");
		daemon.listen = cfg.daemon.listen;
		daemon.also_listen = cfg.ready_listen;
		daemon.workers = (unsigned)cfg.daemon.workers;
		daemon.drain_ms = cfg.max_deadline_ms + 1000;
		start.metrics = perspective_metrics(daemon.workers);
		status = start.metrics != NULL ? daemon_run(&daemon) : 1;
		metrics_free(start.metrics);
	}
	option_free(&httpcheck_options, &cfg);
	return status;
}
