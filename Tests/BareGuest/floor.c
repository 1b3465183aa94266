// The smallest monitor that runs the bare guest: KVM's own set-up and nothing else. It is the floor below which no
// monitor's start time can be, and a way to run the guest on this machine's /dev/kvm without a monitor.
//
//   floor KERNEL              runs until the first port write, prints microseconds since main, step by step
//   floor KERNEL COMMANDS     runs, with COMMANDS as the command line and the serial port on standard input and output;
//                             ends when the guest writes 0x34 to port 0x604, resets through 0xcf9, or shuts down
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    memory_size = 128 << 20,
    start_information_at = 0x6000,
    memory_map_at = 0x6100,
    command_line_at = 0x7000,
    serial_port = 0x3f8,
    mark_port = 0x80,
    most_cpuid_entries = 100,
    msr_mtrr_default_type = 0x2ff,
};

struct machine {
    int kvm, vm, vcpu;
    uint8_t *memory;
    struct kvm_run *run;
    uint32_t entry;
};

static struct timespec begin;

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - begin.tv_sec) * 1e6 + (now.tv_nsec - begin.tv_nsec) / 1e3;
}

static _Noreturn void die(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int control(int descriptor, unsigned long request, void *argument, const char *what) {
    int result = ioctl(descriptor, request, argument);
    if (result < 0) die(what);
    return result;
}

static void create(struct machine *machine) {
    machine->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (machine->kvm < 0) die("/dev/kvm");
    machine->vm = control(machine->kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
    machine->memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (machine->memory == MAP_FAILED) die("mmap");
    struct kvm_userspace_memory_region slot = {.memory_size = memory_size, .userspace_addr = (uintptr_t)machine->memory};
    // The memory slot comes first: an interrupt controller or an ioeventfd leaves a grace period of the kernel's SRCU
    // running, and a slot that is set then waits for it, 3 to 11 ms instead of 0.04.
    control(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot, "KVM_SET_USER_MEMORY_REGION");
    uint64_t identity_map = 0xfffbc000;
    control(machine->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map, "KVM_SET_IDENTITY_MAP_ADDR");
    control(machine->vm, KVM_SET_TSS_ADDR, (void *)0xfffbd000ul, "KVM_SET_TSS_ADDR");
    control(machine->vm, KVM_CREATE_IRQCHIP, 0, "KVM_CREATE_IRQCHIP");
}

static void load_note(struct machine *machine, const Elf32_Phdr *segment) {
    const uint8_t *note = machine->memory + segment->p_paddr;
    const Elf32_Nhdr *header = (const Elf32_Nhdr *)note;
    if (header->n_type == 18) memcpy(&machine->entry, note + sizeof *header + ((header->n_namesz + 3) & ~3u), 4);
}

static void load_kernel(struct machine *machine, const char *path) {
    Elf32_Ehdr header;
    Elf32_Phdr segments[16];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) die(path);
    if (pread(file, &header, sizeof header, 0) != sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG)) die("no ELF file");
    if (header.e_phnum > 16) die("too many segments");
    ssize_t size = header.e_phnum * sizeof segments[0];
    if (pread(file, segments, size, header.e_phoff) != size) die("program headers");
    for (int i = 0; i < header.e_phnum; i++) {
        Elf32_Phdr *segment = &segments[i];
        if (segment->p_type == PT_NOTE) load_note(machine, segment);
        if (segment->p_type != PT_LOAD) continue;
        if (segment->p_paddr > memory_size || segment->p_memsz > memory_size - segment->p_paddr) die("segment beyond memory");
        ssize_t length = segment->p_filesz;
        if (pread(file, machine->memory + segment->p_paddr, length, segment->p_offset) != length) die("segment");
    }
    close(file);
    if (!machine->entry) die("no PVH note");
}

static void hand_over(struct machine *machine, const char *commands) {
    uint64_t map[] = {0, 0xa0000, 1, 0x100000, memory_size - 0x100000, 1};
    uint64_t information[] = {0x336ec578 | 1ull << 32, 0, 0, command_line_at, 0, memory_map_at, 2};
    memcpy(machine->memory + memory_map_at, map, sizeof map);
    memcpy(machine->memory + start_information_at, information, sizeof information);
    strncpy((char *)machine->memory + command_line_at, commands, 4095);
}

static void set_identification(struct machine *machine) {
    struct kvm_cpuid2 *supported = calloc(1, sizeof *supported + most_cpuid_entries * sizeof supported->entries[0]);
    supported->nent = most_cpuid_entries;
    control(machine->kvm, KVM_GET_SUPPORTED_CPUID, supported, "KVM_GET_SUPPORTED_CPUID");
    control(machine->vcpu, KVM_SET_CPUID2, supported, "KVM_SET_CPUID2");
    free(supported);
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry;
    } msrs = {{.nmsrs = 1}, {.index = msr_mtrr_default_type, .data = 0x806}};
    control(machine->vcpu, KVM_SET_MSRS, &msrs, "KVM_SET_MSRS");
}

static void create_processor(struct machine *machine) {
    machine->vcpu = control(machine->vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
    int size = control(machine->kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
    machine->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, machine->vcpu, 0);
    if (machine->run == MAP_FAILED) die("mmap of the vCPU");
    set_identification(machine);
    struct kvm_sregs special;
    control(machine->vcpu, KVM_GET_SREGS, &special, "KVM_GET_SREGS");
    struct kvm_segment data = {.limit = 0xffffffff, .selector = 0x10, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
    struct kvm_segment code = data;
    code.selector = 8;
    code.type = 11;
    special.cs = code;
    special.ds = special.es = special.fs = special.gs = special.ss = data;
    special.tr.type = 11;
    special.cr0 = 0x11;
    control(machine->vcpu, KVM_SET_SREGS, &special, "KVM_SET_SREGS");
    struct kvm_regs registers = {.rip = machine->entry, .rbx = start_information_at, .rflags = 2};
    control(machine->vcpu, KVM_SET_REGS, &registers, "KVM_SET_REGS");
}

static bool input_ready(void) {
    struct pollfd poller = {.fd = 0, .events = POLLIN};
    return poll(&poller, 1, 0) == 1;
}

static uint8_t serial_in(uint16_t port) {
    uint8_t byte = 0;
    if (port == serial_port && read(0, &byte, 1) != 1) exit(0); // end of the input: nothing more to do
    if (port == serial_port + 5) byte = 0x60 | input_ready();
    return byte;
}

static void port_exit(struct kvm_run *run) {
    uint8_t *data = (uint8_t *)run + run->io.data_offset;
    uint16_t port = run->io.port;
    bool serial = port >= serial_port && port < serial_port + 8;
    if (run->io.direction == KVM_EXIT_IO_IN) {
        memset(data, 0xff, run->io.size * run->io.count);
        if (serial) data[0] = serial_in(port);
    } else if (port == serial_port) {
        if (write(1, data, run->io.size * run->io.count) < 0) die("standard output");
    } else if ((port == 0x604 && data[0] == 0x34) || port == 0xcf9) {
        exit(0);
    }
}

static void run(struct machine *machine) {
    struct kvm_run *run = machine->run;
    while (true) {
        if (ioctl(machine->vcpu, KVM_RUN, 0) < 0 && errno != EINTR) die("KVM_RUN");
        if (run->exit_reason == KVM_EXIT_IO) {
            port_exit(run);
        } else if (run->exit_reason == KVM_EXIT_MMIO) {
            if (!run->mmio.is_write) memset(run->mmio.data, 0xff, 8);
        } else {
            struct kvm_regs registers;
            control(machine->vcpu, KVM_GET_REGS, &registers, "KVM_GET_REGS");
            fprintf(stderr, "floor: exit %u suberror %u at 0x%llx bytes", run->exit_reason, run->internal.suberror,
                    registers.rip);
            for (int i = 0; i < 8; i++) fprintf(stderr, " %02x", machine->memory[(registers.rip + i) % memory_size]);
            fprintf(stderr, "\n");
            exit(run->exit_reason == KVM_EXIT_SHUTDOWN ? 2 : 3);
        }
    }
}

int main(int count, char **words) {
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (count < 2) {
        fprintf(stderr, "usage: floor KERNEL [COMMANDS]\n");
        return 64;
    }
    struct machine machine = {0};
    create(&machine);
    double created = microseconds();
    load_kernel(&machine, words[1]);
    hand_over(&machine, count > 2 ? words[2] : "");
    double loaded = microseconds();
    create_processor(&machine);
    double processor = microseconds();
    if (count > 2) run(&machine);
    control(machine.vcpu, KVM_RUN, 0, "KVM_RUN");
    double first = microseconds();
    if (machine.run->exit_reason != KVM_EXIT_IO || machine.run->io.port != mark_port) die("no mark from the guest");
    printf("floor: vm=%.0f kernel=%.0f vcpu=%.0f first-instruction=%.0f microseconds since main\n", created, loaded, processor, first);
    fflush(stdout);
    _exit(0);
}
