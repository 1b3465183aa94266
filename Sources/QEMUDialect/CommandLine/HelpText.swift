/// The version that `-version` shows.
public let needletailVersion = "0.1.0"

let versionText = "Needletail version \(needletailVersion)\n"

/// `-help`: every option, in QEMU's layout.
let helpText = """
    \(versionText)usage: needletail [run] [options]
           needletail serve [options]       the device for QEMU and others ('needletail serve -help')

    Boots Linux on KVM with persistent memory on ordinary files (virtio-pmem). The options are QEMU's; each may begin
    with one dash or two. SIZE is a number with a suffix K, M, G, T, P or E.

    Persistent memory, any number of pairs:
    -object memory-backend-file,id=ID,mem-path=FILE,size=SIZE[,share=on][,prop=value][,...]
                    the file on the host that holds the data; share=on: the guest's stores reach it
                    ('-object help' lists the types, '-object TYPE,help' the properties)
    -device virtio-pmem-pci,memdev=ID[,id=ID][,addr=SLOT][,memaddr=ADDRESS][,prop=value][,...]
                    the device that shows it to the guest
                    ('-device help' lists the models, '-device MODEL,help' the properties)

    Random numbers, any number of times:
    -object rng-random,id=ID[,filename=FILE] or rng-builtin,id=ID
                    where they come from: a file or device of the host (default: /dev/urandom), or its kernel
    -device virtio-rng-pci[,rng=ID][,max-bytes=N,period=MS][,id=ID][,addr=SLOT][,prop=value][,...]
                    the device that gives them to the guest, N bytes in MS milliseconds at most

    Machine:
    -m [size=]SIZE[,slots=N,maxmem=SIZE]
                    guest RAM, in MiB without a suffix (default: 128); slots and maxmem are checked and without effect
    -smp [cpus=]N[,sockets=N][,dies=N][,cores=N][,threads=N][,maxcpus=N]
                    number and topology of CPUs (default: 1); maxcpus must equal the number of CPUs
    -cpu host|max   CPU model: the host's ('-cpu help' for list)
    -machine [type=]needletail[,accel=kvm], -M
                    machine type ('-machine help' for list)
    -accel kvm      accelerator ('-accel help' for list)
    -enable-kvm     the same
    -name [guest=]NAME
                    name of the guest

    Boot:
    -kernel FILE    Linux bzImage, or ELF file with a PVH note (required)
    -initrd FILE    initial ramdisk
    -append TEXT    kernel command line

    Console:
    -nographic      serial port and monitor share standard input and output: Ctrl-A c switches, Ctrl-A x ends.
                    Without this option the serial port has them alone, unless '-display none' is given
    -serial TARGET  serial port to stdio, mon:stdio (shared with the monitor), null, none, file:FILE,
                    or unix:PATH[,server=on][,wait=off]

    Monitors, each any number of times:
    -monitor TARGET commands for people, as in '(qemu) device_add virtio-pmem-pci,memdev=mem1'; to stdio, none,
                    unix:PATH[,server=on][,wait=off] or tcp:HOST:PORT[,server=on][,wait=off]
    -qmp TARGET     commands for programs, as JSON (QEMU Machine Protocol); the same targets

    Running:
    -S              do not start the CPUs
    -no-reboot      exit instead of rebooting
    -pidfile FILE   write the process id to FILE
    -x-needletail-log-level LEVEL
                    trace, debug, info, notice, warning, error or critical

    Accepted, and without effect: -nodefaults, -no-user-config, -display none, -vga none, -parallel none, -net none,
    -nic none

    -h or -help     show this text
    -version        show the version

    """
