import Glibc
import Host
import Testing
import TestSupport
import Virtio
@testable import VirtioRNG

/// Sources that have nothing, for now or for good: requests wait, and the device can always be reset.
@Suite struct SourceTests {
    /// A FIFO with its writing end.
    private final class Pipe {
        let path: String
        private var end: OwnedDescriptor?

        init() throws {
            path = "/tmp/needletail-entropy-\(UInt64.random(in: 0 ... .max))"
            let path = path
            try #require(unsafe mkfifo(path, 0o600) == 0)
            try openEnd()
        }

        func openEnd() throws { end = try OwnedDescriptor(opening: path, access: .readWrite) }

        func closeEnd() { end = nil }

        func write(_ bytes: [UInt8]) { #expect(end?.writeOnce(bytes[...]) == .written(bytes.count)) }

        deinit { try? unlinkFile(path) }
    }

    @Test(arguments: RingLayout.allCases) func aRequestWaitsForTheSource(_ layout: RingLayout) throws {
        let pipe = try Pipe()
        let harness = try Harness(EntropyFile(path: pipe.path), layout: layout)
        try harness.send([[.writable(harness.address(0), 8)], [.writable(harness.address(1), 8)]])
        pipe.write([1, 2, 3])
        #expect(try harness.receive() == 3)
        #expect(try harness.bytes(0, count: 4) == [1, 2, 3, 0])
        // What comes now is the second buffer's; a third request joins it.
        try harness.send([[.writable(harness.address(2), 8)]])
        pipe.write([UInt8](4...13))
        #expect(try [harness.receive(), harness.receive()] == [8, 2])
        #expect(try harness.bytes(1, count: 8) == [UInt8](4...11))
        #expect(harness.events == [])
    }

    @Test func aResetDoesNotWaitForTheSource() throws {
        let pipe = try Pipe()
        let source = WatchedSource(try EntropyFile(path: pipe.path))
        let harness = try Harness(source)
        try harness.send([[.writable(harness.address(0), 8)]])
        try wait(for: "the source to be read") { source.readCount == 1 }
        try harness.reset()
        pipe.write([1, 2, 3])
        #expect(try harness.queue.takeUsed() == nil)
        try harness.restart()
        try harness.send([[.writable(harness.address(1), 8)]])
        #expect(try harness.receive() == 3)
        #expect(try harness.bytes(0, count: 1) == [0], "the buffer of the time before the reset is the driver's again")
    }

    @Test func anEndIsToldOnceAndNeedNotBeTheEnd() throws {
        let pipe = try Pipe()
        let source = try EntropyFile(path: pipe.path)
        pipe.closeEnd()
        let harness = try Harness(source)
        try harness.send([[.writable(harness.address(0), 8)]])
        try wait(for: "the event") { !harness.events.isEmpty }
        try pipe.openEnd()
        pipe.write([9])
        #expect(try harness.receive() == 1)
        #expect(harness.events == [.sourceEnded])
    }

    @Test func aSourceThatFailsIsToldOnce() throws {
        let source = WatchedSource(try EntropyFile(path: "/tmp"))
        let harness = try Harness(source)
        try harness.send([[.writable(harness.address(0), 8)]])
        try wait(for: "three attempts") { source.readCount == 3 }
        try harness.reset()
        #expect(harness.events == [.sourceFailed(SystemCallError(call: "read", errno: .isDirectory))])
        #expect(try harness.queue.takeUsed() == nil)
    }

    @Test func aMissingSource() {
        #expect(throws: SystemCallError.self) { try EntropyFile(path: "/nowhere/entropy") }
    }
}
