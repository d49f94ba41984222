#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_value.h"

#define NAME_MAX_BYTES 64
#define NAME_SHOWN_MAX 40
#define DEPTH_MAX 5		/* mapping, list, mapping, list, scalar */

/* Levenshtein's distance of two short names; large when one is too long. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_BYTES + 1], n = strlen(b), before, above;

	if (n > NAME_MAX_BYTES || strlen(a) > NAME_MAX_BYTES)
		return NAME_MAX_BYTES;
	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 1; *a != '\0'; a++, i++) {
		before = row[0];
		row[0] = i;
		for (size_t k = 1; k <= n; k++) {
			above = row[k];
			row[k] = before + (*a != b[k - 1]);
			if (above + 1 < row[k])
				row[k] = above + 1;
			if (row[k - 1] + 1 < row[k])
				row[k] = row[k - 1] + 1;
			before = above;
		}
	}
	return row[n];
}

void
option_unknown(struct option_source *src, const struct option *rows, size_t count,
    size_t line, const char *prefix, const char *key)
{
	const char *nearest = NULL;
	size_t least = 4;	/* farther names are no typing errors */
	char name[256];

	/* Not a name of anything: it may be a line of a key. */
	if (strlen(key) > NAME_SHOWN_MAX) {
		snprintf(name, sizeof(name), "%sa name of %zu bytes", prefix, strlen(key));
		option_fault(src, line, name, "no such option");
		return;
	}

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(key, rows[i].name);

		if (d < least && d < strlen(rows[i].name)) {
			least = d;
			nearest = rows[i].name;
		}
	}
	snprintf(name, sizeof(name), "%s%.64s", prefix, key);
	if (nearest != NULL)
		option_fault(src, line, name, "no such option; did you mean %s?", nearest);
	else
		option_fault(src, line, name, "no such option");
}

static const struct option *
row_find(const struct option *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* One "key: value" of a mapping; `seen` has one flag a row. */
static void
mapping_pair(struct option_source *src, const struct option *rows, size_t count,
    void *config, const char *prefix, const yaml_node_pair_t *pair, bool *seen)
{
	yaml_node_t *key = yaml_document_get_node(src->doc, pair->key);
	yaml_node_t *value = yaml_document_get_node(src->doc, pair->value);
	size_t line = key->start_mark.line + 1;
	const struct option *row;
	char name[256];

	if (key->type != YAML_SCALAR_NODE) {
		option_fault(src, line, NULL, "expected the name of an option");
		return;
	}
	row = row_find(rows, count, (const char *)key->data.scalar.value);
	if (row == NULL) {
		option_unknown(src, rows, count, line, prefix,
		    (const char *)key->data.scalar.value);
		return;
	}
	snprintf(name, sizeof(name), "%s%s", prefix, row->name);
	if (seen[row - rows]) {
		option_fault(src, line, name, "given twice");
		return;
	}
	seen[row - rows] = true;
	option_node(src, row, config, name, value);
}

/* At the top, what is required may still come from -D: see option_complete(). */
void
option_mapping(struct option_source *src, const struct option *rows, size_t count,
    void *config, const char *prefix, yaml_node_t *node)
{
	size_t line = node->start_mark.line + 1;
	bool *seen = NULL;
	char name[256];

	if (node->type != YAML_MAPPING_NODE) {
		option_fault(src, line, NULL, "expected a mapping of option names to values");
		return;
	}
	seen = calloc(count + 1, sizeof(*seen));
	if (seen == NULL) {
		option_fault(src, line, NULL, "out of memory");
		return;
	}
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	    pair < node->data.mapping.pairs.top; pair++)
		mapping_pair(src, rows, count, config, prefix, pair, seen);
	for (size_t i = 0; *prefix != '\0' && i < count; i++) {
		if (seen[i] || (rows[i].flags & OPTION_REQUIRED) == 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", prefix, rows[i].name);
		option_fault(src, line, name, "is required");
	}
	free(seen);
}

/*
 * A first look at the events, since a loaded document no longer shows what is
 * refused: anchors and aliases (one text standing elsewhere too), tags, a second
 * document, depth.
 */
struct scan {
	struct option_source *src;
	size_t depth;
	size_t documents;
	bool refused;
};

static void
scan_refuse(struct scan *scan, const yaml_event_t *event, const char *what)
{
	option_fault(scan->src, event->start_mark.line + 1, NULL, "%s not allowed here", what);
	scan->refused = true;
}

static void
scan_event(struct scan *scan, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++scan->documents > 1)
			scan_refuse(scan, event, "a second document is");
		break;
	case YAML_ALIAS_EVENT:
		scan_refuse(scan, event, "aliases are");
		break;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		/* Both kinds of start have anchor and tag at the same members. */
		anchor = event->type == YAML_MAPPING_START_EVENT ?
		    event->data.mapping_start.anchor : event->data.sequence_start.anchor;
		tag = event->type == YAML_MAPPING_START_EVENT ?
		    event->data.mapping_start.tag : event->data.sequence_start.tag;
		if (++scan->depth > DEPTH_MAX)
			scan_refuse(scan, event, "nesting this deep is");
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		scan->depth--;
		break;
	default:
		break;
	}
	if (anchor != NULL)
		scan_refuse(scan, event, "anchors are");
	if (tag != NULL)
		scan_refuse(scan, event, "tags are");
}

static bool
scan_text(struct option_source *src, const char *text, size_t len)
{
	struct scan scan = { .src = src };
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;

	if (!yaml_parser_initialize(&parser)) {
		option_fault(src, 0, NULL, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!end && scan.depth <= DEPTH_MAX) {
		if (!yaml_parser_parse(&parser, &event)) {
			option_fault(src, parser.problem_mark.line + 1, NULL, "not YAML: %s",
			    parser.problem != NULL ? parser.problem : "unreadable");
			scan.refused = true;
			break;
		}
		scan_event(&scan, &event);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return !scan.refused;
}

/* Loads the text and hands its root (NULL: empty) to `use`. */
static void
with_document(struct option_source *src, const char *text, size_t len,
    void (*use)(struct option_source *src, yaml_node_t *root, void *arg), void *arg)
{
	yaml_document_t doc;
	yaml_parser_t parser;

	if (!scan_text(src, text, len))
		return;
	if (!yaml_parser_initialize(&parser)) {
		option_fault(src, 0, NULL, "out of memory");
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &doc)) {
		src->doc = &doc;
		use(src, yaml_document_get_root_node(&doc), arg);
		src->doc = NULL;
		yaml_document_delete(&doc);
	} else {
		option_fault(src, parser.problem_mark.line + 1, NULL, "not YAML");
	}
	yaml_parser_delete(&parser);
}

struct whole {
	const struct option_table *table;
	void *config;
};

static void
use_whole(struct option_source *src, yaml_node_t *root, void *arg)
{
	const struct whole *w = arg;

	if (root != NULL)
		option_mapping(src, w->table->rows, w->table->count, w->config, "", root);
}

bool
option_parse(const struct option_table *t, void *config, const char *name,
    const char *text, size_t len, struct buf *faults)
{
	struct option_source src = { .name = name, .faults = faults };
	struct whole w = { t, config };

	if (len > OPTION_FILE_MAX)
		option_fault(&src, 0, NULL, "larger than %d bytes", OPTION_FILE_MAX);
	else
		with_document(&src, text, len, use_whole, &w);
	return !src.failed;
}

struct single {
	const struct option *row;
	void *config;
};

static void
use_single(struct option_source *src, yaml_node_t *root, void *arg)
{
	const struct single *one = arg;

	if (root == NULL)
		option_clear(one->row, one->config);
	else
		option_node(src, one->row, one->config, one->row->name, root);
}

/* Only lists and mappings need YAML: a string is taken as it stands, whatever it looks like. */
bool
option_text(struct option_source *src, const struct option *row, void *config,
    const char *text)
{
	struct single one = { row, config };
	struct buf list = BUF_INIT(OPTION_FILE_MAX);

	if (row->type != OPTION_STRINGS && row->type != OPTION_MAPS && row->type != OPTION_MAP)
		return option_scalar(src, row, config, row->name, 0, text);
	if (row->type == OPTION_STRINGS && text[0] != '[' && text[0] != '\0') {
		buf_addc(&list, '[');
		buf_add_json(&list, text, strlen(text));
		buf_addc(&list, ']');
	} else {
		buf_adds(&list, text);
	}
	if (list.failed)
		option_fault(src, 0, row->name, "too long");
	else
		with_document(src, list.data, list.len, use_single, &one);
	buf_free(&list);
	return !src->failed;
}
