/// `serve -help`.
let serveHelpText = """
    \(versionText)usage: needletail serve [options]

    Offers persistent memory on ordinary files (virtio-pmem) and random numbers (virtio-rng) to machines of other monitors,
    such as QEMU (10.1 or newer) and Cloud Hypervisor, over the vfio-user protocol. Each device has a socket of its own.

    -object memory-backend-file,id=ID,mem-path=FILE,size=SIZE,share=on[,prop=value][,...]
                    the file on the host that holds the data; the client maps it, so share=on or readonly=on is needed
                    ('-object help' lists the types, '-object TYPE,help' the properties)
    -device virtio-pmem-pci,memdev=ID[,id=ID][,prop=value][,...]
                    the device that shows it to the guest
                    ('-device MODEL,help' lists the properties; addr and memaddr are the client's affair)
    -object rng-random,id=ID[,filename=FILE] or rng-builtin,id=ID
    -device virtio-rng-pci[,rng=ID][,max-bytes=N,period=MS][,id=ID][,prop=value][,...]
                    random numbers of the host
    -socket PATH    where the client connects; the first belongs to the first -device, the second to the second, and so
                    on. Made with mode 0600. A service manager may give the sockets instead (LISTEN_FDS)
    -pidfile FILE   write the process id to FILE
    -x-needletail-log-level LEVEL
                    trace, debug, info, notice, warning, error or critical

    -h or -help     show this text
    -version        show the version

    The client, with QEMU:
    qemu-system-x86_64 -object memory-backend-memfd,id=ram,size=2G,share=on -machine q35,memory-backend=ram ...
      -device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"PATH"}}'

    SIGTERM ends the server: sessions end, every file is synchronized, the exit status is 0.

    """
