import ArgumentParser
import Codex
import CodexCore
import CodexStore
import Foundation

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Stores items from DynamoDB JSON, from an export to S3, or from a git repository.",
        discussion: """
            A file is plain or gzip, and gzip data must be sound to its end. A directory has .json \
            and .json.gz files, or is a full export as DynamoDB writes it to S3. The files of an \
            export are compared with its manifest before anything is stored.

            Items replace those with the same keys. A bad line ends the import with its number and \
            the reason; the lines before it are stored. With --skip-bad, the import goes on after \
            a bad line, and the exit code is 1.

            --bulk is the fastest way to fill an empty table: its indexes are built at the end. A \
            refused item then ends the import, and its batch is not stored.

            --git makes a workspace of a repository's history. Authors become users, the \
            repository becomes a project, and commits become tasks with their dates, assignees and \
            labels by folder. It can be repeated: it adds the commits that the project lacks, and \
            changes and removes nothing. The project is the one that has commits of the \
            repository. Otherwise it has the name of the repository's folder, with a number if \
            another repository has that name (Docs/Imports.md).

            An export of a table that remote clients write has the attribute $entity, and items \
            that the clients keep for themselves: markers and guards, for example. They are left \
            out, and counted. Items of earlier schema versions are upgraded (Docs/Remote.md).

            Lines with encrypted fields need the keys (--key-file). With them, plain values are \
            sealed, and encrypted values are checked. Values of another store open only if \
            `codexflow reseal --portable` was run there before the export, and if this store \
            encrypts the same fields.
            """)

    @OptionGroup var target: StoreArguments

    @Argument(help: "The file or directory to read; - is standard input.")
    var file: String = "-"

    @Flag(help: "Report bad lines, and go on.")
    var skipBad = false

    @Flag(help: "Build the indexes of an empty table at the end.")
    var bulk = false

    @Flag(
        help: """
            Store encrypted values without a check: without keys, for an export of this store; \
            and in fields that this store does not encrypt, as data.
            """)
    var trustSealed = false

    @Option(help: "Import the history of the git repository at this path instead of a file.")
    var git: String?

    @Option(
        help: """
            With --git, the identifier of the project that gets the commits; without it, the \
            project is found.
            """)
    var project: String?

    func validate() throws {
        if git != nil, file != "-" || bulk || skipBad || trustSealed || target.table != nil {
            throw ValidationError(
                "--git takes no file, --table, --bulk, --skip-bad or --trust-sealed.")
        }
        if project != nil, git == nil { throw ValidationError("Give --project with --git.") }
    }

    func run() async throws {
        let store = try target.openForWriting()
        defer { store.close() }
        if let git {
            let named = try project.map { try CodexFlow.Project.ID($0) }
            let summary = try await GitImport(git, into: store, project: named).run()
            Console.endProgress()
            Console.print("\(summary)")
            for skip in summary.skipped { Console.report("\(skip.hash): \(skip.reason)") }
            if !summary.skipped.isEmpty { throw ExitCode(1) }
            return
        }
        let table = try target.definition(store).name
        let source = try ImportSource(file)
        try source.check()
        var loader = BulkLoader(
            store: store, table: table, skipsBad: skipBad,
            export: try CodexFlow.RemoteExport(of: table, for: store.schema),
            rule: trustSealed
                ? nil : SealedLineRule(store.schema, table, hasKeys: target.keys.hasKeys))
        do {
            if bulk {
                try await loader.loadInBulk(source.files)
            } else {
                for file in source.files where !loader.isStopped { try await loader.load(file) }
            }
        } catch {
            Console.endProgress()
            // A failed bulk load cannot report a count: it has stored whole batches.
            if !bulk { Console.print(loader.summary) }
            throw (error as? CodexError).map { $0.advised as any Error } ?? error
        }
        Console.endProgress()
        Console.print(loader.summary)
        if loader.badCount > 0 { throw ExitCode(1) }
    }
}

/// Stores the items of files, in batches.
private struct BulkLoader {
    private static let batchCountMax = 1000
    private static let batchByteCountMax = 8 << 20

    let store: Store
    let table: String
    let skipsBad: Bool
    /// What a remote table has more than a store.
    private let export: CodexFlow.RemoteExport
    /// The rule that refuses lines with encrypted values; `nil` refuses none.
    private let rule: SealedLineRule?

    private(set) var storedCount = 0
    private(set) var badCount = 0
    /// The items that remote clients keep for themselves.
    private var leftOutCount = 0
    private var batch: [(line: Int, item: Item)] = []
    private var batchByteCount = 0

    init(
        store: Store, table: String, skipsBad: Bool, export: CodexFlow.RemoteExport,
        rule: SealedLineRule?
    ) {
        self.store = store
        self.table = table
        self.skipsBad = skipsBad
        self.export = export
        self.rule = rule
    }

    /// Whether a bad line ended the import.
    var isStopped: Bool { badCount > 0 && !skipsBad }

    /// What was stored, and what was not.
    var summary: String {
        let leftOut = ", \(leftOutCount) items of remote clients left out"
        return "\(storedCount) items stored, \(badCount) bad lines"
            + (leftOutCount > 0 ? leftOut : "")
    }

    /// Stores a file's items up to its end, or up to a bad line.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the file is damaged, or does not have the number
    ///   of items in its manifest. Earlier items stay stored.
    mutating func load(_ file: ImportSource.File) async throws {
        var reader = try LineReader(file.path)
        var itemCount = 0
        while !isStopped {
            let line: [UInt8]
            do throws(CodexError) {
                guard let next = try reader.next() else { break }
                line = next
            } catch {
                try await flush(file)
                throw error
            }
            itemCount += 1
            try await add(line, number: reader.number, of: file)
        }
        try await flush(file)
        if !isStopped { try Self.check(itemCount, of: file) }
    }

    /// Stores the items of all files in one load, which builds the indexes last.
    ///
    /// - Throws: As ``load(_:)``, and the store's errors for an item.
    mutating func loadInBulk(_ files: [ImportSource.File]) async throws {
        var rest = files[...]
        var current: (file: ImportSource.File, reader: LineReader, itemCount: Int)?
        storedCount = try await store.load(into: table) {
            while true {
                if current == nil {
                    guard let file = rest.popFirst() else { return nil }
                    current = (file, try LineReader(file.path), 0)
                }
                guard let file = current?.file else { return nil }
                guard let line = try current?.reader.next() else {
                    try Self.check(current?.itemCount ?? 0, of: file)
                    current = nil
                    continue
                }
                current?.itemCount += 1
                do throws(CodexError) {
                    if let item = try self.item(of: line) { return item }
                    leftOutCount += 1
                } catch {
                    let number = current?.reader.number ?? 0
                    report(number, ChangeLine.problem(line) ?? error.message, in: file)
                    if isStopped { return nil }
                }
            }
        }
    }

    /// Decodes the item of a line; an export has encrypted fields in their stored form.
    ///
    /// - Returns: The item; `nil` for one that a remote client keeps for itself.
    /// - Throws: The error in the line; as ``SealedLineRule/check(_:)``.
    private func item(of line: [UInt8]) throws(CodexError) -> Item? {
        let exported = try DynamoDBJSON.item(parsing: line)
        guard let item = try export.storedItem(for: exported) else { return nil }
        try rule?.check(item)
        return item.recognizingSealedValues()
    }

    private static func check(_ itemCount: Int, of file: ImportSource.File) throws(CodexError) {
        guard let expected = file.itemCount, expected != itemCount else { return }
        throw CodexError(
            .corrupted,
            "\(file.path) has \(itemCount) items, and \(expected) by the manifest. Copy it again.")
    }

    private mutating func add(
        _ line: [UInt8], number: Int, of file: ImportSource.File
    ) async throws {
        do throws(CodexError) {
            guard let item = try item(of: line) else {
                leftOutCount += 1
                return
            }
            batch.append((number, item))
            batchByteCount += line.count
        } catch {
            // Earlier lines are stored first, since one of them may end the import.
            try await flush(file)
            if !isStopped { report(number, ChangeLine.problem(line) ?? error.message, in: file) }
        }
        if batch.count >= Self.batchCountMax || batchByteCount >= Self.batchByteCountMax {
            try await flush(file)
        }
    }

    private mutating func flush(_ file: ImportSource.File) async throws {
        let (items, table, stopsAtFirst) = (batch, table, !skipsBad)
        (batch, batchByteCount) = ([], 0)
        guard !items.isEmpty, !isStopped else { return }
        let failures = try await store.write { transaction in
            var failures: [(line: Int, error: CodexError)] = []
            for (line, item) in items {
                do throws(CodexError) {
                    try transaction.put(item, in: table)
                } catch {
                    // The failed item changed nothing. If the transaction is broken, the next put
                    // throws.
                    failures.append((line, error))
                    if stopsAtFirst { break }
                }
            }
            return failures
        }
        if let first = failures.first, stopsAtFirst {
            storedCount += items.count { $0.line < first.line }
        } else {
            storedCount += items.count - failures.count
        }
        for failure in failures { report(failure.line, failure.error.advised.message, in: file) }
        Console.progress("\(storedCount) items")
    }

    private mutating func report(_ line: Int, _ problem: String, in file: ImportSource.File) {
        badCount += 1
        Console.report((file.name.map { $0 + ", " } ?? "") + "line \(line): \(problem)")
    }
}

/// A line of an incremental export, which has a change and not an item.
private struct ChangeLine: Decodable {
    private struct Ignored: Decodable {
        init(from decoder: any Decoder) {}
    }

    private enum CodingKeys: String, CodingKey {
        case metadata = "Metadata"
        case keys = "Keys"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        _ = try container.decode(Ignored.self, forKey: .metadata)
        _ = try container.decode(Ignored.self, forKey: .keys)
    }

    /// The error in a line, if it is a change and not an item.
    static func problem(_ line: [UInt8]) -> String? {
        guard (try? JSONDecoder().decode(Self.self, from: Data(line))) != nil else { return nil }
        return "It is of an incremental export, which has changes. Import a full export."
    }
}
