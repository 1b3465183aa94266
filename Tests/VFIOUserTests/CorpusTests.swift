import Foundation
import FuzzSupport
import Testing
import SeededRandom
import TestSupport

/// The fuzzer's corpus, and mutations of it that are the same in every run.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fuzz/corpus")

    static let inputs = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()

    private static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }

    @Test func thereIsACorpus() { #expect(Self.inputs.count >= 12) }

    @Test(arguments: inputs) func keepsItsPromises(_ name: String) throws {
        #expect(try SessionInput(Self.bytes(name)).run() == nil)
    }

    @Test(arguments: inputs) func mutationsKeepThemToo(_ name: String) throws {
        let input = try Self.bytes(name)
        for seed in Seeds.usually(1...1) {
            var random = SeededGenerator(seed: seed &+ UInt64(input.count))
            for _ in 0..<300 {
                let mutant = Self.mutate(input, &random)
                let problem = try SessionInput(mutant).run()
                #expect(problem == nil, "\(mutant)")
            }
        }
    }

    private static let interesting: [UInt8] = [0, 1, 2, 3, 4, 7, 8, 16, 0x20, 0x7f, 0x80, 0xf0, 0xff]

    /// A few bytes changed, or a piece doubled or left out.
    private static func mutate(_ input: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var result = input
        for _ in 0..<Int.random(in: 1...4, using: &random) where !result.isEmpty {
            let place = Int.random(in: 0..<result.count, using: &random)
            let end = min(result.count, place + Int.random(in: 1...24, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: result[place] = .random(in: 0 ... .max, using: &random)
            case 1: result[place] = interesting.randomElement(using: &random) ?? 0
            case 2: result.insert(contentsOf: result[place..<end], at: place)
            case 3: result.removeSubrange(place..<end)
            default: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
        }
        return result
    }
}
