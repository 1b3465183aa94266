import Glibc
import Host
import Synchronization
import Testing
import TestSupport
@testable import VFIOUser

/// The socket side: framing, patience, ends.
@Suite struct ConnectionTests {
    /// A connection that is served on a thread.
    final class Served {
        let client: VFIOUserClient
        let device: FakeDevice
        let stop: EventFD
        private let result = End()

        private final class End: Sendable { let value = Mutex<SessionEnd?>(nil) }

        init(patience: UInt64 = 10_000) throws {
            let pair = try UnixSocket.makePair()
            client = VFIOUserClient(try pair.first.duplicate())
            device = try FakeDevice()
            stop = try EventFD()
            let server = SharedDescriptor(try pair.second.duplicate())
            let (served, stop, result) = (device.served, stop, result)
            _ = try HostThread(name: "session") {
                guard let socket = try? server.duplicate() else { return }
                let end = ClientConnection(socket, served, stop: stop, patience: patience).run()
                server.with { UnixSocket.shutDown($0) }
                result.value.withLock { $0 = end }
            }
        }

        func waitForEnd() throws -> SessionEnd {
            let result = result
            try wait(for: "the session's end") { result.value.withLock { $0 != nil } }
            return try #require(result.value.withLock { $0 })
        }
    }

    @Test func aWholeConversation() throws {
        let served = try Served()
        let client = served.client
        #expect(try client.negotiate().contains("max_msg_fds"))
        #expect(try client.call(4, VFIOUserClient.bytes([16, 0, 0, 0])).number(8) == 9)
        let region = try client.region(4)
        #expect(region.byteCount == 4 << 20 && region.area?.byteCount == UInt64(FakeDevice.storageByteCount))
        let file = try #require(region.file)
        let mapping = try HostMapping(
            .file(file.rawValue, offset: region.fileOffset, shared: true, reserve: true),
            byteCount: FakeDevice.storageByteCount)
        #expect(mapping.byteCount == FakeDevice.storageByteCount)
        #expect(try client.sizeOfBAR(4, isWide: true) == 4 << 20)
        #expect(try client.sizeOfBAR(2, isWide: false) == 4096)
        #expect(throws: VFIOUserClient.Failure.refused(UInt32(ENOTSUP))) { try client.call(16) }
        #expect(throws: VFIOUserClient.Failure.refused(UInt32(EINVAL))) { try client.call(4) }
        try client.call(13)
        #expect(served.device.resetCount == 1)
    }

    @Test func messagesMayComeInPieces() throws {
        let served = try Served()
        let client = served.client
        try client.negotiate()
        let message = VFIOUserClient.header(4, byteCount: 32, identifier: 9) + VFIOUserClient.bytes([16, 0, 0, 0])
        for byte in message {
            try client.sendRaw([byte])
            usleep(500)
        }
        #expect(try client.receive().identifier == 9)
        // And many in one piece.
        try client.sendRaw(message + message + message)
        for _ in 0..<3 { #expect(try client.receive().payload.count == 16) }
    }

    /// A doorbell that a kernel rings.
    @Test func doorbellsByEventFD() throws {
        let served = try Served()
        let client = served.client
        try client.negotiate()
        #expect(
            try client.call(6, VFIOUserClient.bytes([16, 0, 0, 0])).payload == VFIOUserClient.bytes([16, 0, 0, 0]))
        let short = try client.call(6, VFIOUserClient.bytes([16, 0, 2, 0]))
        #expect(short.payload == VFIOUserClient.bytes([56, 0, 2, 1]) && short.descriptorCount == 0)
        let reply = try client.call(6, VFIOUserClient.bytes([56, 0, 2, 0]))
        #expect(reply.payload.count == 56 && reply.number(16, 8) == 8 && reply.descriptorCount == 1)
        let bell = try EventFD(taking: client.descriptors[0].duplicate())
        bell.signal()
        try wait(for: "the store") { served.device.registers.stores.map(\.offset) == [8] }
    }

    // MARK: Ends

    @Test func theClientLeaves() throws {
        let served = try Served()
        try served.client.negotiate()
        try served.client.sendRaw(VFIOUserClient.header(4, byteCount: 32))
        let end = try withExtendedLifetime(served.client) { try served.client.close(served) }
        #expect(end == .clientLeft)
    }

    @Test func theServerStops() throws {
        let served = try Served()
        try served.client.negotiate()
        served.stop.signal()
        #expect(try served.waitForEnd() == .stopped)
        #expect(served.device.resetCount == 1)
        #expect(throws: VFIOUserClient.Failure.ended) { try served.client.call(13) }
    }

    @Test func theServerStopsInTheMiddleOfAMessage() throws {
        let served = try Served()
        try served.client.negotiate()
        try served.client.sendRaw([1, 2, 3])
        usleep(20_000)
        served.stop.signal()
        #expect(try served.waitForEnd() == .stopped)
    }

    @Test func half() throws {
        let served = try Served(patience: 100)
        try served.client.negotiate()
        try served.client.sendRaw(VFIOUserClient.header(4, byteCount: 32))
        guard case .misbehaved = try served.waitForEnd() else {
            Issue.record("the session waits")
            return
        }
    }

    /// A client that asks and asks and never reads.
    @Test func aClientThatStopsReading() throws {
        let served = try Served(patience: 100)
        try served.client.negotiate()
        let ask =
            VFIOUserClient.header(9, byteCount: 32) + VFIOUserClient.bytes([], [0])
            + VFIOUserClient.bytes([4, 1 << 20])
        for _ in 0..<8 where (try? served.client.sendRaw(ask, seconds: 1)) == nil { break }
        guard case .misbehaved = try served.waitForEnd() else {
            Issue.record("the session waits")
            return
        }
    }

    @Test(arguments: [0, 1, 15, 16 + 16 + 1 << 20 + 1, 0x7fff_ffff, 0xffff_ffff]) func sizesOfMessages(_ byteCount: Int)
        throws
    {
        let served = try Served()
        try served.client.negotiate()
        try served.client.sendRaw(VFIOUserClient.header(10, byteCount: byteCount))
        guard case .misbehaved = try served.waitForEnd() else {
            Issue.record("the session goes on")
            return
        }
    }

    @Test(arguments: [9, 16]) func tooManyDescriptors(_ count: Int) throws {
        let served = try Served()
        try served.client.negotiate()
        let file = try MemoryFile(byteCount: 4096).descriptor
        let message = VFIOUserClient.header(8, byteCount: 36) + VFIOUserClient.bytes([20, 0x24, 2, 0, 1])
        try served.client.sendRaw(message, descriptors: [CInt](repeating: file.rawValue, count: count))
        guard case .misbehaved = try served.waitForEnd() else {
            Issue.record("the session goes on")
            return
        }
    }
}

extension VFIOUserClient {
    /// Shuts the connection down.
    fileprivate func close(_ served: ConnectionTests.Served) throws -> SessionEnd {
        shutDown()
        return try served.waitForEnd()
    }
}
