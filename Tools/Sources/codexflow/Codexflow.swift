import ArgumentParser
import CodexCore
import CodexStore
import Foundation

@main
struct Codexflow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "codexflow",
        abstract: "Inspects, fills and checks Codex stores.",
        discussion: """
            A store is a directory. Items and figures are printed as tables on a terminal, and as \
            JSON with --json or if the output is no terminal. The exit code is 0 for done, 1 for a \
            failure or a difference, and 64 for wrong usage.
            """,
        version: "0.3.0",
        subcommands: serverCommands + [
            Initialize.self, Put.self, Get.self, UpdateCommand.self, DeleteCommand.self,
            QueryCommand.self, ScanCommand.self, Stats.self,
            Verify.self, Compact.self, Tail.self, LogCommand.self, Recover.self, Import.self,
            Export.self,
            Migrate.self, RepairQueue.self, TaskCommand.self, MCPCommand.self, KeysCommand.self,
            Seal.self, Reseal.self, PurgePlaintext.self,
            IndexCommand.self, SchemaCommand.self, Backup.self,
            Archive.self, Restore.self,
            VerifyBackup.self, Follow.self, Promote.self, Demo.self,
        ])

    private static var serverCommands: [any ParsableCommand.Type] {
        #if Server
            [Serve.self]
        #else
            [UnavailableServe.self]
        #endif
    }

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as CodexError {
            // The description begins with the code, and names only the types of some causes.
            Console.report(
                "\(error.description.dropFirst("\(error.code): ".count)) [\(error.code)]")
            Foundation.exit(1)
        } catch let error as CocoaError {
            Console.report(error.localizedDescription)
            Foundation.exit(1)
        } catch {
            let code = exitCode(for: error)
            // Help is the program's own text. Other messages repeat arguments.
            if code.isSuccess { exit(withError: error) }
            let message = fullMessage(for: error, columns: nil)
            if !message.isEmpty { Console.report(lines: message) }
            Foundation.exit(code.rawValue)
        }
    }
}

/// The common arguments of all commands on a store.
struct StoreArguments: ParsableArguments {
    @Argument(help: "The store's directory.")
    var store: String

    @Option(help: "The table; required if the store has several.")
    var table: String?

    @OptionGroup var keys: KeyFileArguments

    /// Opens the store for one command that writes.
    ///
    /// It opens the store as ``KeyFileArguments/openForWriting(_:schema:options:)`` does.
    func openForWriting() throws(CodexError) -> Store { try keys.openForWriting(store) }

    /// Opens the store for reading.
    func openForReading() throws(CodexError) -> Store { try keys.openForReading(store) }

    /// The table's definition.
    func definition(_ store: Store) throws -> TableDefinition {
        if let table { return try store.schema.table(table) }
        guard store.schema.tables.count == 1 else {
            throw CodexError(
                .unknownTable,
                "The store has several tables; name one with --table: "
                    + store.schema.tables.map(\.name).sorted().joined(separator: ", ") + ".")
        }
        return store.schema.tables[0]
    }
}

/// The format of printed results.
struct OutputArguments: ParsableArguments {
    @Flag(help: "Print JSON also on a terminal.")
    var json = false

    @Flag(help: "Print plain JSON instead of DynamoDB's typed one.")
    var plain = false

    var isTable: Bool { !json && !plain && Console.isTerminal }

    /// Prints an item.
    func show(_ item: Item) {
        if isTable {
            Console.item(item)
        } else {
            Console.print(json: plain ? DynamoDBJSON.plainText(item) : DynamoDBJSON.text(item))
        }
    }
}

extension KeyAttribute {
    /// A key value from the command line: text, a number, or base64 for a binary.
    func value(_ argument: String) throws -> AttributeValue {
        switch type {
        case .string: return .string(argument)
        case .number: return .number(try Number(parsing: argument))
        case .binary:
            guard let data = Data(base64Encoded: argument) else {
                throw CodexError(.invalidKey, "\(name) is a binary key: write it in base64.")
            }
            return .binary(Array(data))
        }
    }
}

/// The key of an item.
struct KeyArguments: ParsableArguments {
    @Argument(help: "The partition key.")
    var partition: String

    @Argument(help: "The sort key.")
    var sort: String?

    func primaryKey(in table: TableDefinition) throws -> PrimaryKey {
        PrimaryKey(
            try table.partitionKey.value(partition),
            try sort.map { text in
                guard let sortKey = table.sortKey else {
                    throw CodexError(.invalidKey, "Table \(table.name) has no sort key.")
                }
                return try sortKey.value(text)
            })
    }
}

#if !Server
    /// The command `serve` in a program without the server.
    struct UnavailableServe: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve",
            abstract: "Serves a store by DynamoDB's HTTP API (not in this build).")

        @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

        func run() throws {
            throw CodexError(
                .notFound,
                "This program was built without the server. `make serve` builds one that has it, and leaves it "
                    + "at .build-serve/release/codexflow.")
        }
    }
#endif
