import Foundation
import Testing

@testable import Host

@Suite struct FileWatchTests {
    @Test("a change of the size is noticed under any name, and taken once")
    func shrinking() throws {
        let path = "/var/tmp/needletail-watch-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try OwnedDescriptor(opening: path, access: .createNew, mode: 0o644)
        try file.resize(to: 8192)
        let watch = try FileWatch()
        try watch.add(file)
        #expect(!watch.takeChanges())
        try FileManager.default.moveItem(atPath: path, toPath: path + ".moved")
        defer { try? FileManager.default.removeItem(atPath: path + ".moved") }
        #expect(!watch.takeChanges())
        try OwnedDescriptor(opening: path + ".moved", access: .readWrite).resize(to: 4096)
        #expect(try Poll.wait([watch.interest], timeout: 0) == [true])
        #expect(watch.takeChanges())
        #expect(!watch.takeChanges())
    }
}
