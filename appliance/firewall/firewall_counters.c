#include "appliance/firewall/firewall_counters.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#define PATIENCE_S	5
#define REPLY_MAX	65536

/* --- attributes of netlink(7) ---------------------------------------------------- */

/* The one of this type among the attributes; NULL if there is none that is whole. */
static const struct nlattr *
attribute_find(const void *bytes, size_t len, uint16_t type)
{
	const char *at = bytes;
	struct nlattr a;

	while (len >= sizeof(a)) {
		size_t whole;

		memcpy(&a, at, sizeof(a));
		whole = NLA_ALIGN((size_t)a.nla_len);
		if (a.nla_len < NLA_HDRLEN || a.nla_len > len)
			return NULL;
		if ((a.nla_type & NLA_TYPE_MASK) == type)
			return (const struct nlattr *)at;
		if (whole >= len)
			return NULL;
		len -= whole;
		at += whole;
	}
	return NULL;
}

static const void *
attribute_data(const struct nlattr *a, size_t *len)
{
	*len = a->nla_len - NLA_HDRLEN;
	return (const char *)a + NLA_HDRLEN;
}

static void
attribute_add(char *message, uint16_t type, const void *data, size_t len)
{
	struct nlmsghdr *head = (struct nlmsghdr *)message;
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };
	char *at = message + head->nlmsg_len;

	memcpy(at, &a, sizeof(a));
	memcpy(at + NLA_HDRLEN, data, len);
	head->nlmsg_len += NLA_ALIGN(a.nla_len);
}

/* --- the question, and its answers -------------------------------------------------- */

static bool
ask(int fd)
{
	union {
		struct nlmsghdr head;
		char bytes[128];
	} message = { .bytes = { 0 } };
	const struct nfgenmsg family = { .nfgen_family = NFPROTO_INET };
	const uint32_t type = htobe32(NFT_OBJECT_COUNTER);

	message.head.nlmsg_len = NLMSG_LENGTH(sizeof(family));
	message.head.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ;
	message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(NLMSG_DATA(&message.head), &family, sizeof(family));
	attribute_add(message.bytes, NFTA_OBJ_TABLE, FIREWALL_TABLE, sizeof(FIREWALL_TABLE));
	attribute_add(message.bytes, NFTA_OBJ_TYPE, &type, sizeof(type));
	return send(fd, message.bytes, message.head.nlmsg_len, 0) == (ssize_t)message.head.nlmsg_len;
}

/* A name that can stand in a label. */
static bool
take_name(struct firewall_counter *c, const char *text, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

	if (len < 2 || len > sizeof(c->name) || text[len - 1] != '\0' ||
	    strspn(text, allowed) != len - 1)
		return false;
	memcpy(c->name, text, len);
	return true;
}

static void
take_object(struct firewall_counters *c, const char *bytes, size_t len)
{
	const struct nlattr *name = attribute_find(bytes, len, NFTA_OBJ_NAME);
	const struct nlattr *data = attribute_find(bytes, len, NFTA_OBJ_DATA), *packets;
	struct firewall_counter *one = &c->list[c->count];
	size_t name_len, data_len, packets_len;
	const void *at;
	uint64_t value;

	if (name == NULL || data == NULL || c->count == FIREWALL_COUNTERS_MAX)
		return;
	at = attribute_data(data, &data_len);
	packets = attribute_find(at, data_len, NFTA_COUNTER_PACKETS);
	if (packets == NULL)
		return;
	at = attribute_data(packets, &packets_len);
	if (packets_len != sizeof(value))
		return;
	memcpy(&value, at, sizeof(value));
	one->packets = be64toh(value);
	at = attribute_data(name, &name_len);
	if (take_name(one, at, name_len))
		c->count++;
}

/* One datagram. False at the end: errno is 0 for a good one. */
static bool
take(struct firewall_counters *c, const char *bytes, size_t len)
{
	const struct nlmsghdr *head = (const struct nlmsghdr *)bytes;
	size_t before = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));

	for (int rest = (int)len; NLMSG_OK(head, rest); head = NLMSG_NEXT(head, rest)) {
		errno = 0;
		if (head->nlmsg_type == NLMSG_DONE)
			return false;
		if (head->nlmsg_type == NLMSG_ERROR) {
			errno = head->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)) ?
			    -((const struct nlmsgerr *)NLMSG_DATA(head))->error : EPROTO;
			return false;
		}
		if (head->nlmsg_len > before)
			take_object(c, (const char *)head + before, head->nlmsg_len - before);
	}
	return true;
}

bool
firewall_counters_read(struct firewall_counters *c, struct buf *why)
{
	static char reply[REPLY_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	ssize_t n = -1;
	bool more = fd != -1 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 && ask(fd);
	int error = more ? 0 : errno;

	c->count = 0;
	while (more) {
		n = recv(fd, reply, sizeof(reply), 0);
		more = n > 0 && take(c, reply, (size_t)n);
		error = more ? 0 : errno;
	}
	if (fd != -1)
		close(fd);
	if (error != 0)
		buf_addf(why, "the packet filter's counters cannot be read: %s", strerror(error));
	return error == 0;
}
