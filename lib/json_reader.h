/*
 * Reading a JSON document of a peer's into a struct, one row a field.
 *
 * A reader names every fault, not the first: each carries the path of the
 * field, a key that programs can match on, and a sentence saying what was
 * expected and what was found. Unknown members are ignored (a client may be
 * newer than we are); a known member of the wrong type is a fault.
 *
 * Nothing is copied: strings point into the parsed document, which must
 * outlive the struct. A document is strict JSON (RFC 8259) in UTF-8, at most
 * JSON_DEPTH_MAX deep, without a repeated member in any object.
 */
#ifndef MPIC_JSON_READER_H
#define MPIC_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct json_object;

#define JSON_DEPTH_MAX	16
#define JSON_LIST_MAX	64	/* strings in a list */
#define JSON_FAULTS_MAX	32	/* kept; `more` says that there were others */
#define JSON_PATH_MAX	96

/* What is wrong with one field. */
struct json_fault {
	const char *issue;		/* static key, such as "missing" */
	char path[JSON_PATH_MAX];	/* members joined by dots; "" is the whole document */
	char message[448];
};

struct json_faults {
	struct json_fault list[JSON_FAULTS_MAX];	/* only `count` are initialised */
	size_t count;
	bool more;
};

void json_faults_init(struct json_faults *faults);
void json_fault_add(struct json_faults *faults, const char *path,
    const char *issue, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/*
 * Adds the whole body that answers a bad request with 400, in the shape of the
 * Open MPIC API: {"error": error, "validation_issues": [...]}. Each issue has
 * both spellings in use there: issue_type/message and type/loc/msg.
 */
void json_faults_encode(const struct json_faults *faults, const char *error,
    struct buf *out);

/*
 * NULL and one fault (issue json_invalid) unless `text` is one whole document
 * as described above. The caller frees it with json_object_put().
 */
struct json_object *json_document_parse(const char *text, size_t len,
    struct json_faults *faults);

/* Where the rows put what they read. Absent and null are the same: not set. */
struct json_int {
	bool set;
	int64_t value;
};
struct json_bool {
	bool set;
	bool value;
};
struct json_list {
	bool set;			/* an empty list is set with count 0 */
	size_t count;
	const char *items[JSON_LIST_MAX];	/* only `count` are initialised */
};

enum json_field_type {
	JSON_FIELD_STRING,	/* const char *; `min`..`max` bytes */
	JSON_FIELD_INT,		/* struct json_int; `min`..`max` */
	JSON_FIELD_BOOL,	/* struct json_bool */
	JSON_FIELD_ENUM,	/* int: the index into `names`; untouched if absent */
	JSON_FIELD_STRINGS,	/* struct json_list; at most `max` of 1..255 bytes */
	JSON_FIELD_OBJECT,	/* a struct whose first member is `bool set` */
	/* Borrowed, any type: struct json_object *, or of tokens const struct json_token * */
	JSON_FIELD_RAW,
};

/* One member of an object: what it must be, and where it goes. */
struct json_field {
	const char *key;
	enum json_field_type type;
	bool required;
	size_t offset;			/* in the struct being filled */
	int64_t min, max;		/* see the type */
	const char *const *names;	/* ENUM: ends with NULL */
	const struct json_field *fields;	/* OBJECT: ends with a NULL key */
};

/* JSON_ROW("key", STRING, a_struct, its_member, .max = 64) */
#define JSON_ROW(member_key, row_type, container, member, ...) \
	{ .key = (member_key), .type = JSON_FIELD_##row_type, \
	    .offset = offsetof(struct container, member), __VA_ARGS__ }

/*
 * Fills `into` from `object` by `fields` (which end with a NULL key). `path`
 * is where the object itself stands, "" for the document. What is absent or
 * at fault is left as it was. False if anything was at fault.
 */
bool json_read(struct json_object *object, const struct json_field *fields,
    void *into, const char *path, struct json_faults *faults);

#endif
