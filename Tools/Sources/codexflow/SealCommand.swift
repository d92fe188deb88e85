import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Seal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Encrypts more fields of an entity from now on.",
        discussion: """
            It adds the fields to the store's schema, which keeps them. From then on, programs \
            that write these fields need the keys. Stored values stay plain: the command counts \
            them, and prints what to run next.
            """)

    @Argument(help: "The store's directory.")
    var store: String

    @Argument(help: "The entity's name, as `stats --schema` prints it.")
    var entity: String

    @Argument(help: "The fields' names.")
    var fields: [String]

    @OptionGroup var keys: KeyFileArguments

    func run() async throws {
        try keys.require()
        let opened = try keys.openForWriting(store, schema: try additions())
        defer { opened.close() }
        let plain = try opened.plainFields().filter { $0.entity == entity }
        for field in fields {
            Console.print(text(field, plain.first { $0.name == field }))
        }
        Console.print(
            "next: `codexflow reseal \(store)` encrypts plain values; then "
                + "`codexflow purge-plaintext \(store)` removes what they leave behind")
    }

    /// The entity with the fields, and its table.
    ///
    /// - Throws: ``CodexError/Code/unknownEntity``; ``CodexError/Code/invalidSchema`` for a field
    ///   that must be readable; ``CodexError/Code/invalidArgument`` for a field that the entity
    ///   lacks.
    private func additions() throws -> Schema {
        let schema = try presentSchema().sealing(fields, ofEntity: entity)
        try schema.validate()
        let entities = schema.entities.filter { $0.name == entity }
        for definition in entities { try requireFields(of: definition) }
        // Indexes are omitted: otherwise, one that was removed in the meantime would be added
        // again.
        let tables = schema.tables.filter { table in entities.contains { $0.table == table.name } }
            .map { TableDefinition($0.name, partitionKey: $0.partitionKey, sortKey: $0.sortKey) }
        return Schema(tables: tables, entities: entities)
    }

    private func presentSchema() throws -> Schema {
        // Opening for writing upgrades a store of an earlier format.
        let opened = try keys.openForWriting(store)
        defer { opened.close() }
        return opened.schema
    }

    /// Refuses names that the entity's definition lacks; a definition without fields allows all
    /// names.
    private func requireFields(of definition: EntityDefinition) throws {
        let known = definition.fields.map(\.name)
        guard !known.isEmpty, let unknown = fields.first(where: { !known.contains($0) }) else {
            return
        }
        throw CodexError(
            .invalidArgument,
            "The entity \(entity) has no field \(unknown). It has: "
                + known.sorted().joined(separator: ", ") + ".")
    }

    private func text(_ field: String, _ plain: PlainField?) -> String {
        var text = "\(entity).\(field): \(plain?.itemCount ?? 0) items have a plain value"
        if let rawCount = plain?.rawItemCount, rawCount > 0 {
            text +=
                ", and \(rawCount) raw items, which were stored before the entity was known: "
                + "migrate them first (`codexflow migrate`, or Store.migrate)"
        }
        return text
    }
}
