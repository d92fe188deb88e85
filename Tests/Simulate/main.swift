import Foundation
import Simulation

// Runs simulated histories of a store: see Docs/Simulation.md.

do {
    try SimulateCommand(Array(CommandLine.arguments.dropFirst())).run()
} catch let error as SimulateCommand.UsageError {
    print(error.message)
    print(SimulateCommand.usage)
    exit(2)
} catch let error as ProgramFileError {
    print(error)
    exit(2)
} catch {
    print("error: \(error)")
    exit(1)
}
