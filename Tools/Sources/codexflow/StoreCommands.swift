import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Stats: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints a store's figures.")

    @Argument(help: "The store's directory.")
    var store: String

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    @Flag(help: "Print the schema, as JSON.")
    var schema = false

    func run() async throws {
        let opened = try Store(at: store, options: StoreOptions(isReadOnly: true))
        defer { opened.close() }
        if schema {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(opened.schema), as: UTF8.self))
            return
        }
        let stats = try opened.stats()
        if !json, Console.isTerminal {
            Console.table(
                ["table", "index", "entries", "size", "depth"],
                stats.trees.map {
                    [
                        $0.table, $0.index ?? "", "\($0.entryCount)",
                        Console.text(bytes: $0.byteCount), "\($0.depth)",
                    ]
                }, right: [2, 3, 4])
            print(
                "file \(Console.text(bytes: stats.fileByteCount)), commits \(stats.sequence), "
                    + "shapes \(stats.shapeCount)")
            return
        }
        let trees = stats.trees.map { tree -> AttributeValue in
            var map: AttributeMap = [
                "table": .string(tree.table), "entries": .number(Number(tree.entryCount)),
                "bytes": .number(Number(tree.byteCount)), "depth": .number(Number(tree.depth)),
            ]
            if let index = tree.index { map["index"] = .string(index) }
            return .map(map)
        }
        print(
            DynamoDBJSON.plainText([
                "trees": .list(trees), "shapes": .number(Number(stats.shapeCount)),
                "fileBytes": .number(Number(stats.fileByteCount)),
                "commits": .number(Number(stats.sequence)),
            ]))
    }
}

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Recomputes every index from the items; exits with 1 if anything differs.")

    @Argument(help: "The store's directory.")
    var store: String

    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    func run() async throws {
        let opened = try Store(at: store, options: StoreOptions(isReadOnly: true))
        defer { opened.close() }
        let report = try opened.verify()
        if json || !Console.isTerminal {
            var summary: Item = [
                "items": .number(Number(report.itemCount)),
                "entries": .number(Number(report.entryCount)),
            ]
            summary["differences"] = .list(
                report.differences.map { difference in
                    var map: AttributeMap = [
                        "kind": .string(difference.kind.rawValue),
                        "table": .string(difference.table),
                    ]
                    map["index"] = difference.index.map { .string($0) }
                    map["partition"] = difference.key?.partition
                    map["sort"] = difference.key?.sort
                    return .map(map)
                })
            print(DynamoDBJSON.plainText(summary))
            if !report.isSound { throw ExitCode(1) }
            return
        }
        for difference in report.differences {
            let key = difference.key.map { key in
                DynamoDBJSON.plainText(
                    ["key": .list([key.partition] + (key.sort.map { [$0] } ?? []))])
            }
            print(difference.description + (key.map { " \($0)" } ?? ""))
        }
        print(
            "\(report.itemCount) items, \(report.entryCount) index entries, "
                + "\(report.differences.count) differences")
        if !report.isSound { throw ExitCode(1) }
    }
}

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes all items of a table in DynamoDB JSON, one a line.")

    @OptionGroup var target: StoreArguments

    @Option(name: .shortAndLong, help: "The file to write; - is standard output.")
    var output: String = "-"

    @Flag(
        help: "Wrap items as {\"Item\": …, \"Header\": {entity, schemaVersion, version}}.")
    var header = false

    func run() async throws {
        let store = try Store(at: target.store, options: StoreOptions(isReadOnly: true))
        defer { store.close() }
        let definition = try target.definition(store)
        let handle: FileHandle
        if output == "-" {
            handle = .standardOutput
        } else {
            handle = try Self.openForWriting(output)
        }
        var buffer = ""
        var count = 0
        try store.read { snapshot in
            try snapshot.forEachItem(in: definition.name) { view in
                buffer += line(try view.item(), view.header, store) + "\n"
                count += 1
                if buffer.utf8.count > 1 << 18 {
                    try handle.write(contentsOf: Data(buffer.utf8))
                    buffer = ""
                    Console.progress("\(count) items")
                }
                return true
            }
        }
        try handle.write(contentsOf: Data(buffer.utf8))
        // Pipes and devices cannot be flushed; a plain file that cannot be is an error.
        if (try? FileManager.default.attributesOfItem(atPath: output)[.type] as? FileAttributeType)
            == .typeRegular
        {
            try handle.synchronize()
        }
        Console.endProgress()
    }

    /// Opens a file for writing, made if it is not there.
    ///
    /// What is there is written to, never replaced: it may be a link, a pipe or a device.
    private static func openForWriting(_ path: String) throws -> FileHandle {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CodexError(
                .notWritable,
                "Cannot write \(path): \(String(cString: strerror(errno))). Name another file.")
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private func line(_ item: Item, _ header: ItemHeader, _ store: Store) -> String {
        guard self.header else { return DynamoDBJSON.text(item) }
        var fields: Item = [
            "schemaVersion": .number(Number(header.schemaVersion)),
            "version": .number(Number(header.version)),
        ]
        if let entity = store.entityName(of: header) { fields["entity"] = .string(entity) }
        return "{\"Item\":\(DynamoDBJSON.text(item)),\"Header\":\(DynamoDBJSON.plainText(fields))}"
    }
}

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stores items from a file of DynamoDB JSON, one a line.",
        discussion: """
            Items replace those with their keys. A bad line ends the import with its number and \
            reason; the lines before it are stored. With --skip-bad the others go on, and the exit \
            code is 1.
            """)

    @OptionGroup var target: StoreArguments

    @Argument(help: "The file to read; - is standard input.")
    var file: String = "-"

    @Flag(help: "Report bad lines and go on.")
    var skipBad = false

    private static let batchCount = 1000

    func run() async throws {
        let store = try Store(at: target.store)
        defer { store.close() }
        let table = try target.definition(store).name
        var reader = try LineReader(file)
        var stored = 0
        var bad = 0
        var batch: [(line: Int, item: Item)] = []

        func flush() async throws {
            let items = batch
            batch = []
            guard !items.isEmpty else { return }
            let stopAtFirst = !skipBad
            let failures = try await store.write { transaction in
                var failures: [(line: Int, error: CodexError)] = []
                for (line, item) in items {
                    do throws(CodexError) {
                        try transaction.put(item, in: table)
                    } catch {
                        // The item changed nothing; if the transaction is broken, the next says so.
                        failures.append((line, error))
                        if stopAtFirst { break }
                    }
                }
                return failures
            }
            for failure in failures {
                Console.report("line \(failure.line): \(failure.error.message)")
            }
            bad += failures.count
            if let failure = failures.first, stopAtFirst {
                stored += items.count { $0.line < failure.line }
            } else {
                stored += items.count - failures.count
            }
            Console.progress("\(stored) items")
        }

        while bad == 0 || skipBad, let line = try reader.next() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            do throws(CodexError) {
                batch.append((reader.number, try DynamoDBJSON.item(parsing: line)))
            } catch {
                try await flush()
                if bad > 0, !skipBad { break }
                Console.report("line \(reader.number): \(error.message)")
                bad += 1
            }
            if batch.count >= Self.batchCount { try await flush() }
        }
        if bad == 0 || skipBad { try await flush() }
        Console.endProgress()
        print("\(stored) items stored, \(bad) bad lines")
        if bad > 0 { throw ExitCode(1) }
    }
}
