internal import Foundation

/// What a history does: commands, and the faults that meet them.
///
/// With the seed for the schedule and the disk, a program determines a history. As JSON, it is what
/// `codex-simulate --replay` reads.
package struct Program: Codable, Hashable, Sendable {
    /// The seed of schedule and disk.
    package var seed: UInt64
    /// How many processes there are.
    package var processCount: Int
    /// The fault that is planted in each store.
    package var planted: String?
    /// Whether the power is cut at the end; else the processes are killed.
    package var endsWithPowerCut: Bool
    /// The commands; each process does its own in this order.
    package var commands: [Command]
    /// The faults.
    package var faults: [Fault]

    /// Reads a program from JSON.
    package init(json: String) throws {
        self = try JSONDecoder().decode(Program.self, from: Data(json.utf8))
    }

    /// Creates a program.
    package init(
        seed: UInt64, processCount: Int, planted: String? = nil, endsWithPowerCut: Bool = true,
        commands: [Command] = [], faults: [Fault] = []
    ) {
        (self.seed, self.processCount, self.planted) = (seed, processCount, planted)
        (self.endsWithPowerCut, self.commands, self.faults) = (endsWithPowerCut, commands, faults)
    }

    /// The arguments of `codex-simulate` that make the program again, if a seed made it.
    package var arguments: String {
        "--seed \(seed) --histories 1 --processes \(processCount)"
            + (planted.map { " --planted \($0)" } ?? "")
    }

    /// The program as JSON.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}

/// A command of a program.
package struct Command: Codable, Hashable, Sendable {
    /// The number of the command; that of its first write, too.
    package var id: Int
    /// The process that does it.
    package var process: Int
    /// Whether no other process may have the store open meanwhile.
    package var isAlone: Bool
    /// Whether others may begin to open the store while it runs, if it is alone; `nil` is no.
    package var admitsOpenings: Bool?
    /// What is done.
    package var request: Request

    /// Creates a command.
    package init(id: Int, process: Int, isAlone: Bool = false, request: Request) {
        (self.id, self.process, self.isAlone, self.request) = (id, process, isAlone, request)
    }

    /// The writes that it sends, as commands of one write each.
    package var writes: [Request] {
        switch request.command {
        case .write: [request]
        case .writes: request.writes ?? []
        default: []
        }
    }
}

/// A fault, and the call that it meets.
package struct Fault: Codable, Hashable, Sendable {
    /// During what the call is made.
    package enum Target: Codable, Hashable, Sendable {
        /// A command of the program, with its number.
        case command(Int)
        /// An opening of a process, counted from 0.
        case opening(process: Int, number: Int)
    }

    /// What happens.
    package enum Kind: String, Codable, Sendable {
        /// The call fails.
        case fail
        /// A write writes less than it was given.
        case shorten
        /// The process is killed.
        case die
        /// The process gets no turn for some time.
        case pause
        /// The power is cut.
        case powerCut
    }

    /// During what.
    package var target: Target
    /// Before which call of the target, counted from 0; or the next one that can have the fault.
    package var call: Int
    /// What happens.
    package var kind: Kind
    /// The error of a call that fails.
    package var error: Int32?
    /// Of a write, how many thousandths are written; of a pause, for how many steps.
    package var amount: Int?

    /// Creates a fault.
    package init(
        _ kind: Kind, at target: Target, call: Int, error: Int32? = nil, amount: Int? = nil
    ) {
        (self.kind, self.target, self.call) = (kind, target, call)
        (self.error, self.amount) = (error, amount)
    }

    /// Whether a call can have the fault.
    func isPossible(at call: CallKind) -> Bool {
        switch kind {
        case .die, .pause, .powerCut: true
        case .shorten: call == .write
        case .fail: Self.calls(failingWith: error ?? 0).contains(call)
        }
    }

    private static func calls(failingWith error: Int32) -> Set<CallKind> {
        switch error {
        case ENOSPC: [.create, .write, .allocate, .resize, .makeDirectory]
        case EMFILE: [.create]
        default: [.create, .write, .flush, .flushNames, .resize, .allocate, .rename]
        }
    }
}

/// The kinds of scheduling points, as `SimulatedCalls.h` numbers them.
package enum CallKind: Int32, Sendable {
    case idle = 1
    case create, write, flush, flushNames, resize, allocate, rename, remove, makeDirectory
    case waitLock, sleep, step

    /// Whether the process only waits for another one.
    var isWaiting: Bool { self == .waitLock || self == .sleep }
}
