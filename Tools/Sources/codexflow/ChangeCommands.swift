import ArgumentParser
import CodexCore
import CodexStore
import Foundation

/// What the placeholders in DynamoDB's expressions stand for.
struct PlaceholderArguments: ParsableArguments {
    @Option(help: "Attribute names of placeholders in expressions, as '{\"#s\":\"status\"}'.")
    var names: String?

    @Option(help: "Values of placeholders in expressions, as '{\":n\":{\"N\":\"1\"}}'.")
    var values: String?

    func parser() throws -> ExpressionParser {
        var known: [String: String] = [:]
        if let names {
            for element in try DynamoDBJSON.item(parsingPlain: Array(names.utf8)) {
                guard let name = element.value.string else {
                    throw CodexError(.invalidArgument, "--names is an object of texts.")
                }
                known[element.name] = name
            }
        }
        var literals: [String: AttributeValue] = [:]
        if let values {
            for element in try DynamoDBJSON.item(parsing: Array(values.utf8)) {
                literals[element.name] = element.value
            }
        }
        return try ExpressionParser(names: known, values: literals)
    }
}

struct UpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes attributes of an item, or creates it with them.",
        discussion: """
              codexflow update data.codex USER#1 PROFILE 'SET #n = :n ADD visits :one' \\
                  --names '{"#n":"name"}' --values '{":n":{"S":"Ada"},":one":{"N":"1"}}'
            """)

    @OptionGroup var target: StoreArguments
    @OptionGroup var output: OutputArguments
    @OptionGroup var placeholders: PlaceholderArguments

    @Argument(help: "The partition key, the sort key if there is one, and an update expression.")
    var arguments: [String]

    @Option(help: "Refuse unless this condition expression holds for the item that is there.")
    var condition: String?

    func validate() throws {
        guard (2...3).contains(arguments.count) else {
            throw ValidationError("Give the item's key and an update expression.")
        }
    }

    func run() async throws {
        var parser = try placeholders.parser()
        let update = try parser.update(arguments[arguments.count - 1])
        let condition = try condition.map { try parser.condition($0) }
        try parser.requireAllUsed()
        let store = try Store(at: target.store)
        defer { store.close() }
        let definition = try target.definition(store)
        let key = try definition.key(arguments[0], arguments.count == 3 ? arguments[1] : nil)
        let name = definition.name
        let item = try await store.write { transaction in
            try transaction.update(
                in: name, key: key, update, condition: condition, returning: .allNew)
        }
        guard let item else { return }
        if output.isTable { Console.item(item) } else { print(output.text(item)) }
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Removes an item; exits with 1 if there is none.")

    @OptionGroup var target: StoreArguments
    @OptionGroup var placeholders: PlaceholderArguments

    @Argument(help: "The partition key.")
    var partition: String

    @Argument(help: "The sort key.")
    var sort: String?

    @Option(help: "Refuse unless this condition expression holds for the item.")
    var condition: String?

    func run() async throws {
        var parser = try placeholders.parser()
        let condition = try condition.map { try parser.condition($0) }
        try parser.requireAllUsed()
        let store = try Store(at: target.store)
        defer { store.close() }
        let definition = try target.definition(store)
        let key = try definition.key(partition, sort)
        let name = definition.name
        let old = try await store.write { transaction in
            try transaction.delete(in: name, key: key, condition: condition, returning: .allOld)
        }
        guard old != nil else { throw CodexError(.notFound, "There is no item with this key.") }
    }
}
