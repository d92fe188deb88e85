import CodexCore
import CodexStore
import Foundation
import SimulatedCalls

/// A part of what a read reads, in the order of the answer.
///
/// The first one needs the snapshot, so the snapshot is taken before the first turn is given back.
enum ReadPart: CaseIterable {
    case sequence, items, groups, totals, markers, orders, open, passes
}

/// What the reads of the process do wrong, to show that the checker finds it.
enum PlantedRead: String {
    /// A read takes another snapshot for its second half.
    case splitRead
}

extension SimulatedProcess {
    /// How many processes' markers are looked for.
    private static let markerCountMax = 32

    /// The newest commit of a store.
    func newestSequence(of store: Store) throws -> UInt64 {
        try store.read { try $0.sequenceNumber.commit }
    }

    /// Reads items, groups, totals and markers in one snapshot.
    func read(_ command: Command) throws -> Answer {
        let store = try openStore()
        guard plantedRead == .splitRead else {
            return .object(try store.read { snapshot in try Self.read(command, snapshot) })
        }
        let parts = ReadPart.allCases
        var fields: [Answer.Field] = []
        for half in [parts[..<3], parts[3...]] {
            fields += try store.read { snapshot in try Self.read(command, snapshot, half) }
        }
        return .object(fields)
    }

    /// Reads what a command names in a snapshot.
    ///
    /// - Parameters:
    ///   - command: The command. It tells whether the turn is given back after each part.
    ///   - snapshot: The snapshot.
    ///   - parts: The parts that are read, in their order.
    /// - Returns: The fields of the answer.
    /// - Throws: The errors of reading.
    static func read(
        _ command: Command, _ snapshot: borrowing Snapshot,
        _ parts: ArraySlice<ReadPart> = ReadPart.allCases[...]
    ) throws -> [Answer.Field] {
        var fields: [Answer.Field] = []
        for part in parts {
            guard let field = try Self.field(part, of: command, snapshot) else { continue }
            fields.append(field)
            giveTurn(command)
        }
        return fields
    }

    /// Gives the turn back between two parts of a command that wants it.
    static func giveTurn(_ command: Command?) {
        guard command?.takesTurns == true else { return }
        #if os(Linux)
            simulated_turn()
        #endif
    }

    /// A part of a read; `nil` if the command does not name it.
    private static func field(
        _ part: ReadPart, of command: Command, _ snapshot: borrowing Snapshot
    ) throws -> Answer.Field? {
        switch part {
        case .sequence:
            return Answer.Field("sequence", .count(try snapshot.sequenceNumber.commit))
        case .items:
            guard let keys = command.items else { return nil }
            let items = try snapshot.items(in: Items.table, keys: keys.map(\.primaryKey))
            return Answer.Field("items", .list(items.map { Items.shown(optional: $0) }))
        case .groups:
            guard let groups = command.groups else { return nil }
            return Answer.Field("groups", try self.groups(groups, command, snapshot))
        case .totals:
            guard let groups = command.totals else { return nil }
            return Answer.Field("totals", try totals(of: groups, snapshot))
        case .markers:
            guard command.markers == true else { return nil }
            return Answer.Field("markers", try markers(snapshot))
        case .orders:
            guard let numbers = command.orders else { return nil }
            return Answer.Field("orders", try orders(numbers, snapshot))
        case .open:
            guard let sites = command.sites else { return nil }
            return Answer.Field("open", try openOrders(sites, snapshot))
        case .passes:
            guard let keys = command.passes else { return nil }
            let passes = try snapshot.items(in: Items.passTable, keys: keys.map(\.primaryKey))
            return Answer.Field("passes", .list(passes.map { Items.shown(optional: $0) }))
        }
    }

    /// The items of groups, each read in pages of the same snapshot.
    private static func groups(
        _ groups: [String], _ command: Command, _ snapshot: borrowing Snapshot
    ) throws -> Answer {
        let limits = PageLimits(returned: command.pageLimit.map { max(1, $0) })
        var answers: [Answer] = []
        for group in groups {
            let query = Items.query(ofGroup: group)
            var items: [Answer] = []
            var token: PageToken?
            while true {
                let page = try snapshot.items(matching: query, limits: limits, after: token)
                items += page.items.map { Items.shown($0) }
                token = page.next
                if token == nil { break }
                giveTurn(command)
            }
            answers.append(.list(items))
        }
        return .list(answers)
    }

    private static func totals(
        of groups: [String], _ snapshot: borrowing Snapshot
    ) throws -> Answer {
        var answers: [Answer] = []
        for group in groups {
            let total = try snapshot.total(of: "perG", in: Items.table, group: [.string(group)])
            answers.append(Items.shown(total))
        }
        return .list(answers)
    }

    private static func orders(
        _ numbers: [Int], _ snapshot: borrowing Snapshot
    ) throws -> Answer {
        var answers: [Answer] = []
        for number in numbers {
            let order = try snapshot.get(Lookup<Order>(["number": number]))
            answers.append(order?.shown ?? .null)
        }
        return .list(answers)
    }

    private static func openOrders(
        _ sites: [String], _ snapshot: borrowing Snapshot
    ) throws -> Answer {
        var answers: [Answer] = []
        for site in sites {
            let orders = try snapshot.all(Order.open(at: site))
            answers.append(.list(orders.map(\.shown)))
        }
        return .list(answers)
    }

    private static func markers(_ snapshot: borrowing Snapshot) throws -> Answer {
        var fields: [Answer.Field] = []
        for process in 0..<markerCountMax {
            let item = try snapshot.item(in: Items.table, key: Items.markerKey(of: process))
            guard let op = item?["op"]?.number?.int64 else { continue }
            fields.append(Answer.Field("\(process)", .int(Int(op))))
        }
        return .object(fields)
    }

    // MARK: Everything

    /// Reads all items, entries and totals in one snapshot, the consumers, and the layouts of the
    /// indexes that are always there.
    ///
    /// - Parameters:
    ///   - store: The store.
    ///   - command: Tells whether the turn is given back between the parts of the snapshot; `nil`
    ///     is no.
    /// - Returns: The fields of the answer.
    /// - Throws: The errors of reading.
    func scan(_ store: Store, _ command: Command? = nil) throws -> [Answer.Field] {
        var fields = try store.read { snapshot in try Self.scan(snapshot, command) }
        let consumers = try store.consumers().map { status -> Answer in
            [
                "name": .text(status.name), "at": .text(status.sequenceNumber.description),
                "lag": .count(status.lagCommitCount),
            ]
        }
        fields.append(Answer.Field("consumers", .list(consumers)))
        let names = Items.schema.tables.first { $0.name == Items.table }?.indexes.map(\.name) ?? []
        let layouts = try store.buildStatus().filter { status in
            status.table == Items.table && names.contains(status.name)
        }.map { status in
            let next = status.nextLayout.map { ", then \($0.rawValue)" } ?? ""
            return Answer.Field(status.name, .text((status.layout?.rawValue ?? "") + next))
        }
        fields.append(Answer.Field("layouts", .object(layouts)))
        return fields
    }

    /// A part of a scan's snapshot, with the name of its field.
    private enum ScanPart: String, CaseIterable {
        case items, counters, byG, byU, byV, totals, addedTotals, orders, passes
    }

    private static func scan(
        _ snapshot: borrowing Snapshot, _ command: Command?
    ) throws -> [Answer.Field] {
        var fields = [Answer.Field("sequence", .count(try snapshot.sequenceNumber.commit))]
        for part in ScanPart.allCases {
            giveTurn(command)
            fields.append(Answer.Field(part.rawValue, try scan(part, snapshot)))
        }
        return fields
    }

    private static func scan(
        _ part: ScanPart, _ snapshot: borrowing Snapshot
    ) throws -> Answer {
        switch part {
        case .items: return try items(TableScan(table: Items.table), snapshot)
        case .counters: return try items(TableScan(table: Items.consumerTable), snapshot)
        case .byG, .byU, .byV:
            return try items(TableScan(table: Items.table, index: part.rawValue), snapshot)
        case .totals: return try totals(of: "perG", snapshot)
        case .addedTotals: return try totals(of: Items.addedCounter.name, snapshot)
        case .orders: return .object(try scanOrders(snapshot))
        case .passes: return .object(try scanPasses(snapshot))
        }
    }

    private static func scanPasses(_ snapshot: borrowing Snapshot) throws -> [Answer.Field] {
        let table = Items.passTable
        return [
            Answer.Field("items", try items(TableScan(table: table), snapshot)),
            Answer.Field("byV", try items(TableScan(table: table, index: "byV"), snapshot)),
        ]
    }

    private static func scanOrders(_ snapshot: borrowing Snapshot) throws -> [Answer.Field] {
        let table = Order.table.name
        let totals = try snapshot.counts(of: Order.self, by: "perSite")
        return [
            Answer.Field("items", try items(TableScan(table: table), snapshot)),
            Answer.Field("open", try items(TableScan(table: table, index: "openBySite"), snapshot)),
            Answer.Field("badges", try items(TableScan(table: table, index: "byBadge"), snapshot)),
            Answer.Field("totals", .list(totals.map { Items.shown($0, sumOf: "partCount") })),
        ]
    }

    /// What a scan finds; `null` if the index is not there.
    private static func items(
        _ scan: TableScan, _ snapshot: borrowing Snapshot
    ) throws -> Answer {
        do {
            return .list(try snapshot.items(scanning: scan).items.map { Items.shown($0) })
        } catch CodexError.Code.indexNotReady {
            return "indexNotReady"
        } catch CodexError.Code.unknownIndex {
            return .null
        }
    }

    /// The totals of a counter; `null` if it is not there.
    private static func totals(
        of counter: String, _ snapshot: borrowing Snapshot
    ) throws -> Answer {
        do {
            return .list(
                try snapshot.totals(of: counter, in: Items.table).map { Items.shown($0) })
        } catch CodexError.Code.indexNotReady {
            return "indexNotReady"
        } catch CodexError.Code.unknownIndex {
            return .null
        }
    }

    /// Checks a store by its own means.
    func verify(_ store: Store) throws -> Answer {
        let report = try store.verify()
        return [
            "sound": .bool(report.isSound),
            "differences": .list(report.differences.map { .text($0.description) }),
            "items": .int(report.itemCount), "entries": .int(report.entryCount),
            "groups": .int(report.groupCount),
        ]
    }

    /// The newest commit, and what of the log is there.
    func sequence() throws -> Answer {
        let figures = try openStore().stats()
        return [
            "sequence": .count(figures.sequence), "trimmed": .count(figures.trimmedSequence),
            "logBytes": .int(figures.logByteCount),
        ]
    }

    // MARK: Changes

    /// Reads the changes after one, until there are as many as are wanted.
    ///
    /// They may end within a commit. Then the answer has the ordinal of the last change.
    func changes(_ command: Command) throws -> Answer {
        let store = try openStore()
        // Before the log is read: the end that it is read to may be a later one.
        let newest = try newestSequence(of: store)
        let after = SequenceNumber(
            commit: command.after ?? 0, ordinal: command.ordinal ?? .max)
        let found = try commits(
            of: store, after: after, countMax: max(1, command.limit ?? 1000))
        var last = max(after, found.last)
        if found.isEnd { last = max(last, SequenceNumber(commit: newest)) }
        var fields = [
            Answer.Field("end", .bool(found.isEnd)), Answer.Field("last", .count(last.commit)),
            Answer.Field("commits", .list(found.commits)),
        ]
        if last.ordinal != .max {
            fields.append(Answer.Field("lastOrdinal", .int(Int(last.ordinal))))
        }
        return .object(fields)
    }

    /// The commits of a store after a change, with so many changes, or those that there are.
    ///
    /// The first and the last commit may have some of their changes only.
    func commits(
        of store: Store, after start: SequenceNumber, countMax: Int = .max
    ) throws -> (commits: [Answer], last: SequenceNumber, isEnd: Bool) {
        var commits: [(number: UInt64, changes: [Answer])] = []
        var count = 0
        var last = start
        var isEnd = true
        do {
            try store.catchUp(after: start, view: .newAndOldImages, filter: .all) { change in
                let number = change.sequenceNumber.commit
                if count >= countMax {
                    // The last commit is whole if this is the first change of another one.
                    if number != last.commit { last = SequenceNumber(commit: last.commit) }
                    throw EnoughChanges()
                }
                if number != commits.last?.number { commits.append((number, [])) }
                commits[commits.count - 1].changes.append(try Self.shown(change))
                last = change.sequenceNumber
                count += 1
            }
            last = SequenceNumber(commit: last.commit)
        } catch is EnoughChanges {
            isEnd = false
        }
        let answers = commits.map { commit -> Answer in
            ["sequence": .count(commit.number), "changes": .list(commit.changes)]
        }
        return (answers, last, isEnd)
    }

    private static func shown(_ change: ChangeRecord) throws -> Answer {
        [
            "table": .text(change.table), "key": Items.shown(try change.key),
            "kind": .text(change.kind.rawValue), "isExpiry": .bool(change.isExpiry),
            "time": .number(change.time.timeIntervalSince1970),
            "ordinal": .int(Int(change.sequenceNumber.ordinal)),
            "old": Items.shown(optional: try change.oldImage),
            "new": Items.shown(optional: try change.newImage),
        ]
    }

    /// Which commits the segments of the log have, as their files say.
    func commitNumbers() throws -> Answer {
        let log = try LogInspection(at: try openStore().path)
        let segments = log.segments.map { segment -> Answer in
            [
                "number": .count(segment.number), "first": .count(segment.firstSequence),
                "count": .int(segment.commitCount), "end": .text(segment.end.rawValue),
            ]
        }
        return ["segments": .list(segments), "checkpoint": .count(log.checkpointSequence)]
    }
}
