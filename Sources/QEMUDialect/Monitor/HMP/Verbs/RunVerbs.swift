let stopVerb = HMPVerb(["stop", "s"], help: "stop emulation", command: .stop)
let continueVerb = HMPVerb(["cont", "c"], help: "resume emulation", command: .resume)
