import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints a store's figures.")

    @Argument(help: "The store's directory.")
    var store: String

    @OptionGroup var keys: KeyFileArguments

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    @Flag(help: "Print the schema, as JSON.")
    var schema = false

    func run() async throws {
        let opened = try keys.openForReading(store)
        defer { opened.close() }
        if schema {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let text = String(decoding: try encoder.encode(opened.schema), as: UTF8.self)
            Console.print(json: text)
            return
        }
        let stats = try opened.stats()
        let status = try opened.buildStatus()
        func part(_ tree: StoreStatistics.Tree) -> BuildStatus? {
            let kind: BuildStatus.Kind = tree.counter == nil ? .index : .counter
            let name = tree.index ?? tree.counter
            return status.first { $0.table == tree.table && $0.kind == kind && $0.name == name }
        }
        if !json, Console.isTerminal {
            Console.table(
                ["table", "index or counter", "entries", "size", "depth", "state", "layout"],
                stats.trees.map { tree -> [String] in
                    let own = part(tree)
                    return [
                        tree.table, tree.index ?? tree.counter ?? "", "\(tree.entryCount)",
                        Console.text(bytes: tree.byteCount), "\(tree.depth)",
                        own?.state.rawValue ?? "", own?.layoutText ?? "",
                    ]
                }, right: [2, 3, 4])
            Console.print(
                "file \(Console.text(bytes: stats.fileByteCount)), commits \(stats.sequence), "
                    + "shapes \(stats.shapeCount), log \(Console.text(bytes: stats.logByteCount)) "
                    + "with the changes after commit \(stats.trimmedSequence)")
            if let follower = stats.follower {
                let time = follower.committedAt.map { ", the last of \(Timestamp.text($0))" } ?? ""
                Console.print(
                    "follows \(follower.leaderID), \(follower.lagCommitCount) known commits behind"
                        + time)
            }
            Console.table(
                ["consumer", "checkpoint", "commits behind", "time behind", "parked"],
                stats.consumers.map {
                    [
                        $0.name, $0.sequenceNumber.description + ($0.isTrimmed ? " (trimmed)" : ""),
                        "\($0.lagCommitCount)", Console.text($0.lag), "\($0.deadLetterCount)",
                    ]
                }, right: [2, 3, 4])
            for undecided in stats.undecided { Console.print(undecided.text) }
            return
        }
        let trees = stats.trees.map { tree -> AttributeValue in
            var map: AttributeMap = [
                "table": .string(tree.table), "entries": .number(Number(tree.entryCount)),
                "bytes": .number(Number(tree.byteCount)), "depth": .number(Number(tree.depth)),
            ]
            map["index"] = tree.index.map { .string($0) }
            map["counter"] = tree.counter.map { .string($0) }
            let own = part(tree)
            map["state"] = own.map { .string($0.state.rawValue) }
            map["layout"] = own?.layout.map { .string($0.rawValue) }
            map["nextLayout"] = own?.nextLayout.map { .string($0.rawValue) }
            return .map(map)
        }
        var figures: Item =
            [
                "trees": .list(trees), "shapes": .number(Number(stats.shapeCount)),
                "fileBytes": .number(Number(stats.fileByteCount)),
                "commits": .number(Number(stats.sequence)),
                "trimmedCommits": .number(Number(Int(stats.trimmedSequence))),
                "logBytes": .number(Number(stats.logByteCount)),
                "consumers": .list(
                    stats.consumers.map {
                        .map([
                            "name": .string($0.name),
                            "sequenceNumber": .string($0.sequenceNumber.description),
                            "lagCommits": .number(Number(Int($0.lagCommitCount))),
                            "lagSeconds": .number(Number(Int($0.lag.components.seconds))),
                            "parked": .number(Number($0.deadLetterCount)),
                            "trimmed": .bool($0.isTrimmed),
                        ])
                    }),
            ]
        if let follower = stats.follower {
            figures["leader"] = .string("\(follower.leaderID)")
            figures["leaderCommits"] = .number(Number(follower.leaderSequence))
            figures["lagCommits"] = .number(Number(follower.lagCommitCount))
            figures["committedAt"] = follower.committedAt.map { .string(Timestamp.text($0)) }
        }
        if !stats.undecided.isEmpty {
            figures["undecided"] = .list(
                stats.undecided.map {
                    .map(["table": .string($0.table), "state": .string($0.state.rawValue)])
                })
        }
        Console.print(json: DynamoDBJSON.plainText(figures))
    }
}

extension BuildStatus {
    /// The layout of an index, and the one that it gets.
    fileprivate var layoutText: String {
        (layout?.rawValue ?? "") + (nextLayout.map { ", then \($0.rawValue)" } ?? "")
    }
}

extension StoreStatistics.Undecided {
    /// The description of the state, and the advice about it.
    fileprivate var text: String {
        switch state {
        case .deciding:
            "\(table): values of an earlier format are being decided while the store is open for "
                + "writing"
        case .waiting:
            "\(table): values of an earlier format are undecided, since keys were missing, or the "
                + "values are damaged; `codexflow verify` counts them"
        }
    }
}

struct Compact: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Rewrites a store's data file without free pages.",
        discussion: """
            No other process may have the store open, and the disk must have room for a copy of \
            its contents. The store is compacted as a whole or not at all, also if the command is \
            killed.
            """)

    @Argument(help: "The store's directory.")
    var store: String

    @OptionGroup var keys: KeyFileArguments

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    func run() async throws {
        let opened = try keys.openForWriting(store)
        defer { opened.close() }
        let report = try await opened.compact()
        if !json, Console.isTerminal {
            Console.print(
                "\(Console.text(bytes: report.byteCountBefore)) before, "
                    + "\(Console.text(bytes: report.byteCountAfter)) now")
            return
        }
        Console.print(
            json: DynamoDBJSON.plainText([
                "bytesBefore": .number(Number(report.byteCountBefore)),
                "bytes": .number(Number(report.byteCountAfter)),
            ]))
    }
}

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Recomputes every index from the items; exits with 1 if anything differs.",
        discussion: """
            With the keys, it opens each encrypted value. In a store of an earlier format, it \
            counts the values that are undecided: they may be encrypted values or data. Opening \
            the store for writing with the keys decides them. Restore or replace damaged ones.
            """)

    @Argument(help: "The store's directory.")
    var store: String

    @OptionGroup var keys: KeyFileArguments

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    func run() async throws {
        let opened = try keys.openForReading(store)
        defer { opened.close() }
        let report = try opened.verify()
        if json || !Console.isTerminal {
            var summary: Item = [
                "items": .number(Number(report.itemCount)),
                "entries": .number(Number(report.entryCount)),
                "groups": .number(Number(report.groupCount)),
            ]
            summary["differences"] = .list(
                report.differences.map { difference in
                    var map: AttributeMap = [
                        "kind": .string(difference.kind.rawValue),
                        "table": .string(difference.table),
                    ]
                    map["index"] = difference.index.map { .string($0) }
                    map["attribute"] = difference.attribute.map { .string($0) }
                    map["partition"] = difference.key?.partition
                    map["sort"] = difference.key?.sort
                    return .map(map)
                })
            if !report.undecided.isEmpty {
                summary["undecided"] = .list(
                    report.undecided.map {
                        .map([
                            "table": .string($0.table), "values": .number(Number($0.count)),
                            "damaged": .number(Number($0.damagedCount)),
                        ])
                    })
            }
            Console.print(json: DynamoDBJSON.plainText(summary))
            if !report.isSound { throw ExitCode(1) }
            return
        }
        for difference in report.differences {
            let key = difference.key.map { key in
                DynamoDBJSON.plainText(
                    ["key": .list([key.partition] + (key.sort.map { [$0] } ?? []))])
            }
            Console.print(difference.description + (key.map { " \($0)" } ?? ""))
        }
        Console.print(
            "\(report.itemCount) items, \(report.entryCount) index entries, "
                + "\(report.groupCount) groups of counters, \(report.differences.count) differences"
        )
        for undecided in report.undecided {
            Console.print(
                "\(undecided.table): \(undecided.count) undecided values, "
                    + "\(undecided.damagedCount) of them damaged")
        }
        if !report.isSound { throw ExitCode(1) }
    }
}
