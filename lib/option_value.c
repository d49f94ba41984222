#include "option_value.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRING_MAX 4096
#define LIST_MAX 256
#define FOUND_SHOWN_MAX 40	/* as of names: see option_unknown() */

void
option_fault(struct option_source *src, size_t line, const char *option,
    const char *fmt, ...)
{
	char sentence[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	src->failed = true;
	buf_adds(src->faults, src->name);
	if (line > 0)
		buf_addf(src->faults, ":%zu", line);
	if (option != NULL)
		buf_addf(src->faults, ": %s", option);
	buf_addf(src->faults, ": %s\n", sentence);
}

double
option_most(const struct option *row)
{
	if (row->max != 0)
		return row->max;
	return row->type == OPTION_STRINGS || row->type == OPTION_MAPS ? LIST_MAX : STRING_MAX;
}

void
option_expects(const struct option *row, struct buf *out)
{
	bool bounded = row->min != 0 || row->max != 0;

	switch (row->type) {
	case OPTION_BOOL:
		buf_adds(out, "true or false");
		break;
	case OPTION_INTEGER:
	case OPTION_REAL:
		buf_adds(out, row->type == OPTION_INTEGER ? "an integer" : "a number");
		if (bounded)
			buf_addf(out, " from %.15g to %.15g", row->min, row->max);
		break;
	case OPTION_STRING:
	case OPTION_PATH:
		buf_adds(out, row->type == OPTION_PATH ? "a path" : "a string");
		if (bounded)
			buf_addf(out, " of %.0f to %.0f bytes", row->min, row->max);
		break;
	case OPTION_ENDPOINT:
		buf_adds(out, "an ADDRESS:PORT or [ADDRESS]:PORT");
		break;
	case OPTION_MAP:
		buf_adds(out, "a mapping");
		break;
	case OPTION_STRINGS:
	case OPTION_MAPS:
		buf_adds(out, row->type == OPTION_STRINGS ? "a list of strings" :
		    "a list of mappings");
		if (bounded)
			buf_addf(out, ", %.0f to %.0f of them", row->min, row->max);
		if ((row->flags & OPTION_OR_ONE) != 0)
			buf_adds(out, ", or one");
		break;
	}
	if (row->unit != NULL)
		buf_addf(out, " (%s)", row->unit);
}

/*
 * "expected ..., found ...", the found left out of what must stay secret, and what
 * is long or of several lines: it may be a key that stands in the wrong place.
 */
static bool
unexpected(struct option_source *src, const struct option *row, const char *name,
    size_t line, const char *found)
{
	struct buf expected = BUF_INIT(256), shown = BUF_INIT(256);

	option_expects(row, &expected);
	if ((row->flags & OPTION_SECRET) != 0)
		buf_adds(&shown, "something else");
	else if (strchr(found, '\n') != NULL)
		buf_adds(&shown, "several lines");
	else if (strlen(found) > FOUND_SHOWN_MAX)
		buf_addf(&shown, "%zu bytes", strlen(found));
	else
		buf_add_json(&shown, found, strlen(found));
	option_fault(src, line, name, "expected %s, found %s", expected.data, shown.data);
	buf_free(&expected);
	buf_free(&shown);
	return false;
}

bool
option_absent(const struct option *row, const void *config)
{
	const void *at = option_at(row, config);

	switch (row->type) {
	case OPTION_STRING:
	case OPTION_PATH:
		return *(char *const *)at == NULL;
	case OPTION_REAL:
		return isnan(*(const double *)at);
	case OPTION_ENDPOINT:
		return ((const struct endpoint *)at)->len == 0;
	case OPTION_STRINGS:
		return ((const struct option_strings *)at)->count == 0;
	case OPTION_MAPS:
		return ((const struct option_maps *)at)->count == 0;
	case OPTION_MAP:
		return !*(const bool *)at;
	default:
		return false;
	}
}

static void
strings_clear(struct option_strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct option_strings){ NULL, 0 };
}

void
option_clear(const struct option *row, void *config)
{
	void *at = option_at(row, config);
	struct option_maps *maps = at;

	switch (row->type) {
	case OPTION_STRING:
	case OPTION_PATH:
		free(*(char **)at);
		*(char **)at = NULL;
		break;
	case OPTION_REAL:
		*(double *)at = NAN;
		break;
	case OPTION_ENDPOINT:
		*(struct endpoint *)at = (struct endpoint){ .len = 0 };
		break;
	case OPTION_STRINGS:
		strings_clear(at);
		break;
	case OPTION_MAPS:
		for (size_t i = 0; i < maps->count; i++)
			option_rows_free(row->rows, row->row_count,
			    (char *)maps->items + i * row->size);
		free(maps->items);
		*maps = (struct option_maps){ NULL, 0 };
		break;
	case OPTION_MAP:
		option_rows_free(row->rows, row->row_count, at);
		*(bool *)at = false;
		break;
	default:
		break;
	}
}

bool
option_same(const struct option *row, const void *a, const void *b)
{
	const void *one = option_at(row, a), *other = option_at(row, b);
	char texts[2][ENDPOINT_TEXT_MAX];

	switch (row->type) {
	case OPTION_BOOL:
		return *(const bool *)one == *(const bool *)other;
	case OPTION_INTEGER:
		return *(const int64_t *)one == *(const int64_t *)other;
	case OPTION_ENDPOINT:
		endpoint_text(one, texts[0]);
		endpoint_text(other, texts[1]);
		return strcmp(texts[0], texts[1]) == 0;
	default:
		if (option_absent(row, a) || option_absent(row, b))
			return option_absent(row, a) == option_absent(row, b);
		return strcmp(*(char *const *)one, *(char *const *)other) == 0;
	}
}

bool
option_copy(const struct option *row, const void *from, void *to)
{
	switch (row->type) {
	case OPTION_BOOL:
		*(bool *)option_at(row, to) = *(const bool *)option_at(row, from);
		return true;
	case OPTION_INTEGER:
		*(int64_t *)option_at(row, to) = *(const int64_t *)option_at(row, from);
		return true;
	case OPTION_ENDPOINT:
		*(struct endpoint *)option_at(row, to) =
		    *(const struct endpoint *)option_at(row, from);
		return true;
	default:
		option_clear(row, to);
		if (option_absent(row, from))
			return true;
		*(char **)option_at(row, to) = strdup(*(char *const *)option_at(row, from));
		return !option_absent(row, to);
	}
}

void
option_rows_free(const struct option *rows, size_t count, void *config)
{
	for (size_t i = 0; i < count; i++)
		option_clear(&rows[i], config);
}

static bool
in_bounds(const struct option *row, double value)
{
	return (row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max);
}

static bool
integer_parse(const struct option *row, const char *text, int64_t *value)
{
	const char *digits = text + (*text == '-');
	size_t len = strlen(digits);

	if (len == 0 || strspn(digits, "0123456789") != len)
		return false;
	errno = 0;
	*value = strtoll(text, NULL, 10);
	return errno == 0 && in_bounds(row, (double)*value);
}

static bool
real_parse(const struct option *row, const char *text, double *value)
{
	char *end;

	if (*text == '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
		return false;
	*value = strtod(text, &end);
	return *end == '\0' && isfinite(*value) && in_bounds(row, *value);
}

static bool
bool_parse(const char *text, bool *value)
{
	*value = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
	return *value || strcmp(text, "false") == 0 || strcmp(text, "no") == 0;
}

/* An empty string is the same as none, so what is required cannot be empty. */
static bool
string_parse(const struct option *row, const char *text, char **value)
{
	size_t len = strlen(text);
	char *copy;

	if (len > option_most(row) || (len > 0 && len < row->min) ||
	    (len == 0 && (row->flags & OPTION_REQUIRED) != 0))
		return false;
	copy = len > 0 ? strdup(text) : NULL;
	if (len > 0 && copy == NULL)
		return false;
	free(*value);
	*value = copy;
	return true;
}

bool
option_scalar(struct option_source *src, const struct option *row, void *config,
    const char *name, size_t line, const char *text)
{
	void *at = option_at(row, config);
	int64_t integer;
	double real;
	bool truth, ok = false;

	switch (row->type) {
	case OPTION_BOOL:
		if ((ok = bool_parse(text, &truth)))
			*(bool *)at = truth;
		break;
	case OPTION_INTEGER:
		if ((ok = integer_parse(row, text, &integer)))
			*(int64_t *)at = integer;
		break;
	case OPTION_REAL:
		if ((ok = real_parse(row, text, &real)))
			*(double *)at = real;
		break;
	case OPTION_STRING:
	case OPTION_PATH:
		ok = string_parse(row, text, at);
		break;
	case OPTION_ENDPOINT:
		ok = endpoint_parse(at, text);
		break;
	default:
		break;
	}
	return ok || unexpected(src, row, name, line, text);
}

static size_t
node_line(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

static const char *
node_kind(const yaml_node_t *node)
{
	if (node->type == YAML_MAPPING_NODE)
		return "a mapping";
	return node->type == YAML_SEQUENCE_NODE ? "a list" : "a single value";
}

/* The scalar's text, or NULL when it is none or holds a NUL. */
static const char *
node_text(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE || strlen(text) != node->data.scalar.length)
		return NULL;
	return text;
}

static size_t
sequence_count(const yaml_node_t *node)
{
	return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

/* A sequence, or one scalar as its only item. */
static bool
strings_node(struct option_source *src, const struct option *row, void *config,
    const char *name, yaml_node_t *node)
{
	struct option_strings *list = option_at(row, config), parsed = { NULL, 0 };
	bool one = node->type == YAML_SCALAR_NODE;
	size_t count = one ? 1 : sequence_count(node);
	const char *text;
	yaml_node_t *item;

	parsed.items = calloc(count + 1, sizeof(*parsed.items));
	for (size_t i = 0; parsed.items != NULL && i < count; i++) {
		item = one ? node :
		    yaml_document_get_node(src->doc, node->data.sequence.items.start[i]);
		text = node_text(item);
		if (text == NULL || *text == '\0' || strlen(text) > OPTION_ITEM_MAX) {
			option_fault(src, node_line(item), name,
			    "item %zu: expected a string of 1 to %d bytes", i + 1,
			    OPTION_ITEM_MAX);
			continue;
		}
		parsed.items[parsed.count] = strdup(text);
		if (parsed.items[parsed.count] != NULL)
			parsed.count++;
	}
	if (parsed.count != count) {
		src->failed = true;
		strings_clear(&parsed);
		return false;
	}
	strings_clear(list);
	*list = parsed;
	return true;
}

static bool
maps_node(struct option_source *src, const struct option *row, void *config,
    const char *name, yaml_node_t *node)
{
	struct option_maps *maps = option_at(row, config);
	size_t count = sequence_count(node);
	char prefix[128];

	option_clear(row, config);
	if (count == 0)
		return true;
	maps->items = calloc(count, row->size);
	if (maps->items == NULL) {
		option_fault(src, node_line(node), name, "out of memory");
		return false;
	}
	maps->count = count;
	for (size_t i = 0; i < count; i++) {
		void *item = (char *)maps->items + i * row->size;

		snprintf(prefix, sizeof(prefix), "%s[%zu].", name, i);
		option_rows_defaults(src, row->rows, row->row_count, item);
		option_mapping(src, row->rows, row->row_count, item, prefix,
		    yaml_document_get_node(src->doc, node->data.sequence.items.start[i]));
	}
	return true;
}

static bool
map_node(struct option_source *src, const struct option *row, void *config,
    const char *name, yaml_node_t *node)
{
	void *at = option_at(row, config);
	char prefix[128];

	option_clear(row, config);
	snprintf(prefix, sizeof(prefix), "%s.", name);
	option_rows_defaults(src, row->rows, row->row_count, at);
	*(bool *)at = true;
	option_mapping(src, row->rows, row->row_count, at, prefix, node);
	return !src->failed;
}

static bool
list_node(struct option_source *src, const struct option *row, void *config,
    const char *name, yaml_node_t *node)
{
	size_t count = sequence_count(node);
	char found[32];

	if (count > option_most(row) || count < row->min) {
		snprintf(found, sizeof(found), "%zu items", count);
		return unexpected(src, row, name, node_line(node), found);
	}
	if (row->type == OPTION_STRINGS)
		return strings_node(src, row, config, name, node);
	return maps_node(src, row, config, name, node);
}

bool
option_node(struct option_source *src, const struct option *row, void *config,
    const char *name, yaml_node_t *node)
{
	bool list = row->type == OPTION_STRINGS || row->type == OPTION_MAPS;
	const char *text = node_text(node);

	if (list && node->type == YAML_SEQUENCE_NODE)
		return list_node(src, row, config, name, node);
	if (row->type == OPTION_MAP && node->type == YAML_MAPPING_NODE)
		return map_node(src, row, config, name, node);
	if (node->type == YAML_SCALAR_NODE && (row->flags & OPTION_OR_ONE) != 0)
		return strings_node(src, row, config, name, node);
	if (list || row->type == OPTION_MAP || node->type != YAML_SCALAR_NODE)
		return unexpected(src, row, name, node_line(node), node_kind(node));
	if (text == NULL)
		return unexpected(src, row, name, node_line(node), "a NUL byte");
	/* `name:` with nothing after it is more likely forgotten than meant. */
	if (*text == '\0' && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return unexpected(src, row, name, node_line(node), "");
	return option_scalar(src, row, config, name, node_line(node), text);
}
