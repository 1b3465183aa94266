import Foundation
import Host
import Testing

@Suite("Memory that only the start needed")
struct StartUpMemoryTests {
    /// Pages of files that this process has mapped in, as the kernel counts them.
    private func mappedFilePages() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(fields[2]))
    }

    /// The code goes and comes back: this test runs on.
    @Test func isGivenBack() throws {
        let before = try mappedFilePages()
        StartUpMemory.release()
        #expect(try mappedFilePages() < before)
    }
}
