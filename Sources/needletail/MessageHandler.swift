import Host
import Logging
import QEMUDialect

/// Log messages as an operator reads them on standard error: the program, the level, the sentence.
struct MessageHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    /// - Parameter level: nil shows notices and whatever is more urgent.
    static func logger(_ level: LogLevel?) -> Logger {
        let logLevel = level.flatMap { Logger.Level(rawValue: $0.rawValue) } ?? .notice
        return Logger(label: "needletail") { _ in MessageHandler(logLevel: logLevel) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        StandardStream.error.write("needletail: \(event.level): \(event.message)\n")
    }
}
