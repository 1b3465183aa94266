import CLinux
import Foundation
import SystemPackage
import Testing

@testable import Host

/// Files and sockets that this process takes over, or leaves alone.
@Suite struct ClaimedFileTests {
    private final class Folder: Sendable {
        let path = "/var/tmp/needletail-claim-\(UUID().uuidString.prefix(8))"
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private let folder: Folder
    private var path: String { folder.path + "/x" }

    init() throws { folder = try Folder() }

    private func content() -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    @Test("a file to rewrite is emptied, but not one that is locked")
    func rewriting() throws {
        _ = FileManager.default.createFile(atPath: path, contents: Data("old".utf8))
        do {
            let user = try OwnedDescriptor(opening: path, access: .read)
            #expect(try user.lock(.shared))
            #expect(throws: SystemCallError(call: "lock", subject: path, errno: .resourceBusy)) {
                _ = try OwnedDescriptor(rewriting: path)
            }
        }
        #expect(content() == "old")
        let file = try OwnedDescriptor(rewriting: path)
        #expect(content().isEmpty && file.writeOnce([65]) == .written(1) && content() == "A")
    }

    @Test("a FIFO without a reader is not waited for", .timeLimit(.minutes(1)))
    func fifoWithoutReader() throws {
        #expect(unsafe mkfifo(path, 0o600) == 0)
        #expect(throws: SystemCallError(call: "open", subject: path, errno: .noSuchAddressOrDevice)) {
            _ = try OwnedDescriptor(rewriting: path)
        }
        let reader = try OwnedDescriptor(opening: path, access: .read)
        let writer = try OwnedDescriptor(rewriting: path)
        #expect(writer.writeOnce([65]) == .written(1) && reader.readAvailable(capacity: 9) == .bytes([65]))
    }

    @Test("a socket whose queue is full is alive, and does not block", .timeLimit(.minutes(1)))
    func fullQueue() throws {
        let listener = try ListeningSocket(on: path)
        var clients: [SharedDescriptor] = []
        do throws(SystemCallError) {
            for _ in 0..<10 { clients.append(SharedDescriptor(try UnixSocket.connect(to: path))) }
            Issue.record("the queue has no end")
        } catch { #expect(error.errno == .resourceTemporarilyUnavailable) }
        #expect(throws: SystemCallError(call: "bind", subject: path, errno: .addressInUse)) {
            try ListeningSocket(on: path)
        }
        #expect(withExtendedLifetime((listener, clients)) { FileManager.default.fileExists(atPath: path) })
    }

    @Test("a socket's name goes with it, unless it is another's by then")
    func names() throws {
        do { _ = try ListeningSocket(on: path) }
        #expect(!FileManager.default.fileExists(atPath: path))
        do {
            let listener = try ListeningSocket(on: path)
            try unlinkFile(path)
            _ = FileManager.default.createFile(atPath: path, contents: Data("another's".utf8))
            listener.removeName()
        }
        #expect(content() == "another's")
        #expect(throws: SystemCallError(call: "bind", subject: path, errno: .addressInUse)) {
            try ListeningSocket(on: path)
        }
        #expect(content() == "another's")
    }
}
