#include "openapi.h"

void
openapi_route(struct exchange *x, void *arg)
{
	/* RFC 9512 */
	exchange_reply(x, 200, "application/yaml", openapi_text, openapi_text_len, NULL, 0);
}
