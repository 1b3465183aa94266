import Foundation
import Glibc
import TestSupport
import Testing

/// `serve` with an entropy device: no storage, and a client that drives it.
@Suite struct RandomServeTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func serve(_ options: [String]) throws -> Child {
        let child = try Child(
            [ServeProcess.executable, "serve", "-x-needletail-log-level", "debug"] + options
                + ["-socket", folder.file("rng.sock")], in: folder)
        try child.wait(for: "the start") { child.output.contains("serving") || !child.isRunning }
        return child
    }

    @Test func bytesOfTheFile() throws {
        let bytes = (0..<4096).map { UInt8($0 % 251 + 1) }
        try Data(bytes).write(to: URL(filePath: folder.file("source")))
        let child = try serve([
            "-object", "rng-random,id=r,filename=\(folder.file("source"))", "-device", "virtio-rng-pci,rng=r,id=rng0",
        ])
        // The second client goes on where the first stopped: the source outlives both.
        for start in [0, 64] {
            let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: folder.file("rng.sock")), queueSize: 8)
            #expect(try driver.client.load(7, 0, 4) == 0x1044_1af4)
            #expect(try driver.client.region(4).byteCount == 0, "no storage")
            try driver.enable()
            try driver.start(features: 1 << 32)
            #expect(try driver.status() == 0xf)
            let buffer = try driver.addBuffer(byteCount: 64)
            try driver.ring()
            try driver.waitForUsed()
            #expect(try driver.ram.map.bytes(at: buffer, count: 64) == Array(bytes[start..<start + 64]))
            driver.client.shutDown()
        }
        child.kill(SIGTERM)
        #expect(try child.end() == .status(0), "\(child.output)")
    }

    @Test func besideAPersistentMemory() throws {
        let child = try serve(
            ServeProcess.arguments(in: folder, sizes: ["2M"]).dropFirst(4) + ["-device", "virtio-rng-pci,id=rng0"])
        let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: folder.file("nv1.sock")))
        try driver.placeStorage()
        try driver.start(features: 1 << 32 | 1)
        #expect(try driver.flush() == 0)
        let random = try VFIOUserDriver(VFIOUserClient(connectingTo: folder.file("rng.sock")), queueSize: 8)
        try random.enable()
        try random.start(features: 1 << 32)
        let buffer = try random.addBuffer(byteCount: 64)
        try random.ring()
        try random.waitForUsed()
        #expect(try random.ram.map.bytes(at: buffer, count: 64).contains { $0 != 0 })
        child.kill(SIGTERM)
        #expect(try child.end() == .status(0), "\(child.output)")
    }

    /// A buffer outside of the client's memory: the device asks for a reset or hands it back, and serves the next
    /// client.
    @Test func aBufferNowhere() throws {
        let child = try serve(["-device", "virtio-rng-pci,id=rng0"])
        do {
            let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: folder.file("rng.sock")), queueSize: 8)
            try driver.enable()
            try driver.start(features: 1 << 32)
            _ = try driver.addBuffer(byteCount: 64)
            try driver.client.unmapMemory(
                address: driver.ram.range.start.rawValue, byteCount: driver.ram.range.byteCount)
            try driver.ring()
            try wait(for: "the device to give up") { try driver.status() & 0x40 != 0 }
            driver.client.shutDown()
        }
        let driver = try VFIOUserDriver(VFIOUserClient(connectingTo: folder.file("rng.sock")), queueSize: 8)
        try driver.enable()
        try driver.start(features: 1 << 32)
        #expect(try driver.status() == 0xf)
        child.kill(SIGTERM)
        #expect(try child.end() == .status(0), "\(child.output)")
    }
}
