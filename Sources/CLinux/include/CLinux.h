/// Kernel interfaces that Swift's importer cannot take from the system's headers by itself:
/// ioctl numbers (function-like macros), variadic functions and volatile accesses. No logic lives here.
#ifndef NEEDLETAIL_CLINUX_H
#define NEEDLETAIL_CLINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

// _GNU_SOURCE renames a member of fd_set. Other C modules (swift-system's, Dispatch's) see it without, and the compiler
// refuses two definitions that differ in one program: this is the one header that is read as they read it.
#include <features.h>
#ifdef __USE_XOPEN
#undef __USE_XOPEN
#include <sys/select.h>
#define __USE_XOPEN 1
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/kvm.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <sys/syscall.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

/// `open` is variadic; a mode is always passed, and O_CLOEXEC is always set.
static inline int nt_open(const char *path, int flags, mode_t mode) {
    return open(path, flags | O_CLOEXEC, mode);
}

/// `ioctl` with an integer argument.
static inline int nt_ioctl_value(int descriptor, unsigned long request, unsigned long value) {
    return ioctl(descriptor, request, value);
}

/// `ioctl` with a pointer argument.
static inline int nt_ioctl_pointer(int descriptor, unsigned long request, void *pointer) {
    return ioctl(descriptor, request, pointer);
}

/// What `cachestat` (Linux 6.5) takes and answers; older headers have neither the call nor its structures.
struct nt_cachestat_range {
    uint64_t off, len;
};
struct nt_cachestat_counts {
    uint64_t nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted;
};
static inline int nt_cachestat(int descriptor, struct nt_cachestat_range *range, struct nt_cachestat_counts *counts) {
    return (int)syscall(451, descriptor, range, counts, 0);
}

/// `fcntl` for open-file-description locks, F_OFD_SETLK and F_OFD_GETLK.
static inline int nt_fcntl_lock(int descriptor, int command, struct flock *lock) {
    return fcntl(descriptor, command, lock);
}

/// `fcntl` with an integer argument.
static inline int nt_fcntl_value(int descriptor, int command, int value) {
    return fcntl(descriptor, command, value);
}

static inline int nt_memfd_create(const char *name, unsigned int flags) {
    return memfd_create(name, flags);
}

/// How many descriptors `nt_receive` takes in one message.
static const unsigned int NT_MOST_DESCRIPTORS = 16;

/// `sendmsg` with descriptors; the layout of ancillary data is known to macros only. At most NT_MOST_DESCRIPTORS.
static inline ssize_t nt_send(int socket, const void *bytes, size_t size, const int *descriptors, size_t count) {
    union {
        char space[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec piece = {(void *)bytes, size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (count > 0 && count <= NT_MOST_DESCRIPTORS) {
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        __builtin_memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// `recvmsg` with descriptors, close-on-exec, without waiting. `*flags` is what the kernel says of the message.
static inline ssize_t nt_receive(int socket, void *bytes, size_t size, int *descriptors, size_t *count, int *flags) {
    union {
        char space[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec piece = {bytes, size};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t result = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    *count = 0;
    if (result < 0) return result;
    *flags = message.msg_flags;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        __builtin_memcpy(descriptors + *count, CMSG_DATA(header), here * sizeof(int));
        *count += here;
    }
    return result;
}

/// MAP_FAILED is a cast, which the importer drops.
static inline int nt_is_map_failed(const void *address) { return address == MAP_FAILED; }

/// `pthread_setname_np` of the calling thread; longer names are cut by the caller (15 bytes).
static inline int nt_set_thread_name(const char *name) { return pthread_setname_np(pthread_self(), name); }

/// SIG_IGN is a cast.
static inline sighandler_t nt_ignore_signal(void) { return SIG_IGN; }

/// SIGRTMIN is a function call behind a macro.
static inline int nt_sigrtmin(void) { return SIGRTMIN; }

/// Ring indices are shared with a guest that writes them meanwhile: one access each, with its ordering.
static inline uint16_t nt_load_acquire_16(const void *address) {
    return __atomic_load_n((const uint16_t *)address, __ATOMIC_ACQUIRE);
}

static inline void nt_store_release_16(void *address, uint16_t value) {
    __atomic_store_n((uint16_t *)address, value, __ATOMIC_RELEASE);
}

/// The same where a page may not be there, its file having become shorter: 0, or -1 where it was not. They need
/// `nt_guard_accesses` once, before the first, and again after any other handler of SIGBUS was set.
int nt_guarded_load_16(const void *address, uint16_t *value);
int nt_guarded_store_16(void *address, uint16_t value);
void nt_guard_accesses(void);

static inline void nt_full_barrier(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/// Declared for _GNU_SOURCE only.
static const int NT_POLLRDHUP = POLLRDHUP;

/// O_TMPFILE is made of several constants, which the importer does not add up.
static const int NT_O_TMPFILE = O_TMPFILE;

/// Types of file systems in `struct statfs` (linux/magic.h).
static const unsigned int NT_TMPFS_MAGIC = TMPFS_MAGIC;
static const unsigned int NT_HUGETLBFS_MAGIC = HUGETLBFS_MAGIC;

static const unsigned int NT_MADV_POPULATE_READ = 22;
static const unsigned int NT_MADV_POPULATE_WRITE = 23;

/// ioctl numbers of /dev/kvm: the macros compute them, which the importer does not follow.
static const unsigned long NT_KVM_GET_API_VERSION = KVM_GET_API_VERSION;
static const unsigned long NT_KVM_CREATE_VM = KVM_CREATE_VM;
static const unsigned long NT_KVM_CHECK_EXTENSION = KVM_CHECK_EXTENSION;
static const unsigned long NT_KVM_GET_VCPU_MMAP_SIZE = KVM_GET_VCPU_MMAP_SIZE;
static const unsigned long NT_KVM_GET_SUPPORTED_CPUID = KVM_GET_SUPPORTED_CPUID;
static const unsigned long NT_KVM_CREATE_VCPU = KVM_CREATE_VCPU;
static const unsigned long NT_KVM_SET_TSS_ADDR = KVM_SET_TSS_ADDR;
static const unsigned long NT_KVM_SET_IDENTITY_MAP_ADDR = KVM_SET_IDENTITY_MAP_ADDR;
static const unsigned long NT_KVM_CREATE_IRQCHIP = KVM_CREATE_IRQCHIP;
static const unsigned long NT_KVM_IRQFD = KVM_IRQFD;
static const unsigned long NT_KVM_IOEVENTFD = KVM_IOEVENTFD;
static const unsigned long NT_KVM_SET_GSI_ROUTING = KVM_SET_GSI_ROUTING;
static const unsigned long NT_KVM_SET_USER_MEMORY_REGION = KVM_SET_USER_MEMORY_REGION;
static const unsigned long NT_KVM_GET_DIRTY_LOG = KVM_GET_DIRTY_LOG;
static const unsigned long NT_KVM_RUN = KVM_RUN;
static const unsigned long NT_KVM_GET_REGS = KVM_GET_REGS;
static const unsigned long NT_KVM_SET_REGS = KVM_SET_REGS;
static const unsigned long NT_KVM_GET_STATS_FD = KVM_GET_STATS_FD;
static const unsigned long NT_KVM_GET_VCPU_EVENTS = KVM_GET_VCPU_EVENTS;
static const unsigned long NT_KVM_SET_VCPU_EVENTS = KVM_SET_VCPU_EVENTS;
static const unsigned long NT_KVM_GET_SREGS = KVM_GET_SREGS;
static const unsigned long NT_KVM_SET_SREGS = KVM_SET_SREGS;
static const unsigned long NT_KVM_SET_MSRS = KVM_SET_MSRS;
static const unsigned long NT_KVM_SET_CPUID2 = KVM_SET_CPUID2;

/// KVM_PRE_FAULT_MEMORY (Linux 6.11), which older headers lack.
struct nt_kvm_pre_fault_memory {
    uint64_t gpa, size, flags, padding[5];
};
static const unsigned long NT_KVM_PRE_FAULT_MEMORY = _IOWR(KVMIO, 0xd5, struct nt_kvm_pre_fault_memory);

/// Newer than the headers of the oldest supported distribution: the kernel could not reach a page of guest memory.
static const unsigned int NT_KVM_EXIT_MEMORY_FAULT = 39;
/// Where in `struct kvm_run` the union of exit details begins, in bytes.
static const unsigned long NT_KVM_RUN_EXIT_OFFSET = __builtin_offsetof(struct kvm_run, hw);

/// Asks KVM_RUN to return at once. Another thread writes this byte while the vCPU runs.
static inline void nt_kvm_set_immediate_exit(struct kvm_run *run, uint8_t value) {
    __atomic_store_n(&run->immediate_exit, value, __ATOMIC_RELEASE);
}

#endif
