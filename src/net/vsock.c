/* Sockets of virtual machines; see vsock.h. */

#include <errno.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/vm_sockets.h>
#endif

#include "net/vsock.h"

/* Of the kernel's header, which older ones lack. */
#define CID_LOCAL 1

#ifdef AF_VSOCK
static socklen_t
fill(uint32_t cid, uint32_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_vm vm;

	memset(&vm, 0, sizeof(vm));
	memset(ss, 0, sizeof(*ss));
	vm.svm_family = AF_VSOCK;
	vm.svm_cid = cid;
	vm.svm_port = port;
	memcpy(ss, &vm, sizeof(vm));
	return sizeof(vm);
}
#endif

socklen_t
vsock_address(const struct addr *a, struct sockaddr_storage *ss)
{
#ifdef AF_VSOCK
	return fill(
	    a->cid == ADDR_CID_ANY ? CID_LOCAL : a->cid, a->vsock_port, ss);
#else
	(void)a;
	(void)ss;
	errno = EAFNOSUPPORT;
	return 0;
#endif
}

/* A descriptor, or -1 and either errno or, if it is 0, a fail. */
static int
open_listener(const struct addr *a, int backlog, const struct sock_opts *o,
    struct fail *f)
{
#ifdef AF_VSOCK
	struct sockaddr_storage ss;
	socklen_t len = fill(
	    a->cid, a->vsock_port == 0 ? VMADDR_PORT_ANY : a->vsock_port, &ss);
	int fd = sock_open(AF_VSOCK, SOCK_STREAM), err = 0;

	if (fd == -1)
		return -1;
	if (sock_apply(fd, AF_VSOCK, o, f) == 0) {
		if (bind(fd, (struct sockaddr *)&ss, len) == 0 &&
		    listen(fd, backlog) == 0)
			return fd;
		err = errno;
	}
	close(fd);
	errno = err;
#else
	errno = EAFNOSUPPORT;
#endif
	return -1;
}

int
vsock_listen(const struct addr *a, int backlog, const struct sock_opts *o,
    struct fail *f)
{
	char name[ADDR_TEXT_MAX];
	int fd = open_listener(a, backlog, o, f), err = errno;

	if (fd != -1 || err == 0)
		return fd;
	sock_cannot_listen(addr_print(a, name), f);
	if (vsock_hint(err) != NULL)
		fail_hint(f, "%s", vsock_hint(err));
	return -1;
}

const char *
vsock_hint(int err)
{
	if (err == EAFNOSUPPORT)
		return "this system has no vsock; try: modprobe vsock, or a "
		       "TCP address";
	if (err == ENODEV)
		return "that machine cannot be reached from here; try: the "
		       "number (CID) that it was started with, or 2 for the "
		       "host";
	return NULL;
}
