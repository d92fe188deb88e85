import CodexCore
import CodexStore
import CrashSupport
import Foundation

/// A store of a process that is driven, and what it may be told; the items are NumberedItems.
///
///     put NAME FIRST COUNT SIZE [BATCH] [VERSION]   puts items; says how many
///     delete NAME FIRST COUNT [BATCH]
///     fill NAME FIRST SIZE BATCH   puts items until that fails; says how many, and the code
///     increment NAME COUNT         adds 1 to a count, again and again
///     count NAME                   says what the count is
///     state NAME                   says which items there are
///     verify NAME
///     sequence NAME, map NAME      says the last commit, and the reserved addresses
///     tables NAME FIRST COUNT      adds tables x…, and puts an item into each
///     drop NAME TABLE              removes a table
///     event NAME KIND              waits for an event of the kind, and says it
///     checkpoint NAME              waits for a checkpoint of all commits
///     backup NAME PATH, archive NAME PATH   makes a backup, brings an archive up to date
///     compact NAME, purge NAME     compacts it; removes plain values from before, too
///     hold NAME [COUNT]            has so many snapshots at once, one unless it says more
///     look NAME                    says which items the last of them has
///     release NAME                 lets go of them
///     fork NAME                    leaves a child without exec; says its number
///     child NAME                   lets a child without exec use the store; says what was refused
///     close NAME
@MainActor
final class DrivenStore {
    private let store: Store
    private let events: EventLog
    private var held: HeldSnapshot?

    init(at path: String, _ options: DrivenOptions) throws {
        let events = EventLog()
        self.events = events
        store = try Store(at: path, schema: options.schema, options: options.options(events))
    }

    /// Whether no other process had it open.
    var isAlone: Bool { store.recovery != nil }

    func close() {
        _ = release()
        store.close()
    }

    func perform(_ command: String, _ words: [String]) async throws -> String {
        let numbers = words.map { Int($0) ?? 0 }
        switch command {
        case "put", "delete", "fill", "increment": return try write(command, numbers)
        case "tables": return try await addTables(numbers[0], numbers[1])
        case "drop":
            try await store.removeTable(words[0])
            return words[0]
        case "event": return try event(words[0])
        case "backup": return "\(try await store.backup(to: words[0]).sequence)"
        case "archive": return "\(try await store.archiveLog(to: words[0]).sequence)"
        case "purge": return "\(try await store.purgePlaintext().segmentCount)"
        case "compact": return "\(try await store.compact().byteCountAfter)"
        case "hold": return try hold(numbers.first ?? 1)
        case "look": return held?.look() ?? ""
        case "release": return release()
        case "fork": return "\(Forks.leaveChild())"
        case "child": return Forks.refusals(of: store)
        case "close":
            close()
            return ""
        default: return try tell(command)
        }
    }

    // MARK: Writing

    private func write(_ command: String, _ numbers: [Int]) throws -> String {
        func number(_ place: Int, _ usual: Int) -> Int {
            place < numbers.count ? numbers[place] : usual
        }
        let store = store
        switch command {
        case "put":
            return try inBatches(numbers[0], numbers[1], number(3, 1)) { range in
                try NumberedItems.put(
                    range, byteCount: numbers[2], version: number(4, 0), in: store)
            }
        case "delete":
            return try inBatches(numbers[0], numbers[1], number(2, 1)) { range in
                try NumberedItems.delete(range, in: store)
            }
        case "increment":
            return try inBatches(0, numbers[0], 1) { _ in try NumberedItems.increment(store) }
        default: return fill(numbers[0], numbers[1], numbers[2])
        }
    }

    private func inBatches(
        _ first: Int, _ count: Int, _ batchCount: Int, _ body: (Range<Int>) throws -> Void
    ) throws -> String {
        var done = 0
        while done < count {
            let end = min(done + batchCount, count)
            do {
                try body(first + done..<first + end)
            } catch {
                throw DrivenFailure(done: done, cause: error)
            }
            done = end
        }
        return "\(done)"
    }

    private func fill(_ first: Int, _ byteCount: Int, _ batchCount: Int) -> String {
        var number = first
        while true {
            do {
                try NumberedItems.put(
                    number..<number + batchCount, byteCount: byteCount, in: store)
                number += batchCount
            } catch {
                let code = (error as? CodexError)?.code.description ?? "other"
                return "\(number - first) \(code)"
            }
        }
    }

    private func addTables(_ first: Int, _ count: Int) async throws -> String {
        for number in first..<first + count {
            let name = "x\(number)"
            try await store.addTable(TableDefinition(name, partitionKey: KeyAttribute("p")))
            _ = try await store.write { try $0.put(["p": "a"], in: name) }
        }
        return "\(count)"
    }

    // MARK: Reading

    private func tell(_ command: String) throws -> String {
        switch command {
        case "state": return "\(try NumberedItems.state(store))"
        case "count": return "\(try NumberedItems.count(store))"
        case "sequence": return "\(try store.stats().sequence)"
        case "map": return "\(try store.stats().mapByteCount)"
        case "checkpoint": return try waitForCheckpoint()
        case "verify":
            let report = try store.verify()
            if report.isSound { return "sound" }
            throw CrashFinding(description: "\(report.differences.prefix(3))")
        default: throw CrashFinding(description: "no command \(command)")
        }
    }

    private func event(_ kind: String) throws -> String {
        guard let event = events.next(kind) else {
            throw CrashFinding(description: "no event \(kind)")
        }
        return "\(event)"
    }

    private func waitForCheckpoint() throws -> String {
        let sequence = try store.stats().sequence
        guard events.waitForCheckpoint(of: sequence) else {
            throw CrashFinding(description: "no checkpoint of commit \(sequence)")
        }
        return "\(sequence)"
    }

    // MARK: Snapshots

    private func hold(_ count: Int) throws -> String {
        let snapshot = try HeldSnapshot(store, count: count)
        held = snapshot
        return snapshot.look()
    }

    private func release() -> String {
        held?.release()
        held = nil
        return ""
    }
}
