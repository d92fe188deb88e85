import CodexCore
import CodexStore
import Foundation

extension SimulatedProcess {
    /// How many processes' markers are looked for.
    private static let markerCountMax = 32

    /// The newest commit of a store.
    func newestSequence(of store: Store) throws -> UInt64 {
        try store.read { try $0.sequenceNumber.commit }
    }

    /// Reads items, groups, totals and markers in one snapshot.
    func read(_ command: Command) throws -> Answer {
        .object(try openStore().read { snapshot in try Self.read(command, snapshot) })
    }

    /// Reads what a command names in a snapshot.
    static func read(
        _ command: Command, _ snapshot: borrowing Snapshot
    ) throws -> [Answer.Field] {
        var fields = [
            Answer.Field("sequence", .count(try snapshot.sequenceNumber.commit))
        ]
        if let keys = command.items {
            let items = try snapshot.items(in: Items.table, keys: keys.map(\.primaryKey))
            fields.append(Answer.Field("items", .list(items.map { Items.shown(optional: $0) })))
        }
        if let groups = command.groups {
            var answers: [Answer] = []
            for group in groups {
                let query = TableQuery(
                    table: Items.table, index: "byG", partition: [.string(group)])
                let page = try snapshot.items(matching: query)
                answers.append(.list(page.items.map { Items.shown($0) }))
            }
            fields.append(Answer.Field("groups", .list(answers)))
        }
        if let groups = command.totals {
            var answers: [Answer] = []
            for group in groups {
                let total = try snapshot.total(
                    of: "perG", in: Items.table, group: [.string(group)])
                answers.append(Items.shown(total))
            }
            fields.append(Answer.Field("totals", .list(answers)))
        }
        if command.markers == true {
            fields.append(Answer.Field("markers", try markers(snapshot)))
        }
        if let numbers = command.orders {
            fields.append(Answer.Field("orders", try orders(numbers, snapshot)))
        }
        if let sites = command.sites {
            fields.append(Answer.Field("open", try openOrders(sites, snapshot)))
        }
        if let keys = command.passes {
            let passes = try snapshot.items(in: Items.passTable, keys: keys.map(\.primaryKey))
            fields.append(Answer.Field("passes", .list(passes.map { Items.shown(optional: $0) })))
        }
        return fields
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
    func scan(_ store: Store) throws -> [Answer.Field] {
        var fields = try store.read { snapshot in try Self.scan(snapshot) }
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

    private static func scan(_ snapshot: borrowing Snapshot) throws -> [Answer.Field] {
        [
            Answer.Field("sequence", .count(try snapshot.sequenceNumber.commit)),
            Answer.Field("items", try items(TableScan(table: Items.table), snapshot)),
            Answer.Field("counters", try items(TableScan(table: Items.consumerTable), snapshot)),
            Answer.Field("byG", try items(TableScan(table: Items.table, index: "byG"), snapshot)),
            Answer.Field("byU", try items(TableScan(table: Items.table, index: "byU"), snapshot)),
            Answer.Field("byV", try items(TableScan(table: Items.table, index: "byV"), snapshot)),
            Answer.Field("totals", try totals(of: "perG", snapshot)),
            Answer.Field("addedTotals", try totals(of: Items.addedCounter.name, snapshot)),
            Answer.Field("orders", .object(try scanOrders(snapshot))),
            Answer.Field("passes", .object(try scanPasses(snapshot))),
        ]
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
