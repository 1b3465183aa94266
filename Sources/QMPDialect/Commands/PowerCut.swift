public import QEMUDialect

let powerCutVerb = QMPVerb("x-needletail-power-cut") { (arguments) throws(QMPError) in
    var options = PowerCutOptions()
    if let name = try arguments.optionalString("mode") {
        guard let mode = PowerCutOptions.Mode(rawValue: name) else {
            throw QMPError("Parameter 'mode' does not accept value '\(name)'")
        }
        options.mode = mode
    }
    if let seed = try arguments.optionalUnsigned("seed") { options.seed = seed }
    return .cutPower(options)
}

/// What `x-needletail-power-cut` returns: one object for each file.
public func powerCutAnswer(_ reports: [PowerCutReport]) -> JSONValue {
    .array(
        reports.map { report in
            .object([
                "memdev": .string(report.memoryBackend), "mem-path": .string(report.path),
                "unflushed-pages": .integer(Int64(report.unflushed)), "kept": .integer(Int64(report.kept)),
                "torn": .integer(Int64(report.torn)), "lost": .integer(Int64(report.lost)),
            ])
        })
}
