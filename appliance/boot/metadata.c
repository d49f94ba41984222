#include "appliance/boot/metadata.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "appliance/http_ask.h"
#include "appliance/place.h"

#define TOKEN_MAX	1024
#define REQUEST_MAX	2048
#define TAIL	" HTTP/1.1\r\nHost: " METADATA_ADDRESS "\r\nConnection: close\r\nAccept: */*\r\n" \
	"User-Agent: Parallax-appliance\r\n"

/* Azure's virtual machines; those of a Hyper-V at home say Microsoft, too. */
#define AZURE_ASSET_TAG	"7783-7084-3265-9085-8269-3286-77"

static const struct cloud_row {
	const char *title, *name;
	const char *request;	/* up to its last field, after which a token goes */
	const char *mark;	/* a field that its answers have; NULL: none */
} clouds[] = {
	[CLOUD_NONE] = { "no cloud", "none", NULL, NULL },
	[CLOUD_AWS] = { "AWS", "aws", "GET /latest/user-data" TAIL
	    "X-aws-ec2-metadata-token: ", NULL },
	[CLOUD_GOOGLE] = { "Google Cloud", "google",
	    "GET /computeMetadata/v1/instance/attributes/user-data" TAIL
	    "Metadata-Flavor: Google", "Metadata-Flavor: Google" },
	[CLOUD_AZURE] = { "Azure", "azure",
	    "GET /metadata/instance/compute/userData?api-version=2021-01-01&format=text" TAIL
	    "Metadata: true", NULL },
};

const char *
cloud_title(enum cloud cloud)
{
	return clouds[cloud].title;
}

const char *
cloud_name(enum cloud cloud)
{
	return clouds[cloud].name;
}

/* ---- which cloud ---- */

static void
dmi_field(const char *root, const char *name, char text[static 64])
{
	struct buf value = BUF_INIT(4096);
	char path[128];

	text[0] = '\0';
	snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", name);
	if (place_read(root, path, &value) && value.data != NULL) {
		value.data[strcspn(value.data, "\n")] = '\0';
		snprintf(text, 64, "%s", value.data);
	}
	buf_free(&value);
}

void
dmi_read(const char *root, struct dmi *dmi)
{
	dmi_field(root, "sys_vendor", dmi->sys_vendor);
	dmi_field(root, "product_name", dmi->product_name);
	dmi_field(root, "bios_vendor", dmi->bios_vendor);
	dmi_field(root, "bios_version", dmi->bios_version);
	dmi_field(root, "chassis_asset_tag", dmi->chassis_asset_tag);
}

/* AWS's older machines are Xen's, and only their firmware's version says whose. */
enum cloud
cloud_of(const struct dmi *dmi)
{
	if (strcmp(dmi->sys_vendor, "Amazon EC2") == 0 ||
	    strcmp(dmi->bios_vendor, "Amazon EC2") == 0 ||
	    (strcmp(dmi->sys_vendor, "Xen") == 0 && strstr(dmi->bios_version, "amazon") != NULL))
		return CLOUD_AWS;
	if (strcmp(dmi->sys_vendor, "Google") == 0 &&
	    strcmp(dmi->product_name, "Google Compute Engine") == 0)
		return CLOUD_GOOGLE;
	if (strcmp(dmi->sys_vendor, "Microsoft Corporation") == 0 &&
	    strcmp(dmi->chassis_asset_tag, AZURE_ASSET_TAG) == 0)
		return CLOUD_AZURE;
	return CLOUD_NONE;
}

/* ---- answers ---- */

/* RFC 4648 4, line breaks allowed. */
static bool
base64_add(const char *text, size_t len, struct buf *out)
{
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	unsigned char block[1024];
	int n = 0;
	bool ok = ctx != NULL;

	if (ok)
		EVP_DecodeInit(ctx);
	for (size_t at = 0, part; ok && at < len; at += part) {
		part = len - at < sizeof(block) ? len - at : sizeof(block);
		ok = EVP_DecodeUpdate(ctx, block, &n, (const unsigned char *)text + at,
		    (int)part) >= 0;
		if (ok)
			buf_add(out, block, (size_t)n);
	}
	ok = ok && EVP_DecodeFinal(ctx, block, &n) == 1 && !out->failed;
	EVP_ENCODE_CTX_free(ctx);
	explicit_bzero(block, sizeof(block));
	return ok;
}

static bool
decode(enum cloud cloud, const struct http_answer *answer, struct buf *text, struct buf *why)
{
	if (cloud != CLOUD_AZURE) {
		buf_add(text, answer->body, answer->body_len);
	} else if (!base64_add(answer->body, answer->body_len, text) && !text->failed) {
		buf_adds(why, "gave user-data that is not base64");
		return false;
	}
	if (text->failed)
		buf_addf(why, "gave user-data of more than %zu bytes", text->max);
	return !text->failed;
}

enum metadata_result
metadata_user_data(enum cloud cloud, const struct http_answer *answer, struct buf *text,
    struct buf *why)
{
	if (clouds[cloud].mark != NULL && !answer->marked) {
		buf_addf(why, "gave an answer without the field %s", clouds[cloud].mark);
		return METADATA_FAILED;
	}
	if (answer->status == 404 || (answer->status == 200 && answer->body_len == 0))
		return METADATA_NONE;
	if (answer->status != 200) {
		buf_addf(why, "answered with status %d", answer->status);
		return METADATA_FAILED;
	}
	return decode(cloud, answer, text, why) ? METADATA_FOUND : METADATA_FAILED;
}

bool
metadata_token(const struct http_answer *answer, char *token, size_t size)
{
	if (answer->status != 200 || answer->body_len == 0 || answer->body_len >= size)
		return false;
	for (size_t i = 0; i < answer->body_len; i++)
		if (answer->body[i] <= ' ' || answer->body[i] > '~')
			return false;
	memcpy(token, answer->body, answer->body_len);
	token[answer->body_len] = '\0';
	return true;
}

/* ---- asking ---- */

static bool
ask(const char *request, struct http_answer *answer, struct buf *why)
{
	struct endpoint server;

	return endpoint_parse(&server, METADATA_ADDRESS ":80") &&
	    http_ask(&server, request, answer, why);
}

static bool
aws_token(char *token, size_t size, struct buf *why)
{
	struct http_answer answer;
	bool ok;

	http_answer_init(&answer, NULL);
	ok = ask("PUT /latest/api/token" TAIL "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"
	    "Content-Length: 0\r\n\r\n", &answer, why);
	if (ok && !metadata_token(&answer, token, size)) {
		buf_addf(why, "gave no token: its status is %d", answer.status);
		ok = false;
	}
	http_answer_free(&answer);
	return ok;
}

enum metadata_result
metadata_fetch(enum cloud cloud, struct buf *text, struct buf *why)
{
	char token[TOKEN_MAX] = "", request[REQUEST_MAX];
	enum metadata_result result = METADATA_FAILED;
	struct http_answer answer;

	if (cloud == CLOUD_AWS && !aws_token(token, sizeof(token), why))
		return METADATA_FAILED;
	snprintf(request, sizeof(request), "%s%s\r\n\r\n", clouds[cloud].request, token);
	http_answer_init(&answer, clouds[cloud].mark);
	if (ask(request, &answer, why))
		result = metadata_user_data(cloud, &answer, text, why);
	http_answer_free(&answer);
	return result;
}
