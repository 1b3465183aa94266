import CLinux
import Foundation

/// How a process ended.
enum ProcessEnd: Equatable {
    case exited(Int32)
    case killed(by: Int32)
    /// It did not, within the time limit; it has been killed since.
    case timedOut
}

/// What a process gets as its standard input.
enum InputSource {
    /// At end of file from the start.
    case nothing
    /// What the test sends.
    case pipe
    /// No descriptor at all.
    case closed
    /// Input, output, errors and the controlling terminal.
    case terminal(Terminal)
}

/// Where a process's standard output goes.
enum OutputTarget {
    /// To a file that the test reads.
    case collected
    /// To a pipe that is read by `readPipe` alone.
    case stuckPipe
}

/// A program that a test runs. It is killed when the test forgets it.
final class HostProcess {
    /// Its process id.
    let identifier: pid_t
    /// Kept as long as the process.
    private let folder: WorkFolder
    private let outputPath: String
    private let errorPath: String
    private var inputEnd: Int32 = -1
    private var outputEnd: Int32 = -1
    private var end: ProcessEnd?

    /// - Parameter folder: where its output is collected.
    init(
        _ arguments: [String], in folder: WorkFolder, input: InputSource = .nothing, output: OutputTarget = .collected
    ) throws {
        _ = Self.environment
        self.folder = folder
        outputPath = folder.newPath("out")
        errorPath = folder.newPath("err")
        var plan = SpawnPlan()
        var childEnds: [Int32] = []
        switch input {
        case .nothing: plan.open("/dev/null", O_RDONLY, as: 0)
        case .closed: plan.close(0)
        case .terminal(let terminal): plan.open(terminal.path, O_RDWR, as: 0)
        case .pipe:
            let (reader, writer) = try makePipe()
            plan.duplicate(reader, as: 0)
            inputEnd = writer
            _ = nt_fcntl_value(writer, F_SETFL, O_NONBLOCK)
            childEnds.append(reader)
        }
        if case .terminal = input {
            plan.duplicate(0, as: 1)
            plan.duplicate(0, as: 2)
        } else {
            switch output {
            case .collected: plan.open(outputPath, O_WRONLY | O_CREAT | O_APPEND, as: 1)
            case .stuckPipe:
                let (reader, writer) = try makePipe()
                plan.duplicate(writer, as: 1)
                outputEnd = reader
                childEnds.append(writer)
            }
            plan.open(errorPath, O_WRONLY | O_CREAT | O_APPEND, as: 2)
        }
        identifier = try plan.run(arguments)
        for number in childEnds { close(number) }
    }

    /// Swift's crash reporter would ask a question on the terminal, and a pipe without a reader end the tests.
    private static let environment: Void = {
        unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
        CLinux.signal(SIGPIPE, nt_ignore_signal())
    }()

    deinit {
        if end == nil {
            kill(identifier, SIGKILL)
            _ = waitpid(identifier, nil, 0)
        }
        closeInput()
        if outputEnd >= 0 { close(outputEnd) }
    }

    /// What it has written to its standard output so far.
    var output: String { textOfFile(outputPath) }
    /// What it has written to its standard error so far.
    var errors: String { textOfFile(errorPath) }

    /// What has come through a `stuckPipe` since the last call.
    func readPipe() -> String {
        var (bytes, text) = ([UInt8](repeating: 0, count: 65536), "")
        var entry = pollfd(fd: outputEnd, events: Int16(POLLIN), revents: 0)
        while unsafe poll(&entry, 1, 0) == 1, text.utf8.count < bytes.count {
            let count = unsafe read(outputEnd, &bytes, bytes.count)
            guard count > 0 else { return text }
            text += String(decoding: bytes[..<count], as: UTF8.self)
        }
        return text
    }

    func signal(_ number: Int32) { kill(identifier, number) }

    /// Writes to its standard input, as fast as it reads.
    func send(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty, hasSpace() {
            let count = unsafe rest.withUnsafeBytes { unsafe write(inputEnd, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private func hasSpace() -> Bool {
        var entry = pollfd(fd: inputEnd, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&entry, 1, 20_000) == 1 && entry.revents & Int16(POLLERR) == 0
    }

    /// Its standard input comes to its end.
    func closeInput() {
        if inputEnd >= 0 { close(inputEnd) }
        inputEnd = -1
    }

    /// Waits until it has ended, and kills it if that takes too long.
    func wait(seconds: Double = 20) -> ProcessEnd {
        if let end { return end }
        var status: Int32 = 0
        let isGone = eventually(seconds: seconds) { unsafe waitpid(identifier, &status, WNOHANG) == identifier }
        if !isGone {
            kill(identifier, SIGKILL)
            _ = unsafe waitpid(identifier, &status, 0)
        }
        let result: ProcessEnd =
            !isGone ? .timedOut : status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .killed(by: status & 0x7f)
        end = result
        return result
    }

    /// Waits until its standard output holds a text.
    func hasSaid(_ text: String, seconds: Double = 20) -> Bool {
        eventually(seconds: seconds) { output.contains(text) }
    }
}

/// Looks again and again until a condition holds.
///
/// - Returns: false if it did not within the time limit.
func eventually(seconds: Double = 20, _ condition: () -> Bool) -> Bool {
    let limit = Date(timeIntervalSinceNow: seconds)
    while !condition() {
        if Date() > limit { return false }
        usleep(2000)
    }
    return true
}

func textOfFile(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
}

private func makePipe() throws -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw POSIXError(.EMFILE) }
    return (ends[0], ends[1])
}
