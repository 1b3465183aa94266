import Foundation
import Glibc
import Host
import Testing
import TestSupport

/// The verb from outside: files, sockets, signals, and a client with a driver.
@Suite struct ServeTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    // MARK: The device

    @Test func aClientAsCloudHypervisorIs() throws {
        let serve = try ServeProcess(in: folder)
        let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: serve.socket()))
        let client = driver.client
        #expect(try client.load(7, 0, 4) == 0x105b_1af4)
        #expect(try client.sizeOfBAR(0, isWide: false) == 4096)
        #expect(try client.sizeOfBAR(4, isWide: true) == 4 << 20)
        #expect(try client.load(7, 0x20, 1) & 0xf == 0b1100)
        let region = try client.region(4)
        #expect(region.byteCount == 4 << 20 && region.flags == 0xf)
        #expect(region.area?.offset == 0 && region.area?.byteCount == 3 << 20)
        // The file that came is the file.
        let file = try #require(region.file)
        let status = try file.with { descriptor in Result { try descriptor.status() } }.get()
        #expect(try status.isSameFile(as: FileStatus(path: serve.image())))
    }

    @Test func aFlushIsAnswered() throws {
        let serve = try ServeProcess(in: folder)
        let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: serve.socket()))
        try driver.placeStorage()
        try driver.start(features: 1 << 32 | 1)
        for _ in 0..<100 { #expect(try driver.flush() == 0) }
        #expect(try driver.status() == 0xf)
        // After a reset of the device the driver starts over.
        try driver.client.call(13)
        #expect(try driver.status() == 0)
    }

    /// The capability, the feature, and start and size: zero once the feature is accepted, the BAR's address before
    /// and for drivers that do not know it.
    @Test func theSharedMemoryRegion() throws {
        let serve = try ServeProcess(in: folder)
        let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: serve.socket()))
        #expect(try driver.offeredFeatures() & 1 == 1)
        // Type 8 in BAR 4, id 0, offset 0, 3 MiB, and the high halves of offset and length.
        let capability = [9, 24, 8, 4, 0, 0, 0] + VFIOUserClient.bytes([0, 3 << 20, 0, 0])
        #expect(try sharedMemoryCapability(driver.client) == capability)
        #expect(try driver.configuration() == [0, 0])
        try driver.placeStorage()
        #expect(try driver.configuration() == [VFIOUserDriver.storageAddress, 3 << 20])
        try driver.start(features: 1 << 32)
        #expect(try driver.configuration() == [VFIOUserDriver.storageAddress, 3 << 20])
        #expect(try driver.flush() == 0)
        try driver.client.call(13)
        try driver.placeStorage()
        try driver.start(features: 1 << 32 | 1)
        #expect(try driver.configuration() == [0, 0])
    }

    /// The bytes of the capability of type 8, without the pointer to the next one.
    private func sharedMemoryCapability(_ client: VFIOUserClient) throws -> [UInt8] {
        var offset = try client.load(7, 0x34, 1)
        while offset != 0 {
            if try client.load(7, offset, 1) == 9, try client.load(7, offset + 3, 1) == 8 {
                return try (0..<24).filter { $0 != 1 }.map { UInt8(try client.load(7, offset + UInt64($0), 1)) }
            }
            offset = try client.load(7, offset + 1, 1)
        }
        return []
    }

    @Test func severalDevicesAtOnce() throws {
        let serve = try ServeProcess(in: folder, sizes: ["2M", "4M", "6M"])
        let drivers = try (1...3).map { try VFIOUserDriver(VFIOUserClient(connectingTo: serve.socket($0))) }
        for driver in drivers {
            try driver.placeStorage()
            try driver.start(features: 1 << 32 | 1)
        }
        for driver in drivers { #expect(try driver.flush() == 0) }
        #expect(try drivers.map { try $0.client.region(4).byteCount } == [2 << 20, 4 << 20, 8 << 20])
    }

    /// The BAR is no smaller than what the file's address in this process is a multiple of, as in `run`.
    @Test func aSmallFileInALargerBAR() throws {
        let serve = try ServeProcess(in: folder, sizes: ["64K", "4M"], backend: "share=on,align=8M")
        let sizes = try (1...2).map { number in
            let client = try VFIOUserClient(connectingTo: serve.socket(number))
            try client.negotiate()
            let region = try client.region(4)
            return [region.byteCount, region.area?.byteCount ?? 0]
        }
        #expect(sizes == [[8 << 20, 64 << 10], [8 << 20, 4 << 20]])
    }

    /// A client that goes in the middle of something, and the next one: nothing is left of the first.
    @Test func clientsComeAndGo() throws {
        let serve = try ServeProcess(in: folder)
        let count = serve.child.descriptorCount
        for _ in 0..<20 {
            let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: serve.socket()))
            #expect(try driver.status() == 0)
            try driver.placeStorage()
            try driver.start(features: 1 << 32 | 1)
            _ = try driver.addFlush()
            try driver.ring()
        }
        try serve.child.wait(for: "no descriptor more than before") { serve.child.descriptorCount == count }
        #expect(serve.child.isRunning)
    }

    /// A second client waits until the first has gone.
    @Test func oneAtATime() throws {
        let serve = try ServeProcess(in: folder)
        var first: VFIOUserClient? = try VFIOUserClient(connectingTo: serve.socket())
        try first?.negotiate()
        let second = try VFIOUserClient(connectingTo: serve.socket())
        try second.send(1, [0, 0, 1, 0] + VFIOUserClient.version + [0])
        #expect(throws: SupportError.self) { try second.receiveRaw(16, seconds: 1) }
        first = nil
        #expect(try second.receive().command == 1)
    }

    @Test func readOnlyFilesStaySo() throws {
        try run(["truncate", "--size=2M", folder.file("pmem1.img")], in: folder)
        let serve = try ServeProcess(in: folder, sizes: ["2M"], backend: "readonly=on")
        let client = try VFIOUserClient(connectingTo: serve.socket())
        try client.negotiate()
        let region = try client.region(4)
        let file = try #require(region.file)
        #expect(region.flags == 0b1101)
        #expect(throws: SystemCallError.self) {
            try HostMapping(.file(file.rawValue, offset: 0, shared: true, reserve: true), byteCount: 4096)
        }
    }

    // MARK: The process

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func signalsEndItInOrder(_ signal: CInt) throws {
        let serve = try ServeProcess(in: folder, more: ["-pidfile", folder.file("pid")])
        #expect(text(of: folder.file("pid")) == "\(serve.child.identifier)\n")
        let client = try VFIOUserClient(connectingTo: serve.socket())
        try client.negotiate()
        serve.child.kill(signal)
        #expect(try serve.child.end() == .status(0))
        #expect(throws: VFIOUserClient.Failure.ended) { try client.call(13) }
        for file in ["pid", "nv1.sock"] {
            #expect(!FileManager.default.fileExists(atPath: folder.file(file)), "\(file)")
        }
    }

    @Test func theSocketIsItsOwners() throws {
        let serve = try ServeProcess(in: folder)
        let attributes = try FileManager.default.attributesOfItem(atPath: serve.socket())
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test func aSocketThatIsAlive() throws {
        let serve = try ServeProcess(in: folder)
        let arguments =
            [ServeProcess.executable, "serve", "-object", "memory-backend-memfd,id=m,size=2M"]
            + ["-device", "virtio-pmem-pci,memdev=m", "-socket", serve.socket()]
        let second = try Child(arguments, in: folder)
        #expect(try second.end() == .status(1))
        #expect(second.output.contains("another server listens there"), "\(second.output)")
        try VFIOUserClient(connectingTo: serve.socket()).negotiate()
    }

    @Test func aSocketThatIsLeftOver() throws {
        do {
            let serve = try ServeProcess(in: folder)
            serve.child.kill(SIGKILL)
            #expect(try serve.child.end() == .signal(SIGKILL))
        }
        #expect(FileManager.default.fileExists(atPath: folder.file("nv1.sock")))
        let serve = try ServeProcess(in: folder)
        try VFIOUserClient(connectingTo: serve.socket()).negotiate()
    }

    /// The file stays locked as long as a client can write to it, even without its server.
    @Test func theFileIsInUseWhileAClientHasIt() throws {
        let serve = try ServeProcess(in: folder)
        let client = try VFIOUserClient(connectingTo: serve.socket())
        try client.negotiate()
        let region = try client.region(4)
        serve.child.kill(SIGKILL)
        try serve.child.end()
        try withExtendedLifetime(region.file) {
            let second = try Child(ServeProcess.arguments(in: folder, sizes: ["3M"]), in: folder)
            #expect(try second.end() == .status(1))
        }
    }

    /// A client has the file by a description of its own: what it unlocks is its own lock, not the server's.
    @Test(arguments: ["share=on", "readonly=on"]) func aClientCannotDropTheLock(_ backend: String) throws {
        try run(["truncate", "--size=3M", folder.file("pmem1.img")], in: folder)
        let serve = try ServeProcess(in: folder, backend: backend)
        let client = try VFIOUserClient(connectingTo: serve.socket())
        try client.negotiate()
        let file = try #require(try client.region(4).file)
        try file.with { descriptor in Result { try descriptor.unlock() } }.get()
        let second = try Child(ServeProcess.arguments(in: folder, sizes: ["3M"]), in: folder)
        #expect(try second.end(seconds: 10) == .status(1))
        #expect(second.output.contains("in use"), "\(second.output)")
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let arguments: [String]
        let says: String
    }

    private static let memfd = ["-object", "memory-backend-memfd,id=m,size=2M"]
    private static let device = ["-device", "virtio-pmem-pci,memdev=m"]
    static let refused = [
        Refused(testDescription: "nothing", arguments: [], says: "no device"),
        Refused(testDescription: "no socket", arguments: memfd + device, says: "1 devices and 0 sockets"),
        Refused(
            testDescription: "two sockets", arguments: memfd + device + ["-socket", "/a", "-socket", "/b"],
            says: "1 devices and 2 sockets"),
        Refused(
            testDescription: "private",
            arguments: ["-object", "memory-backend-file,id=m,mem-path=/x,size=2M"] + device,
            says: "share=on"),
        Refused(
            testDescription: "power-cut test",
            arguments: ["-object", "memory-backend-file,id=m,share=on,mem-path=/x,size=2M,durability=power-cut-test"]
                + device,
            says: "durability=power-cut-test: not supported: the client maps the file"),
        Refused(
            testDescription: "ram", arguments: ["-object", "memory-backend-ram,id=m,size=2M"] + device,
            says: "memory-backend-memfd"),
        Refused(
            testDescription: "addr", arguments: memfd + ["-device", "virtio-pmem-pci,memdev=m,addr=5"], says: "addr"),
        Refused(
            testDescription: "memaddr", arguments: memfd + ["-device", "virtio-pmem-pci,memdev=m,memaddr=4G"],
            says: "memaddr"),
        Refused(testDescription: "an option of run", arguments: ["-m", "1G"], says: "serve has no machine"),
        Refused(testDescription: "no option", arguments: ["-sokket", "x"], says: "invalid option"),
        Refused(
            testDescription: "no such folder", arguments: memfd + device + ["-socket", "/no/such/folder/x"],
            says: "/no/such/folder/x"),
    ]

    @Test(arguments: refused) func whatIsRefused(_ row: Refused) throws {
        let child = try Child([ServeProcess.executable, "serve"] + row.arguments, in: folder)
        #expect(try child.end() == .status(1))
        #expect(child.output.contains(row.says), "\(child.output)")
    }

    @Test func help() throws {
        let text = try run([ServeProcess.executable, "serve", "-help"], in: folder)
        for option in ["-object", "-device", "-socket", "-pidfile", "LISTEN_FDS"] {
            #expect(text.contains(option), "\(option)")
        }
    }

    // MARK: Socket activation

    /// What a service manager does: the sockets are open as 3 and on, LISTEN_FDS and LISTEN_PID say so.
    @Test func socketsFromAServiceManager() throws {
        let listener = try ListeningSocket(on: folder.file("given.sock"))
        let script = "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\""
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments =
            ["-c", script, "sh"] + ServeProcess.arguments(in: folder, sizes: ["2M"], sockets: false)
        process.standardInput = FileHandle(fileDescriptor: listener.descriptor.rawValue, closeOnDealloc: false)
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: folder.file("given.sock")))
        try driver.placeStorage()
        try driver.start(features: 1 << 32 | 1)
        #expect(try driver.flush() == 0)
        kill(process.processIdentifier, SIGTERM)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        // It belongs to the service manager.
        #expect(FileManager.default.fileExists(atPath: folder.file("given.sock")))
    }

    @Test(
        arguments: [
            (["LISTEN_FDS": "1", "LISTEN_PID": "1"], "0 sockets"), (["LISTEN_FDS": "x"], "0 sockets"),
        ] as [([String: String], String)])
    func variablesOfSomebodyElse(_ variables: [String: String], _ says: String) throws {
        let child = try Child(
            ServeProcess.arguments(in: folder, sizes: ["2M"], sockets: false), in: folder, environment: variables)
        #expect(try child.end() == .status(1))
        #expect(child.output.contains(says), "\(child.output)")
    }

    /// A process that shares the socket shuts it down for all: the server says so and ends, since it can serve no more
    /// clients.
    @Test func aSocketThatTakesNoMoreClients() throws {
        let listener = try ListeningSocket(on: folder.file("given.sock"))
        let output = folder.file("output")
        let script = "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\" 2>\(output)"
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments =
            ["-c", script, "sh"] + ServeProcess.arguments(in: folder, sizes: ["2M"], sockets: false)
        process.standardInput = FileHandle(fileDescriptor: listener.descriptor.rawValue, closeOnDealloc: false)
        try process.run()
        defer {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        try wait(for: "the start") { text(of: output).contains("serving") }
        listener.descriptor.with { UnixSocket.shutDown($0) }
        try wait(for: "the end") { !process.isRunning }
        #expect(process.terminationStatus == 1)
        #expect(text(of: output).contains("nv1: its socket takes no more clients"), "\(text(of: output))")
    }

    // MARK: The end

    /// A client that makes its interrupt's eventfd a blocking one, and fills it, stops its device's thread. A second
    /// signal gives that session up, and the files of all devices are synchronized all the same.
    @Test func aSecondSignalGivesUpTheStuckSessionOnly() throws {
        let serve = try ServeProcess(in: folder, sizes: ["2M", "4M"])
        let stuck = try StuckClient(serve.socket(1))
        let other = try VFIOUserClient(connectingTo: serve.socket(2))
        try other.negotiate()
        serve.child.kill(SIGTERM)
        usleep(300_000)
        #expect(serve.child.isRunning)
        serve.child.kill(SIGTERM)
        #expect(try withExtendedLifetime(stuck) { try serve.child.end(seconds: 20) } == .status(1))
        #expect(serve.child.output.contains("nv1: its session had not ended at the second signal"))
        #expect(!serve.child.output.contains("nv2: its session"), "\(serve.child.output)")
        #expect(!serve.child.output.contains("may not be synchronized"))
    }

    /// Sessions that begin and end all the time get no more syncs than the limit allows.
    @Test func theLimitHoldsForSessionsThatEnd() throws {
        let serve = try ServeProcess(in: folder, device: ",x-needletail-flush-rate=5")
        let start = MonotonicTime.nanoseconds
        for _ in 0..<20 {
            let client = try VFIOUserClient(connectingTo: serve.socket())
            try client.negotiate()
        }
        // Five at once, and then five in each second: the twentieth client had to wait for 14 syncs of those before it.
        #expect(MonotonicTime.nanoseconds - start > 2_000_000_000)
        // The end does not wait for the limit.
        serve.child.kill(SIGTERM)
        #expect(try serve.child.end(seconds: 5) == .status(0))
    }
}
