import CodexCore
import CodexStore
import CodexTesting
import Foundation

/// The state of the process: its clock, and the store that it has open.
@MainActor
final class SimulatedProcess {
    /// The process's number in the history.
    let number: Int
    /// The clock of all stores of the process.
    let clock = ManualClock()
    /// The random bits of the stores.
    let random: RandomBits
    /// The store that is open.
    var store: Store?
    /// The snapshot that the process holds between commands.
    var held: HeldSnapshot?
    /// The cache of the open store; `nil` before its first use.
    var cache: StoreCache?
    /// The observation that the process has between commands.
    var observer: (any OrderObserver)?
    /// What its reads do wrong.
    var plantedRead: PlantedRead?
    /// How the process opens a store that it restored or that follows.
    var copyOptions: StoreOptions

    init(number: Int, seed: UInt64) {
        self.number = number
        random = RandomBits(seed: seed)
        copyOptions = StoreOptions()
        setFixed(&copyOptions)
        setBounds(&copyOptions, dirtyByteCount: nil, segmentByteCount: nil)
    }

    /// Performs the command in a line; the answer has an error where that fails.
    func answer(to line: String) async -> Answer {
        let answer: Answer
        do {
            let command = try JSONDecoder().decode(Command.self, from: Data(line.utf8))
            if let now = command.now { set(now) }
            let result = try await perform(command)
            answer = ["ok": result]
        } catch {
            answer = .failure(error)
        }
        if let store { await settle(store) }
        return answer
    }

    private func perform(_ command: Command) async throws -> Answer {
        switch command.command {
        case "open": return try open(command)
        case "close": return close()
        case "write": return try write(command)
        case "writes": return try writes(command)
        case "consume": return try await consume(command)
        case "read": return try read(command)
        case "scan": return .object(try scan(try openStore(), command))
        case "pages": return try pages(command)
        case "changes": return try changes(command)
        case "commitNumbers": return try commitNumbers()
        case "verify": return try verify(try openStore())
        case "sequence": return try sequence()
        case "checkpoint": return try checkpoint()
        case "removeExpired": return try await removeExpired(command)
        case "addIndex": return try await addIndex(command)
        case "removeIndex": return try await removeIndex(command)
        case "addCounter": return try await addCounter()
        case "removeCounter": return try await removeCounter()
        case "addTimeToLive": return try await addTimeToLive(command)
        case "removeTimeToLive": return try await removeTimeToLive()
        case "changeLayout": return try await changeLayout(command)
        case "buildStep": return try buildStep(command)
        case "compact": return try await compact()
        case "backup": return try await backup(command)
        case "archive": return try await archive(command)
        case "restore": return try await restore(command)
        case "follow": return try await follow(command)
        case "hold": return try hold(command)
        case "heldRead": return try heldRead(command)
        case "letGo": return letGo()
        case "cachedRead": return try cachedRead(command)
        case "observe": return try await observe(command)
        case "observed": return try await observed(command)
        case "endObservation": return endObservation()
        default: throw ProtocolFault(message: "no command is called \(command.command)")
        }
    }

    /// The store that is open.
    ///
    /// - Throws: ``ProtocolFault`` if none is.
    func openStore() throws -> Store {
        guard let store else { throw ProtocolFault(message: "no store is open") }
        return store
    }

    // MARK: Time

    /// Sets the clock to a time: forward as time that passes, backward as a jump.
    private func set(_ seconds: Double) {
        let difference = seconds - clock.now.timeIntervalSince1970
        if difference > 0 {
            clock.advance(by: difference)
        } else if difference < 0 {
            clock.jump(by: difference)
        }
    }

    // MARK: Background work

    /// Waits until a store does nothing in the background: no checkpoint is due or under way.
    ///
    /// Indexes are built on demand alone. What remains makes no watched calls. Timers of the
    /// checkpoints have an interval of a year. Readers that are idle for 10 seconds of real time
    /// give back their slots in `lock.mdb`, which is mapped memory. Threads that are idle for 5
    /// seconds of real time end.
    func settle(_ store: Store) async {
        while !store.isQuiet {
            // By a timer: a call of `usleep` would be a scheduling point.
            try? await _Concurrency.Task.sleep(for: .milliseconds(1))
        }
    }
}

/// Random bits from a seed, for any number of threads.
final class RandomBits: @unchecked Sendable {
    private let lock = NSLock()
    // Guarded by `lock`.
    private var generator: SplitMix

    init(seed: UInt64) { generator = SplitMix(state: seed) }

    /// The next 64 bits.
    func next() -> UInt64 { lock.withLock { generator.next() } }
}
