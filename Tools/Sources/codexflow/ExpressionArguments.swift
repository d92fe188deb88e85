import ArgumentParser
import CodexCore
import Foundation

/// The names and values that placeholders in DynamoDB's expressions stand for.
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
