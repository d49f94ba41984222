#include "httpcheck/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <linux/landlock.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bool
failed(struct buf *in_force, const char *what)
{
	buf_reset(in_force);
	buf_addf(in_force, "%s: %s", what, strerror(errno));
	return false;
}

/* --- the process itself ------------------------------------------------------ */

static bool
drop_root(const struct sandbox *s, struct buf *in_force)
{
	if (s->uid == 0 || geteuid() != 0)
		return true;
	if (setgroups(0, NULL) != 0 || setgid(s->gid) != 0 || setuid(s->uid) != 0)
		return failed(in_force, "cannot become the fetcher's user");
	buf_addf(in_force, "uid %lu, ", (unsigned long)s->uid);
	return true;
}

/* Becoming another user clears it, so it comes after that. */
static bool
die_with_parent(const struct sandbox *s, struct buf *in_force)
{
	return !s->with_parent || prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ||
	    failed(in_force, "cannot be bound to the worker's life");
}

/* No core file with what a stranger made of us, no debugger of the same user's. */
static bool
drop_privileges(struct buf *in_force)
{
	static const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return failed(in_force, "cannot forbid core files");
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return failed(in_force, "cannot forbid debugging");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failed(in_force, "cannot set no_new_privs");
	return true;
}

/* --- Landlock ---------------------------------------------------------------- */

/* Of later kernels than the headers this may be built with. */
#define FS_TRUNCATE	(1ULL << 14)	/* ABI 3 */
#define FS_IOCTL_DEV	(1ULL << 15)	/* ABI 5 */
#define NET_BIND_TCP	(1ULL << 0)	/* ABI 4 */
#define NET_CONNECT_TCP	(1ULL << 1)
#define SCOPE_ABSTRACT	(1ULL << 0)	/* ABI 6: sockets and signals outside */
#define SCOPE_SIGNAL	(1ULL << 1)
#define RULE_NET_PORT	2

struct ruleset {
	uint64_t fs, net, scoped;
};

struct port_rule {
	uint64_t access, port;
} __attribute__((packed));

static struct ruleset
ruleset_of(long abi, const struct sandbox *s, size_t *size)
{
	struct ruleset r = { .fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };

	*size = offsetof(struct ruleset, net);
	if (abi >= 2)
		r.fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4) {
		r.net = NET_BIND_TCP | (s->ports != NULL ? NET_CONNECT_TCP : 0);
		*size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6) {
		r.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
		*size = sizeof(r);
	}
	return r;
}

static bool
allow_ports(int fd, const struct sandbox *s)
{
	for (unsigned i = 0; i < s->port_count; i++) {
		const struct port_rule rule = { NET_CONNECT_TCP, s->ports[i] };

		if (syscall(SYS_landlock_add_rule, fd, RULE_NET_PORT, &rule, 0) != 0)
			return false;
	}
	return true;
}

static bool
enter_landlock(const struct sandbox *s, struct buf *in_force)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r;
	size_t size;
	bool ok;
	int fd;

	if (abi < 1) {
		buf_adds(in_force, "no landlock, ");
		return true;
	}
	r = ruleset_of(abi, s, &size);
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return failed(in_force, "cannot make a Landlock ruleset");
	ok = (abi < 4 || allow_ports(fd, s)) && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	if (!ok)
		failed(in_force, "cannot enter Landlock");
	close(fd);
	if (ok)
		buf_addf(in_force, "landlock ABI %ld%s, ", abi,
		    abi < 4 || s->ports == NULL ? " without ports" : "");
	return ok;
}

/* --- seccomp ----------------------------------------------------------------- */

/* What libcurl, OpenSSL, libevent and libc call once all is loaded. */
static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(recvfrom), SCMP_SYS(connect), SCMP_SYS(shutdown), SCMP_SYS(close),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/*
 * A library that looks for a file it can do without is told that it may not;
 * whatever else is not allowed ends the process.
 */
static const int denied[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
};

static int
add_argument_rules(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_INET, AF_INET6 };
	static const int commands[] = { F_GETFL, F_SETFL, F_GETFD, F_SETFD };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < COUNT(families); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
		    SCMP_A0_32(SCMP_CMP_EQ, (unsigned)families[i]),
		    SCMP_A1_32(SCMP_CMP_MASKED_EQ, ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK),
			SOCK_STREAM));
	for (size_t i = 0; rc == 0 && i < COUNT(commands); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
		    SCMP_A1_32(SCMP_CMP_EQ, (unsigned)commands[i]));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		    SCMP_A1_32(SCMP_CMP_EQ, FIONBIO));
	/* no address: TCP Fast Open would dial without connect() */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
		    SCMP_A4(SCMP_CMP_EQ, 0));
	/* libcurl sees to it, once more, when all ends */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 1,
		    SCMP_A0_32(SCMP_CMP_EQ, SIGPIPE));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		    SCMP_A2_32(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

static bool
enter_seccomp(struct buf *in_force)
{
	scmp_filter_ctx ctx;
	int rc;

	if (prctl(PR_GET_SECCOMP) < 0) {
		buf_adds(in_force, "no seccomp");
		return true;
	}
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	rc = ctx != NULL ? 0 : -ENOMEM;
	for (size_t i = 0; rc == 0 && i < COUNT(allowed); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; rc == 0 && i < COUNT(denied); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), denied[i], 0);
	if (rc == 0)
		rc = add_argument_rules(ctx);
	/* a binary tree: the hot calls are not behind thirty comparisons; older libraries lack it */
	if (rc == 0)
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc != 0) {
		errno = -rc;
		return failed(in_force, "cannot load the seccomp filter");
	}
	buf_adds(in_force, "seccomp");
	return true;
}

bool
sandbox_enter(const struct sandbox *s, struct buf *in_force)
{
	if (!drop_root(s, in_force) || !die_with_parent(s, in_force))
		return false;
	if (SANITIZED) {
		buf_adds(in_force, "built with sanitizers: nothing else");
		return true;
	}
	return drop_privileges(in_force) && enter_landlock(s, in_force) &&
	    enter_seccomp(in_force) && !in_force->failed;
}
