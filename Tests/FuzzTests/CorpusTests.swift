import Foundation
import FuzzSupport
import SeededRandom
import Testing

/// One file of a corpus.
struct CorpusInput: Sendable, CustomTestStringConvertible {
    let target: FuzzTarget
    let name: String

    var testDescription: String { "\(target.rawValue)/\(name)" }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fuzz/corpus")

    static let all = FuzzTarget.allCases.flatMap { target in
        let folder = folder.appending(path: target.rawValue).path
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map {
            CorpusInput(target: target, name: $0)
        }
    }

    func bytes() throws -> [UInt8] {
        Array(try Data(contentsOf: Self.folder.appending(path: target.rawValue).appending(path: name)))
    }
}

/// The fuzzers' corpora, and mutations of them that are the same in every run.
@Suite struct CorpusTests {
    @Test(arguments: FuzzTarget.allCases) func thereIsACorpus(_ target: FuzzTarget) {
        #expect(CorpusInput.all.count { $0.target == target } >= 2)
    }

    @Test(arguments: CorpusInput.all) func keepsItsPromises(_ input: CorpusInput) throws {
        #expect(try input.target.run(input.bytes()) == nil)
    }

    @Test(arguments: CorpusInput.all) func mutationsKeepThemToo(_ input: CorpusInput) throws {
        let bytes = try input.bytes()
        for seed in Seeds.usually(1...1) {
            var random = SeededGenerator(seed: seed &+ UInt64(bytes.count))
            for _ in 0..<300 {
                let mutant = Self.mutate(bytes, &random)
                let problem = try input.target.run(mutant)
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
