import QEMUDialect

/// Carries out a line typed at the human monitor.
struct HMPExecution {
    let machine: any MachineControl

    /// - Returns: what to show, each line ended by "\n", and whether the machine was told to end.
    func run(_ line: String) -> (text: String, hasQuit: Bool) {
        do throws(HMPError) {
            return carryOut(try parseHMPCommand(line))
        } catch {
            return (error.text, false)
        }
    }

    private func carryOut(_ command: HMPCommand) -> (text: String, hasQuit: Bool) {
        do throws(ControlError) {
            return (try answer(to: command), Self.ends(command))
        } catch {
            let text = hmpErrorText(message: error.message, advice: error.advice)
            if case .quit = command { return (text, true) }
            return (text, false)
        }
    }

    private static func ends(_ command: HMPCommand) -> Bool {
        switch command {
        case .quit, .cutPower: true
        default: false
        }
    }

    private func answer(to command: HMPCommand) throws(ControlError) -> String {
        switch command {
        case .nothing: return ""
        case .show(let text): return text.hasSuffix("\n") ? text : text + "\n"
        case .info(let topic): return infoAnswer(topic, machine)
        case .addObject(let options, let warnings): return Self.lines(warnings + (try machine.addObject(options)))
        case .addDevice(let options, let warnings): return Self.lines(warnings + (try machine.addDevice(options)))
        case .removeObject(let id): try machine.removeObject(id)
        case .removeDevice(let id): try machine.removeDevice(id)
        case .clearFailure(let id): try machine.clearFailure(of: id)
        case .setFlushLimit(let id, let limit): try machine.setFlushLimit(limit, of: id)
        case .cutPower(let options): return Self.lines(try machine.cutPower(options).map(powerCutText))
        case .stop: try machine.stop()
        case .resume: try machine.resume()
        case .powerDown: try machine.powerDown()
        case .reset: try machine.reset()
        case .quit: try machine.quit()
        }
        return ""
    }

    private static func lines(_ warnings: [String]) -> String { warnings.map { $0 + "\n" }.joined() }
}
