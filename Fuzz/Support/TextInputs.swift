import QEMUDialect
import QMPDialect

/// Bytes as a QMP client sends them.
func runQMPInput(_ bytes: [UInt8]) -> String? {
    var framing = JSONFraming()
    for piece in framing.append(bytes) {
        guard case .text(let text) = piece, let value = try? decodeJSON(text) else { continue }
        let written = value.text
        guard let again = try? decodeJSON(Array(written.utf8)) else { return "written JSON cannot be read: \(written)" }
        guard again.text == written else { return "written JSON reads as something else: \(written)" }
        do throws(QMPRefusal) {
            let request = try QMPRequest(value)
            do throws(QMPError) { _ = try request.command() } catch { throw QMPRefusal(error, id: request.id) }
        } catch {
            let answer = QMPAnswer.failure(error.error, id: error.id)
            guard (try? decodeJSON(Array(answer.utf8))) != nil else { return "an answer that is not JSON: \(answer)" }
        }
    }
    return nil
}

/// Lines as a person types them at the human monitor, and the Tab key after each.
func runHMPInput(_ bytes: [UInt8]) -> String? {
    let names = CompletionNames(objects: ["mem1", "mem2"], devices: ["nv1"])
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init) {
        do throws(HMPError) {
            _ = try parseHMPCommand(line)
        } catch {
            guard error.text.hasSuffix("\n") else { return "an error without an end of line: \(error.text)" }
        }
        let completion = completeHMP(line, names: names)
        for candidate in completion.candidates where candidate.isEmpty { return "an empty candidate for: \(line)" }
    }
    return nil
}

/// A command line, its words separated by NUL; a first word `serve` makes it one of that verb.
func runOptionsInput(_ bytes: [UInt8]) -> String? {
    var words = bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    do throws(CommandLineError) {
        if words.first == "serve" {
            words.removeFirst()
            _ = try parseServeCommandLine(words)
        } else {
            _ = try parseCommandLine(words)
        }
    } catch {
        if error.text().isEmpty { return "an error without a text" }
    }
    return nil
}
