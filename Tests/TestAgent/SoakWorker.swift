import CodexCore
import CodexStore
import CrashSupport
import Foundation

/// Does at random what programs do with a store, without a pause, until it reads a line, or is
/// killed.
///
/// Arguments: the store, the writer's number, a seed, how many consumers there are, and optionally
/// a ``SoakFault``. Writer 0 never closes the store. It prints
///
///     begun WRITER             it has opened the store
///     ack WRITER GROUP         a group of CrashWorkload is acknowledged
///     sessions WRITER COUNT    so many more sessions are stored
///     consumed WRITER COUNT    so many consumers have seen all ticks
///     trimmed WRITER           a consumer started over, since its changes were not retained
///     failed WRITER CODE       something failed that a full disk or many processes explain
///     refused WRITER CODE      the store accepts no more writes: the process waits for its end
///     unexpected WRITER TEXT   something else failed: the end
///     done WRITER              it has closed the store: the end
@MainActor
final class SoakWorker {
    private static let consumersAtOnce = 5
    private static let sessionsAtOnce = 100
    /// The longest life of a session, in seconds.
    private static let lifetimeMax = 3
    /// So many sessions are stored at a time, so that a slow sweeper does not fill the disk.
    private static let storedSessionCountMax = 50_000
    private static let recentCountMax = 200
    /// The bytes that a planted fault takes in a second.
    private static let faultRate = 20.0 * 1024 * 1024

    private let path: String
    private let writer: Int
    private let seed: UInt64
    private let consumerCount: Int
    private let fault: SoakFault?
    private var dice: Dice
    private let order = OrderToEnd()
    private let start = ContinuousClock.now
    private var opened: TortureStore?
    /// Sessions that it has stored, and when they are over.
    private var recent: [(id: String, expires: Int)] = []
    private var sessionCount = 0
    private var leaked: [[UInt8]] = []
    private var keptCount = 0

    init(_ arguments: [String]) {
        path = arguments[0]
        writer = Int(arguments[1]) ?? 0
        let seed = UInt64(arguments[2]) ?? 1
        self.seed = seed
        dice = Dice(seed: seed)
        consumerCount = Int(arguments[3]) ?? 0
        fault = arguments.count > 4 ? SoakFault(rawValue: arguments[4]) : nil
    }

    func run() async {
        do {
            while !order.isGiven { try await work() }
            opened?.store.close()
            say("done \(writer)")
        } catch {
            Soaking.giveUp("\(writer)", error)
        }
    }

    /// What full disks and many processes explain.
    private static let explained: Set<CodexError.Code> = [
        .diskFull, .commitFailed, .lockTimeout, .tooManyReaders,
    ]
    /// What only a process that opens the store alone puts right.
    private static let lasting: Set<CodexError.Code> = [.outcomeUnknown, .writesRefused]

    private func work() async throws {
        do {
            try await step(try open())
        } catch let error as CodexError {
            if Self.lasting.contains(error.code) {
                say("refused \(writer) \(error.code)")
                while true { pause() }
            }
            guard Self.explained.contains(error.code) else { throw error }
            say("failed \(writer) \(error.code)")
            // What explains it lasts a while.
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func open() throws -> TortureStore {
        if let opened { return opened }
        let new = try TortureStore(at: path, writer, .soaking)
        opened = new
        say("begun \(writer)")
        return new
    }

    private func close() {
        opened?.store.close()
        opened = nil
    }

    // MARK: Steps

    private func step(_ opened: TortureStore) async throws {
        let store = opened.store
        switch dice.below(100) {
        case 0..<50: try write(opened)
        case 50..<72: try putSessions(store)
        case 72..<76: try tick(store)
        case 76..<86: try await consume(store)
        case 86..<98: try read(store)
        default: if writer > 0 { return close() }
        }
        try makeMistake(store)
    }

    private func write(_ opened: TortureStore) throws {
        let writer = writer
        for _ in 0...dice.below(20) where !order.isGiven {
            let group = opened.last + 1
            let filler = String(
                repeating: "x", count: dice.chance(3) ? 20_000 : dice.below(400))
            let isLost = fault == .lostGroup && dice.chance(10)
            if !isLost {
                try opened.store.write { transaction in
                    try CrashWorkload.write(writer, group, filler: filler, &transaction)
                }
            }
            opened.last = group
            say("ack \(writer) \(group)")
        }
    }

    private func putSessions(_ store: Store) throws {
        let storedCount = try SoakTables.storedSessionCount(store)
        guard storedCount < Self.storedSessionCountMax else { return }
        let now = Self.now
        var batch: [Item] = []
        for _ in 0..<Self.sessionsAtOnce {
            sessionCount += 1
            let id = "\(seed)-\(sessionCount)"
            let expires = now + 1 + dice.below(Self.lifetimeMax)
            batch.append(SoakTables.session(id, user: dice.below(1000), expires: expires))
            recent.append((id: id, expires: expires))
        }
        let sessions = batch
        do {
            try store.write { transaction in
                for session in sessions {
                    try transaction.put(session, in: SoakTables.sessions)
                }
            }
        } catch {
            recent.removeLast(sessions.count)
            throw error
        }
        if recent.count > Self.recentCountMax {
            recent.removeFirst(recent.count - Self.recentCountMax)
        }
        say("sessions \(writer) \(sessions.count)")
    }

    private func tick(_ store: Store) throws {
        try store.write { transaction in try SoakTables.tick(&transaction) }
    }

    private func consume(_ store: Store) async throws {
        guard consumerCount > 0 else { return }
        for _ in 0..<Self.consumersAtOnce where !order.isGiven {
            let name = SoakTables.consumer(dice.below(consumerCount))
            if try await SoakTables.catchUp(name, in: store) { say("trimmed \(writer)") }
        }
        say("consumed \(writer) \(Self.consumersAtOnce)")
    }

    /// Reads groups by many snapshots at once, and a session before and after its end.
    private func read(_ store: Store) throws {
        try ReaderStorm.run(store, writer)
        guard !recent.isEmpty else { return }
        let session = recent[dice.below(recent.count)]
        let before = Self.now
        let key = PrimaryKey(.string(session.id))
        let isThere = try store.item(in: SoakTables.sessions, key: key) != nil
        // The clock has seconds, so that those next to the end are left out.
        if isThere, session.expires + 1 < before {
            throw CrashFinding(description: "a session is there after its end")
        }
        if !isThere, session.expires > Self.now + 1 {
            throw CrashFinding(description: "a session is gone before its end")
        }
    }

    private static var now: Int { Int(Date().timeIntervalSince1970) }

    // MARK: Planted faults

    private func makeMistake(_ store: Store) throws {
        let allowed = Self.faultRate * ((ContinuousClock.now - start) / Duration.seconds(1))
        switch fault {
        case .leak:
            while Double(leaked.count << 20) < allowed {
                leaked.append([UInt8](repeating: 1, count: 1 << 20))
            }
        case .growth:
            while Double(keptCount) * Double(Self.keptByteCount) < allowed, !order.isGiven {
                try keep(store)
            }
        case .lostGroup, nil: return
        }
    }

    private static let keptByteCount = 300_000

    private func keep(_ store: Store) throws {
        let id = "\(seed)-\(keptCount)"
        let bytes = NumberedItems.item(keptCount, byteCount: Self.keptByteCount)["b"] ?? .null
        _ = try store.write { transaction in
            try transaction.put(["id": .string(id), "b": bytes], in: SoakTables.kept)
        }
        keptCount += 1
    }
}

/// What the processes of a soak have in common.
enum Soaking {
    /// Ends the process for something that nothing explains.
    static func giveUp(_ name: String, _ error: any Error) -> Never {
        let text = "\(error)".split(separator: "\n").joined(separator: " ")
        // One call of the system writes a line of that length as a whole.
        say("unexpected \(name) \(text.prefix(2000))")
        exit(3)
    }
}
