import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Tail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints changes as they are committed, by any process, until it is interrupted.",
        discussion: """
            On a terminal, each change is a line of text. With --json, or if the output is no \
            terminal, each change is a line of JSON, with keys and images in DynamoDB's typed \
            JSON. With --records, the output is whole commits in the form that `codexflow follow` \
            reads:

              codexflow tail leader --records --after 17 | codexflow follow follower
            """)

    @Argument(help: "The store's directory.")
    var store: String

    @Option(help: "Begin after this sequence number, as 17 or 17.3, instead of with new changes.")
    var after: String?

    @Flag(help: "Begin with the oldest change that is retained.")
    var fromStart = false

    @Option(help: "End after this number of changes.")
    var count: Int?

    @Option(help: "The images to print: keys, new, old or both.")
    var view = View.both

    @Option(parsing: .upToNextOption, help: "Only items of these entities.")
    var entity: [String] = []

    @Option(help: "Only items whose partition key begins with this.")
    var partition: String?

    @Option(help: "Only items whose sort key begins with this.")
    var sort: String?

    @Option(parsing: .upToNextOption, help: "Only these kinds: insert, modify, remove.")
    var kind: [Kind] = []

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    @Flag(help: "Write all commits, in binary, for `codexflow follow`.")
    var records = false

    @Flag(help: "Accepted and ignored: the command always waits for new changes.")
    var follow = false

    @OptionGroup var keys: KeyFileArguments

    enum View: String, ExpressibleByArgument, CaseIterable {
        case keys, new, old, both

        var streamView: StreamView {
            switch self {
            case .keys: .keysOnly
            case .new: .newImage
            case .old: .oldImage
            case .both: .newAndOldImages
            }
        }
    }

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case insert, modify, remove

        var changeKind: ChangeRecord.Kind {
            switch self {
            case .insert: .insert
            case .modify: .modify
            case .remove: .remove
            }
        }
    }

    func validate() throws {
        if let after, SequenceNumber(after) == nil {
            throw ValidationError("--after takes a sequence number, as 17 or 17.3.")
        }
        if after != nil, fromStart {
            throw ValidationError("--after and --from-start exclude each other.")
        }
        if let count, count < 1 { throw ValidationError("--count is at least 1.") }
        let isFiltered =
            !entity.isEmpty || partition != nil || sort != nil || !kind.isEmpty || count != nil
        guard records else { return }
        if isFiltered || json || view != .both {
            throw ValidationError("--records writes all commits, and takes no filters.")
        }
        guard fromStart || after.map({ UInt64($0) != nil }) == true else {
            throw ValidationError(
                "--records begins after the follower's last commit. Name it, as --after 17.")
        }
    }

    func run() async throws {
        let opened = try keys.openReporting(store, isReadOnly: true)
        defer { opened.close() }
        if records { return try await giveRecords(of: opened) }
        let filter = ChangeFilter(
            entities: entity.isEmpty ? nil : Set(entity), partitionKeyPrefix: partition,
            sortKeyPrefix: sort, kinds: kind.isEmpty ? nil : Set(kind.map(\.changeKind)))
        let changes = opened.changes(
            after: position, view: view.streamView, filter: filter)
        let isText = !json && Console.isTerminal
        var printed = 0
        for try await change in changes {
            let line = isText ? try change.line : try change.json(opened.schema)
            try Console.send(line, isJSON: !isText)
            printed += 1
            if printed == count { break }
        }
    }

    private func giveRecords(of store: Store) async throws {
        let last = try after.flatMap { UInt64($0) } ?? store.stats().trimmedSequence
        for try await chunk in store.replicationStream(after: last) {
            try Console.send(chunk)
        }
    }

    private var position: StreamPosition {
        if let number = after.flatMap(SequenceNumber.init) { return .sequenceNumber(number) }
        return fromStart ? .trimHorizon : .latest
    }
}

extension ChangeRecord {
    /// The change as a line for people.
    fileprivate var line: String {
        get throws {
            let key = try key
            let keys = [key.partition, key.sort].compactMap { $0 }.map(Console.text(value:))
            let name = isExpiry ? "EXPIRE" : kind.rawValue
            var line = "\(sequenceNumber)  \(time.formatted(.iso8601))  \(name)  "
            line += (try entity).map { "\($0) " } ?? ""
            line += keys.joined(separator: " / ")
            let (old, new) = (try oldImage, try newImage)
            guard let old, let new else { return line }
            let names = Set(old.names).union(new.names).filter { old[$0] != new[$0] }
            return line + "  [\(names.sorted().joined(separator: ", "))]"
        }
    }

    /// A line of JSON; keys and images are in DynamoDB's typed JSON.
    fileprivate func json(_ schema: Schema) throws -> String {
        var record: Item = [
            "eventName": .string(kind.rawValue),
            "sequenceNumber": .string(sequenceNumber.description), "table": .string(table),
            "time": .number(try Number(parsing: String(time.timeIntervalSince1970))),
        ]
        if let entity = try entity { record["entity"] = .string(entity) }
        if isExpiry { record["expired"] = .bool(true) }
        // The images are in DynamoDB's typed JSON, inside a plain object.
        var text = String(DynamoDBJSON.plainText(record).dropLast())
        let keys = try schema.table(table).attributes(of: key)
        for (name, image) in [
            ("keys", keys), ("oldImage", try oldImage), ("newImage", try newImage),
        ] {
            if let image { text += ",\"\(name)\":\(DynamoDBJSON.text(image))" }
        }
        return text + "}"
    }
}

struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Inspects the segments of a store's log; exits with 1 if records are missing.",
        discussion: "The store may be in use, or need recovery. It is neither opened nor changed.")

    @Argument(help: "The store's directory.")
    var store: String

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    func run() async throws {
        let log = try LogInspection(at: store)
        if json || !Console.isTerminal { printJSON(log) } else { printTable(log) }
        if log.segments.contains(where: { $0.end == .damaged }) { throw ExitCode.failure }
    }

    private func printTable(_ log: LogInspection) {
        Console.table(
            [
                "segment", "size", "used", "incarnation", "commits", "changes", "sequence numbers",
                "begun", "end",
            ],
            log.segments.map { segment in
                let last = segment.firstSequence + UInt64(segment.commitCount)
                return [
                    segment.name, Console.text(bytes: segment.byteCount),
                    Console.text(bytes: segment.usedByteCount), "\(segment.incarnation)",
                    "\(segment.commitCount)", "\(segment.changeCount)",
                    segment.commitCount == 0 ? "" : "\(segment.firstSequence)-\(last - 1)",
                    segment.times?.lowerBound.formatted(.iso8601) ?? "", segment.end.rawValue,
                ]
            }, right: [1, 2, 3, 4, 5])
        let last = log.segments.last.map { $0.firstSequence + UInt64($0.commitCount) - 1 } ?? 0
        let rest = last - min(last, log.checkpointSequence)
        Console.print(
            "checkpoint at \(log.checkpointSequence), \(rest) commits after it"
                + (log.spareByteCount.map { ", a spare of \(Console.text(bytes: $0))" } ?? ""))
    }

    private func printJSON(_ log: LogInspection) {
        let segments = log.segments.map { segment -> AttributeValue in
            var map: AttributeMap = [
                "number": .number(Number(Int(segment.number))), "name": .string(segment.name),
                "bytes": .number(Number(segment.byteCount)),
                "usedBytes": .number(Number(segment.usedByteCount)),
                "incarnation": .number(Number(Int(segment.incarnation))),
                "firstSequence": .number(Number(Int(segment.firstSequence))),
                "commits": .number(Number(segment.commitCount)),
                "changes": .number(Number(segment.changeCount)),
                "end": .string(segment.end.rawValue),
            ]
            if let times = segment.times {
                map["first"] = .string(times.lowerBound.formatted(.iso8601))
                map["last"] = .string(times.upperBound.formatted(.iso8601))
            }
            return .map(map)
        }
        var item: Item = [
            "segments": .list(segments),
            "checkpoint": .number(Number(Int(log.checkpointSequence))),
        ]
        item["spareBytes"] = log.spareByteCount.map { .number(Number($0)) }
        Console.print(json: DynamoDBJSON.plainText(item))
    }
}

struct Recover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Opens a store for writing, which recovers it after a crash, and closes it.",
        discussion: "Every program that opens the store for writing does the same.")

    @Argument(help: "The store's directory.")
    var store: String

    @OptionGroup var keys: KeyFileArguments

    func run() async throws {
        let opened = try keys.openForWriting(store)
        defer { opened.close() }
        guard let report = opened.recovery else {
            Console.print("in use: another process has it open, and recovered it")
            return
        }
        guard report.commitCount > 0 || report.foundTornRecord else {
            Console.print("nothing to redo: all commits are in the data file")
            return
        }
        Console.print(
            "\(report.commitCount) commits with \(report.changeCount) changes redone in "
                + Console.text(report.duration)
                + (report.foundTornRecord
                    ? "; a torn record at the end of the log was left out (see Docs/Durability.md)"
                    : ""))
    }
}
