import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

@testable import CodexDynamoDB

/// Random conditions as statements and as filters, over random items.
@Suite("PartiQL's conditions")
struct PartiQLPropertyTests {
    /// A condition as a statement and as an expression have it.
    private struct Texts {
        var statement: String
        var expression: String
    }

    /// The values of an expression, by their placeholders.
    private struct Values {
        private(set) var item = Item()

        /// The placeholder of a value.
        mutating func name(_ value: AttributeValue) -> String {
            let name = ":v\(item.count)"
            item[name] = value
            return name
        }
    }

    private static let paths = ["p", "s", "n", "t", "l", "l[0]", "m", "m.k", "m.l[1]", "x"]

    private static func scalar(_ random: inout SplitMix) -> (text: String, value: AttributeValue) {
        let number = random.below(4) - 1
        let text = random.pick(["", "a", "ab", "b"])
        return random.chance(50)
            ? ("\(number)", .number(Number(number))) : ("'\(text)'", .string(text))
    }

    private static func value(_ random: inout SplitMix) -> (text: String, value: AttributeValue) {
        let (text, value) = scalar(&random)
        switch random.below(8) {
        case 0: return ("true", .bool(true))
        case 1: return ("NULL", .null)
        case 2: return ("[\(text)]", .list([value]))
        case 3: return ("{'k': \(text)}", .map(["k": value]))
        case 4: return ("<<1, 2>>", .numberSet([1, 2]))
        default: return (text, value)
        }
    }

    /// A condition without `AND`, `OR` and `NOT`.
    private static func leaf(_ random: inout SplitMix, _ values: inout Values) -> Texts {
        let path = random.pick(paths)
        let first = scalar(&random)
        switch random.below(9) {
        case 0:
            let any = value(&random)
            let comparator = random.pick(["=", "<>"])
            let name = values.name(any.value)
            return Texts(
                statement: "\(path) \(comparator) \(any.text)",
                expression: "\(path) \(comparator) \(name)")
        case 1:
            let comparator = random.pick(["<", "<=", ">", ">="])
            let name = values.name(first.value)
            return Texts(
                statement: "\(path) \(comparator) \(first.text)",
                expression: "\(path) \(comparator) \(name)")
        case 2:
            let (low, high) = (random.below(3) - 1, random.below(3) + 1)
            let names = [low, high].map { values.name(.number(Number($0))) }
            return Texts(
                statement: "\(path) BETWEEN \(low) AND \(high)",
                expression: "\(path) BETWEEN \(names[0]) AND \(names[1])")
        case 3:
            let others = [first, value(&random), scalar(&random)]
            let names = others.map { values.name($0.value) }
            return Texts(
                statement: "\(path) IN [\(others.map(\.text).joined(separator: ", "))]",
                expression: "\(path) IN (\(names.joined(separator: ", ")))")
        case 4:
            let (type, name) = random.pick([
                ("STRING", "S"), ("NUMERIC", "N"), ("BOOLEAN", "BOOL"), ("NULL", "NULL"),
                ("LIST", "L"), ("STRUCT", "M"),
            ])
            let placeholder = values.name(.string(name))
            return Texts(
                statement: "\(path) IS \(type)",
                expression: "attribute_type(\(path), \(placeholder))")
        case 5:
            let function = random.chance(50) ? "attribute_exists" : "attribute_not_exists"
            return Texts(
                statement: function == "attribute_exists"
                    ? "\(path) IS NOT MISSING" : "attribute_not_exists(\(path))",
                expression: "\(function)(\(path))")
        case 6:
            let prefix = random.pick(["", "a", "ab"])
            let name = values.name(.string(prefix))
            return Texts(
                statement: "begins_with(\(path), '\(prefix)')",
                expression: "begins_with(\(path), \(name))")
        case 7:
            let name = values.name(first.value)
            return Texts(
                statement: "contains(\(path), \(first.text))",
                expression: "contains(\(path), \(name))")
        default:
            let size = random.below(3)
            let name = values.name(.number(Number(size)))
            return Texts(
                statement: "size(\(path)) > \(size)", expression: "size(\(path)) > \(name)")
        }
    }

    private static func condition(
        _ random: inout SplitMix, _ values: inout Values, depth: Int
    ) -> Texts {
        guard depth > 0, random.chance(70) else { return leaf(&random, &values) }
        let left = condition(&random, &values, depth: depth - 1)
        guard random.chance(80) else {
            // In a statement, a comparison with FALSE is a negation, too.
            let isComparison = random.chance(50)
            return Texts(
                statement: isComparison
                    ? "(\(left.statement)) = FALSE" : "NOT (\(left.statement))",
                expression: "NOT (\(left.expression))")
        }
        let right = condition(&random, &values, depth: depth - 1)
        let word = random.pick(["AND", "OR"])
        return Texts(
            statement: "(\(left.statement)) \(word) (\(right.statement))",
            expression: "(\(left.expression)) \(word) (\(right.expression))")
    }

    private static func items(_ random: inout SplitMix) -> [Item] {
        var items: [Item] = []
        for partition in ["a", "ab", "b"] {
            for number in 0..<6 where random.chance(80) {
                var item: Item = ["p": .string(partition), "s": .number(Number(number - 1))]
                for name in ["n", "t", "l", "m", "x"] where random.chance(60) {
                    item[name] = value(&random).value
                }
                if random.chance(40) {
                    item["l"] = .list([value(&random).value, value(&random).value])
                }
                if random.chance(40) {
                    item["m"] = .map([
                        "k": value(&random).value,
                        "l": .list([value(&random).value, value(&random).value]),
                    ])
                }
                items.append(item)
            }
        }
        return items
    }

    @Test(
        "A WHERE clause and the same filter find the same items",
        arguments: 0..<UInt64(TestLength.count(4, long: 8)))
    func filters(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let client = try PartiQLClient(ShortTables.pair)
        try await client.put(Self.items(&random))
        var (foundCount, comparedCount) = (0, 0)
        for round in 0..<60 {
            var values = Values()
            let texts = Self.condition(&random, &values, depth: 3)
            let scan = try await scanned(client, texts.expression, values.item)
            let statement = "SELECT * FROM ttt WHERE " + texts.statement
            let first = try await client.execute(statement)
            if Self.keyErrors.contains(where: { first.message.hasPrefix($0) }) { continue }
            let limit = 1 + random.below(5)
            let selected = try await client.all(statement, from: first)
            #expect(selected.map(DynamoDBJSON.text).sorted() == scan, "\(statement)")
            // Pages of a few items take many requests.
            if round % 3 == 0 || TestLength.isLong {
                let paged = try await client.all(statement, limit: limit)
                #expect(
                    paged.map(DynamoDBJSON.text).sorted() == scan, "\(statement), limit \(limit)")
            }
            comparedCount += 1
            foundCount += scan.count
        }
        #expect(comparedCount > 20)
        #expect(foundCount > 20)
    }

    /// The errors of conditions that only a filter may have.
    private static let keyErrors = [
        "Overlapping conditions", "Key attribute's data type", "Key value must be of type",
        "Too many decomposed read operations", "One or more parameter values are not valid",
    ]

    private func scanned(
        _ client: PartiQLClient, _ expression: String, _ values: Item
    ) async throws -> [String] {
        var writer = JSONWriter()
        writer.raw("{\"TableName\":\"ttt\",\"FilterExpression\":")
        writer.string(expression)
        if !values.isEmpty {
            writer.raw(",\"ExpressionAttributeValues\":")
            writer.typed(values)
        }
        writer.raw("}")
        let answer = try await client.ask("Scan", writer.text)
        try #require(answer.error == nil, "\(expression): \(answer.message)")
        return try answer.items().map(DynamoDBJSON.text).sorted()
    }

    @Test(
        "A write's condition holds for the items that its WHERE clause finds",
        arguments: 0..<(4 as UInt64))
    func writes(seed: UInt64) async throws {
        var random = SplitMix(seed: 100 + seed)
        let client = try PartiQLClient(ShortTables.pair)
        let items = Self.items(&random)
        try await client.put(items)
        for _ in 0..<40 {
            var values = Values()
            let texts = Self.condition(&random, &values, depth: 2)
            let item = random.pick(items)
            let parameters = ["p", "s"].compactMap { item[$0] }
            let statement = " ttt SET done = TRUE WHERE (\(texts.statement)) AND p = ? AND s = ?"
            let answer = try await client.execute(
                "UPDATE" + statement + " RETURNING ALL OLD *", parameters)
            let scan = try await scanned(client, texts.expression, values.item)
            if answer.message.hasPrefix("Multiple conditions on same key") { continue }
            let found = scan.contains { text in
                let other = try? DynamoDBJSON.item(parsing: Array(text.utf8))
                return other?["p"] == item["p"] && other?["s"] == item["s"]
            }
            #expect(
                answer.error == (found ? nil : "ConditionalCheckFailedException"),
                "\(statement): \(answer.message)")
            #expect(try answer.items() == (found ? [item] : []))
            try await client.put([item])
        }
    }
}
