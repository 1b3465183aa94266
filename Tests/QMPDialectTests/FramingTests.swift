import Testing

@testable import QMPDialect

private func pieces(_ text: String) -> [String] { pieces(Array(text.utf8)) }

private func pieces(_ bytes: [UInt8]) -> [String] {
    var framing = JSONFraming()
    return framing.append(bytes).map(describe)
}

private func describe(_ piece: JSONFraming.Piece) -> String {
    switch piece {
    case .text(let text): String(decoding: text, as: UTF8.self)
    case .malformed(let error): "! \(error.description)"
    }
}

@Test(arguments: [
    ("", []), ("{}", ["{}"]), ("{}{}", ["{}", "{}"]), (" \t{\r\n}\n", ["{\r\n}"]), ("[{}]", ["[{}]"]),
    (#"{"a":"}"}"#, [#"{"a":"}"}"#]), (#"{"a":"\"}"}"#, [#"{"a":"\"}"}"#]), (#"{"a":"\\"}{}"#, [#"{"a":"\\"}"#, "{}"]),
    ("{\"a", []), ("{\"a\n{}", ["! JSON parse error, a string does not end", "{}"]),
    ("}{}\n{}", ["! JSON parse error, expecting value", "{}"]), ("]\n", ["! JSON parse error, expecting value"]),
    ("1\n{}", ["! QMP input must be a JSON object", "{}"]), ("\"a\"\n", ["! QMP input must be a JSON object"]),
    ("nul\n{}", ["! JSON parse error, stray 'n'", "{}"]), ("'a'\n", ["! JSON parse error, stray '''"]),
])
func streamsAreCut(text: String, expected: [String]) {
    #expect(pieces(text) == expected)
}

@Test func resetByteStartsAnew() {
    #expect(pieces(Array(#"{"a":"#.utf8) + [0xFF] + Array("{}".utf8)) == ["! JSON parse error, invalid UTF-8", "{}"])
    #expect(pieces([0xFF, 0xFF] + Array("{}".utf8)) == ["{}"])
}

/// One answer for each line of noise, not for each byte.
@Test func noiseIsAnsweredOnce() {
    #expect(pieces([0x80, 0, 1, 2, 0x7F, 10] + Array("{}".utf8)) == ["! JSON parse error, stray '\u{FFFD}'", "{}"])
}

@Test func tooMuchIsDroppedWithAnAnswer() {
    var framing = JSONFraming()
    var answers: [String] = []
    let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 65536)
    answers += framing.append(Array(#"{"a":""#.utf8)).map(describe)
    for _ in 0..<160 { answers += framing.append(chunk).map(describe) }
    answers += framing.append(Array("\"}\n{}".utf8)).map(describe)
    #expect(answers == ["! JSON token size limit exceeded", "{}"])
}

@Test func nestingIsLimited() {
    let deep = String(repeating: "[", count: JSONFraming.maximumDepth)
    #expect(pieces(deep + String(repeating: "]", count: JSONFraming.maximumDepth)).count == 1)
    #expect(pieces(deep + "[" + "\n{}") == ["! JSON nesting depth limit exceeded", "{}"])
}

@Test(arguments: 1...12)
func piecesDoNotDependOnHowTheStreamIsCut(size: Int) {
    let stream = Array(#"{"execute":"a\\\"","id":{"x":[1,2]}} nope"#.utf8) + [10] + Array(#"{"b":"ä"}[]"#.utf8)
    var framing = JSONFraming()
    var answers: [String] = []
    for start in stride(from: 0, to: stream.count, by: size) {
        answers += framing.append(stream[start..<min(start + size, stream.count)]).map(describe)
    }
    #expect(answers == pieces(stream) && answers.count == 4)
}
