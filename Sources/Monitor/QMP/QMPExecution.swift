import QEMUDialect
import QMPDialect

/// Carries out a QMP command.
struct QMPExecution {
    let machine: any MachineControl

    func run(_ command: QMPCommand) throws(QMPError) -> JSONValue {
        switch command {
        case .query(let query): return queryAnswer(query, machine)
        case .listProperties(let typeName): return try propertiesAnswer(typeName: typeName)
        case .humanMonitor(let line, let processor): return try runHumanMonitor(line, processor)
        default: break
        }
        do throws(ControlError) {
            if case .cutPower(let options) = command { return powerCutAnswer(try machine.cutPower(options)) }
            try change(command)
        } catch { throw QMPError(error) }
        return .object([])
    }

    /// Warnings are for people; QMP has no place for them.
    private func change(_ command: QMPCommand) throws(ControlError) {
        switch command {
        case .addObject(let options): _ = try machine.addObject(options)
        case .removeObject(let id): try machine.removeObject(id)
        case .addDevice(let options): _ = try machine.addDevice(options)
        case .removeDevice(let id): try machine.removeDevice(id)
        case .clearFailure(let id): try machine.clearFailure(of: id)
        case .setFlushLimit(let id, let limit): try machine.setFlushLimit(limit, of: id)
        case .stop: try machine.stop()
        case .resume: try machine.resume()
        case .powerDown: try machine.powerDown()
        case .reset: try machine.reset()
        case .quit: try machine.quit()
        case .negotiateCapabilities, .cutPower, .query, .listProperties, .humanMonitor: break
        }
    }

    private func runHumanMonitor(_ line: String, _ processor: Int64?) throws(QMPError) -> JSONValue {
        if let processor, !machine.processors.contains(where: { $0.index == processor }) {
            throw QMPError("Parameter 'cpu-index' expects a CPU number")
        }
        return .string(HMPExecution(machine: machine).run(line).text.replacingLineEnds())
    }
}
