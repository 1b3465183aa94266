let quitVerb = HMPVerb(["quit", "q"], help: "quit the emulator", command: .quit)
