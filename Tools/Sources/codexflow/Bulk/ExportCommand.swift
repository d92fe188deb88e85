import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes all items of a table in DynamoDB JSON, one on each line.",
        discussion: """
            With --s3, the items are written into a directory with the layout of DynamoDB's full \
            exports to S3: AWSDynamoDB/<export>/ with manifests and gzip files of {"Item": …} \
            lines. The export exists as a whole, or not at all.

            Encrypted values stay encrypted, and open in this store only. For another store with \
            the same keys, run `codexflow reseal --portable` first.
            """)

    /// The most bytes of a data file before compression.
    private static let dataFileByteCountMax = 256 << 20
    private static let fileCountMax = 10_000

    @OptionGroup var target: StoreArguments

    @Option(
        name: .shortAndLong,
        help: "The file to write, as gzip if it ends in .gz; - is standard output.")
    var output: String = "-"

    @Flag(
        help: "Wrap items as {\"Item\": …, \"Header\": {entity, schemaVersion, version}}.")
    var header = false

    @Flag(help: "Wrap items as {\"Item\": …}.")
    var items = false

    @Option(help: "The directory to write an export to S3 into, instead of a file.")
    var s3: String?

    @Option(help: "With --s3, the number of data files; without it, files of 256 MiB of JSON.")
    var files: Int?

    func validate() throws {
        if s3 != nil, output != "-" || header {
            throw ValidationError("Give --s3 without --output and --header.")
        }
        if header, items { throw ValidationError("Give one of --header and --items.") }
        guard let files else { return }
        if s3 == nil { throw ValidationError("Give --files with --s3.") }
        guard (1...Self.fileCountMax).contains(files) else {
            throw ValidationError("Give --files from 1 to \(Self.fileCountMax).")
        }
    }

    func run() async throws {
        if s3 != nil { try FileDigest.requireAvailable() }
        let store = try target.openForReading()
        defer { store.close() }
        let table = try target.definition(store).name
        if let s3 {
            try exportLayout(table, of: store, into: s3)
        } else {
            let file = try GzipWriter(
                output, compresses: output != "-" && output.hasSuffix(".gz"))
            try forEachLine(of: table, in: store) { try file.write($0) }
            try file.finish()
        }
        Console.endProgress()
    }

    private func exportLayout(
        _ table: String, of store: Store, into directory: String
    ) throws {
        var writer = try ExportWriter(
            in: directory, table: table, split: try split(table, of: store))
        do {
            try forEachLine(of: table, in: store) { try writer.append($0) }
            try writer.finish()
        } catch {
            writer.discard()
            throw error
        }
        Console.endProgress()
        Console.print("\(writer.itemCount) items in \(writer.fileCount) files: \(writer.path)")
    }

    private func split(_ table: String, of store: Store) throws -> ExportWriter.Split {
        guard let files else { return .byteCount(Self.dataFileByteCountMax) }
        let tree = try store.stats().trees.first { $0.table == table && $0.index == nil }
        let itemCount = tree?.entryCount ?? 0
        return .fileCount(files, itemCountEach: max(1, (itemCount + files - 1) / files))
    }

    /// Passes each item's line with its line feed, from one snapshot and in the order of keys.
    private func forEachLine(
        of table: String, in store: Store, _ body: (String) throws -> Void
    ) throws {
        var count = 0
        try store.read { snapshot in
            try snapshot.forEachItem(in: table) { view in
                try body(line(try view.item(), view.header, store) + "\n")
                count += 1
                if count.isMultiple(of: 1000) { Console.progress("\(count) items") }
                return true
            }
        }
    }

    private func line(_ item: Item, _ header: ItemHeader, _ store: Store) -> String {
        let text = DynamoDBJSON.text(item).printableJSON
        guard self.header else { return items || s3 != nil ? "{\"Item\":\(text)}" : text }
        var fields: Item = [
            "schemaVersion": .number(Number(header.schemaVersion)),
            "version": .number(Number(header.version)),
        ]
        if let entity = store.entityName(of: header) { fields["entity"] = .string(entity) }
        let rest = DynamoDBJSON.plainText(fields).printableJSON
        return "{\"Item\":\(text),\"Header\":\(rest)}"
    }
}
