import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Upgrades a store of an earlier release, and its CodexFlow items, to this one.",
        discussion: """
            First, the indexes of an earlier release that have copies of whole items get \
            references. A unique index with equal keys is named, and gets them too. If the store \
            has no room for more trees, the other indexes keep their copies, and the exit code is \
            1. Then items are upgraded, and stored in the form of this release. Items that cannot \
            be upgraded are left as they are and are listed, and the exit code is 1. If the \
            command is interrupted, run it again: it goes on with the rest. Programs migrate their \
            own entities with Store.migrate(_:).
            """)

    @Argument(help: "The store's directory.")
    var store: String

    @OptionGroup var keys: KeyFileArguments

    func run() async throws {
        let isChanged = try await changeLayouts()
        let types = try knownTypes()
        // This release's definitions raise the store's schema versions.
        let tables = CodexFlow.schema.tables.map {
            TableDefinition($0.name, partitionKey: $0.partitionKey, sortKey: $0.sortKey)
        }
        let store = try keys.openForWriting(
            store, schema: Schema(tables: tables, entities: types.map { $0.definition }))
        defer { store.close() }
        var (migratedCount, failureCount) = (0, 0)
        for type in types {
            let report = try await migrate(type, store)
            migratedCount += report.migratedCount
            failureCount += report.failureCount
            for failure in report.failures { Console.report(failure) }
        }
        Console.endProgress()
        Console.print("\(migratedCount) items migrated, \(failureCount) refused")
        if failureCount > 0 || !isChanged { throw ExitCode(1) }
    }

    /// Gives the indexes of an earlier release their new layouts, and waits for them.
    ///
    /// Later writes then change no copies.
    ///
    /// - Returns: Whether all of them have their new layouts; if not, the reason is reported.
    private func changeLayouts() async throws -> Bool {
        // Opening for writing upgrades a store of an earlier format.
        let opened = try keys.openForWriting(store)
        defer { opened.close() }
        var (count, begunCount) = (0, 0)
        var (conflict, shortage): (CodexError?, CodexError?) = (nil, nil)
        repeat {
            do {
                // An interrupted command may have begun changes. When they end, their old trees
                // make room for others.
                try await opened.waitUntilReady()
            } catch let error as CodexError where error.code == .indexNotReady {
                // An index with equal keys changes its layout all the same.
                conflict = error
            }
            do {
                begunCount = try await opened.changeFormerLayouts()
                count += begunCount
            } catch let error as CodexError where error.code == .limitReached {
                (shortage, begunCount) = (error, 0)
            }
        } while begunCount > 0
        if count > 0 { Console.print("\(count) indexes have references now") }
        for error in [conflict, shortage].compactMap({ $0 }) {
            Console.report("\(error.message) [\(error.code)]")
        }
        return shortage == nil
    }

    /// CodexFlow's entities in the store.
    private func knownTypes() throws -> [any Entity.Type] {
        let opened = try keys.openForWriting(store)
        defer { opened.close() }
        let known = Set(opened.schema.entities.map(\.name))
        let types = CodexFlow.entities.filter { known.contains($0.definition.name) }
        guard !types.isEmpty else {
            throw CodexError(
                .unknownEntity,
                "The store has none of CodexFlow's entities. Migrate it with the program that made it."
            )
        }
        return types
    }

    private func migrate<E: Entity>(_ type: E.Type, _ store: Store) async throws -> MigrationReport
    {
        try await store.migrate(type) { report in
            Console.progress("\(type.definition.name): \(report.examinedCount) items")
        }
    }
}

struct IndexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Adds, changes and removes indexes of a store that is in use.",
        subcommands: [Add.self, Layout.self, Remove.self, Duplicates.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds an index and waits until it is built.",
            discussion: """
                The definition is JSON as `stats --schema` prints it: {"name": …, "partitionKey": \
                [{"name": …, "type": "S"}], "sortKey": [], "projection": {"all": {}}, "isUnique": \
                false}.
                """)

        @OptionGroup var target: StoreArguments

        @Argument(help: "The definition in JSON.")
        var definition: String

        func run() async throws {
            let store = try target.openForWriting()
            defer { store.close() }
            let index: IndexDefinition
            do {
                index = try JSONDecoder().decode(
                    IndexDefinition.self, from: Data(definition.utf8))
            } catch {
                throw CodexError(
                    .invalidSchema, "The definition is not an index in JSON.", cause: error)
            }
            do {
                try await store.addIndex(index, to: target.definition(store).name)
            } catch CodexError.Code.indexNotReady {
                // The index exists and had equal keys, which may be gone now.
            }
            do {
                try await store.waitUntilReady()
            } catch CodexError.Code.indexNotReady {
                throw CodexError(
                    .indexNotReady,
                    "Items have equal keys in a unique index: `codexflow index duplicates` lists them. "
                        + "Change them, then add the index again.")
            }
            Console.print("\(index.name) is ready")
        }
    }

    struct Layout: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes how an index is stored, and waits until that is done.",
            discussion: """
                With references, an entry refers to its item: writes cost less, and the store is \
                smaller. With copies, an entry has the attributes of its projection: queries are \
                faster. Queries return the same, and are answered during the change. If the \
                command is interrupted, the change goes on whenever the store is open for writing.
                """)

        @OptionGroup var target: StoreArguments

        @Argument(help: "The index's name.")
        var name: String

        @Argument(help: "The layout: references or copies.")
        var layout: IndexLayout

        func run() async throws {
            let store = try target.openForWriting()
            defer { store.close() }
            let table = try target.definition(store).name
            try await store.changeLayout(ofIndex: name, in: table, to: layout)
            try await store.waitUntilReady()
            Console.print("\(name) has \(layout.rawValue)")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Removes an index.")

        @OptionGroup var target: StoreArguments

        @Argument(help: "The index's name.")
        var name: String

        func run() async throws {
            let store = try target.openForWriting()
            defer { store.close() }
            try await store.removeIndex(name, from: target.definition(store).name)
            try await store.waitUntilReady()
            Console.print("\(name) is gone")
        }
    }

    struct Duplicates: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the items that have the same key in a unique index.")

        @OptionGroup var target: StoreArguments

        @Argument(help: "The index's name.")
        var name: String

        func run() async throws {
            let store = try target.openForReading()
            defer { store.close() }
            let definition = try target.definition(store)
            for key in try store.duplicates(ofIndex: name, in: definition.name) {
                Console.print(json: DynamoDBJSON.text(definition.attributes(of: key)))
            }
        }
    }
}

extension IndexLayout: @retroactive ExpressibleByArgument {}
