let powerDownVerb = HMPVerb(["system_powerdown"], help: "send system power down event", command: .powerDown)
let resetVerb = HMPVerb(["system_reset"], help: "reset the system", command: .reset)
