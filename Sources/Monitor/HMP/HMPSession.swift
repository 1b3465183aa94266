public import QEMUDialect
import Synchronization

/// A person's (or a script's) conversation with the human monitor, as bytes in and bytes out: over a socket, or on the
/// terminal that the guest's console shares.
public final class HMPSession: MonitorSession {
    /// Scripts wait for it.
    static let prompt = "(qemu) "
    private static let greeting = "Needletail \(needletailVersion) monitor - type 'help' for more information\n"

    private let machine: any MachineControl
    private let output: @Sendable ([UInt8]) -> Void
    private let editor = Mutex(LineEditor())

    /// - Parameter output: takes what is to be shown, in order.
    public init(_ machine: any MachineControl, output: @escaping @Sendable ([UInt8]) -> Void) {
        self.machine = machine
        self.output = output
    }

    /// Shows the greeting and the prompt.
    public func open() { send(Self.greeting + Self.prompt) }

    /// Takes what was typed. Commands are carried out before it returns.
    public func receive(_ bytes: [UInt8]) {
        editor.withLock { editor in
            for byte in bytes {
                if let event = editor.receive(byte) { handle(event, &editor) }
            }
            send(editor.takeDisplayUpdate())
        }
    }

    public func close() {}

    /// Keys go elsewhere until `resume`: drops the line that was begun.
    func suspend() {
        editor.withLock { $0.startOver() }
        send("\n")
    }

    /// Keys come here again: shows a new prompt.
    func resume() { send(Self.prompt) }

    private func handle(_ event: LineEditor.Event, _ editor: inout LineEditor) {
        switch event {
        case .enter(let line):
            // The echo first: after `quit` no output is shown.
            send(editor.echo(of: line) + "\n")
            send(run(line, &editor))
        case .enterTooLong:
            send(
                "\nError: a command is longer than \(LineEditor.maximumByteCount) bytes and was not carried out\n"
                    + Self.prompt)
            editor.forgetDisplay()
        case .complete(let text): complete(text, &editor)
        case .clearScreen:
            send("\u{1B}[2J\u{1B}[1;1H" + Self.prompt)
            editor.forgetDisplay()
        }
    }

    /// - Returns: the answer, and the prompt if there is going to be another command.
    private func run(_ line: String, _ editor: inout LineEditor) -> String {
        editor.forgetDisplay()
        let (text, hasQuit) = HMPExecution(machine: machine).run(line)
        return hasQuit ? text : text + Self.prompt
    }

    private func complete(_ text: String, _ editor: inout LineEditor) {
        let names = CompletionNames(
            objects: machine.memoryBackends.map(\.id), devices: machine.memoryDevices.compactMap(\.id))
        let completion = completeHMP(text, names: names)
        guard completion.candidates.count > 1 else { return editor.insert(Array(completion.insertion.utf8)) }
        send(editor.takeDisplayUpdate() + "\n" + columns(of: completion.candidates) + Self.prompt)
        editor.forgetDisplay()
        editor.insert(Array(completion.insertion.utf8))
    }

    /// Terminals in raw mode need both ends of a line.
    private func send(_ text: String) {
        guard !text.isEmpty else { return }
        output(Array(text.replacingLineEnds().utf8))
    }
}

/// Words in as many columns as 80 characters have space for.
func columns(of words: [String]) -> String {
    let width = max((words.map(\.utf8.count).max() ?? 0) + 2, 10)
    let perRow = max(80 / width, 1)
    var text = ""
    for (index, word) in words.enumerated() {
        text += word + String(repeating: " ", count: width - word.utf8.count)
        if (index + 1) % perRow == 0 || index + 1 == words.count { text += "\n" }
    }
    return text
}

extension String {
    func replacingLineEnds() -> String {
        var text = ""
        for scalar in unicodeScalars {
            if scalar == "\n" { text.unicodeScalars.append("\r") }
            text.unicodeScalars.append(scalar)
        }
        return text
    }
}
