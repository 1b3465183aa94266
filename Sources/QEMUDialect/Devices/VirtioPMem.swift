import Options

let virtioPMemModel = DeviceModel(
    VirtioPMemOptions(memoryBackend: ""), withoutTransport: "virtio-pmem", category: "Misc",
    "Persistent memory on an ordinary file",
    rows: [
        .integer("memaddr", "Guest-physical address; 0: the machine chooses") { $1(&$0.memoryAddress) },
        .text("memdev", type: "link<memory-backend>", "The memory-backend object (required)") {
            $1(&$0.memoryBackend)
        },
        .boolean(
            "x-shmem",
            "The memory is a PCI BAR, as virtio's shared memory region; Linux before 6.8 finds it, too"
        ) { $1(&$0.offersSharedMemoryRegion) },
        .integer(
            "x-needletail-queue-size", "Largest queue, 2 to 1024 descriptors",
            check: { (size: UInt16, owner) in
                (2...1024).contains(size) && size & (size - 1) == 0
                    ? nil
                    : .deviceRefusesValue(
                        device: owner, property: "x-needletail-queue-size", value: "\(size)",
                        expected: "x-needletail-queue-size is a power of two from 2 to 1024")
            }
        ) { $1(&$0.queueSize) },
        .integer("x-needletail-flush-rate", "Syncs per second; 0: no limit") { $1(&$0.flushLimit.rate) },
        .integer("x-needletail-flush-burst", "Syncs at once after a pause; 0: as many as the rate") {
            $1(&$0.flushLimit.givenBurst)
        },
    ],
    check: { (options) throws(DialectError) in
        if options.offersSharedMemoryRegion, options.memoryAddress != 0 {
            throw .unsupportedValue(
                parameter: "x-shmem", value: "on", reason: "the guest chooses the address of a BAR; leave memaddr out")
        }
        guard !options.memoryBackend.isEmpty else {
            throw .propertyNotSet("memdev", advice: "Add memdev=ID, where ID is the id of a memory-backend object.")
        }
    },
    checkObjects: { (options, objects) throws(DialectError) in
        for case let backend as FileBackendOptions in objects
        where backend.isPowerCutTest && options.offersSharedMemoryRegion {
            throw .unsupportedValue(
                parameter: "x-shmem", value: "on",
                reason:
                    "with durability=power-cut-test the memory has to stay where it is, or stores could be overlooked")
        }
    })
