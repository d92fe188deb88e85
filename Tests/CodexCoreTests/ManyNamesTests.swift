import TestSupport
import Testing

@testable import CodexCore

/// Names, paths and members in large numbers: work grows with the number, and not with its square.
@Suite("Many names")
struct ManyNamesTests {
    @Test("A map of elements in any order has the last of equal names, ascending")
    func unsorted() {
        let seed = UInt64.random(in: .min ... .max)
        print("many names: maps with seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<1000 {
            let elements = (0..<random.below(40)).map {
                AttributeMap.Element(name: "n\(random.below(30))", value: .number(Number($0)))
            }
            let map = AttributeMap(unsorted: elements)
            let expected = Dictionary(elements.map { ($0.name, $0.value) }) { $1 }
            #expect(Dictionary(map.map { ($0.name, $0.value) }) { $1 } == expected)
            #expect(map.elements.map(\.name) == expected.keys.sorted())
        }
    }

    @Test(
        "JSON whose names descend is read as JSON whose names ascend", .timeLimit(.minutes(30)),
        arguments: [true, false])
    func descending(isTyped: Bool) throws {
        let value = isTyped ? #"{"NULL":true}"# : "null"
        let names = (1_000_000..<1_200_000).map { "n\($0)" }
        func read(_ names: some Sequence<String>) throws -> Item {
            let members = names.map { "\"\($0)\":\(value)" }.joined(separator: ",")
            let bytes = Array("{\(members)}".utf8)
            return isTyped
                ? try DynamoDBJSON.item(parsing: bytes)
                : try DynamoDBJSON.item(parsingPlain: bytes)
        }
        let item = try read(names.reversed())
        #expect(item.elements.map(\.name) == names)
        #expect(try read(names) == item)
    }

    @Test(
        "Two members of one name are refused, wherever they stand",
        arguments: [
            #"{"a":1,"a":2}"#, #"{"a":1,"b":1,"a":1}"#, #"{"c":1,"b":1,"a":1,"c":1}"#,
            #"{"x":{"b":1,"a":1,"b":1}}"#,
        ])
    func duplicates(json: String) {
        #expect(throws: CodexError(.invalidJSON, "")) {
            try DynamoDBJSON.item(parsingPlain: Array(json.utf8))
        }
    }

    @Test("Paths overlap if two of them do, in whatever order they come")
    func overlaps() {
        let seed = UInt64.random(in: .min ... .max)
        print("many names: paths with seed \(seed)")
        var random = SplitMix(seed: seed)
        func path() -> DocumentPath {
            var path = DocumentPath(random.pick(["a", "b", "c"]))
            for _ in 0..<random.below(4) {
                path = random.chance(50) ? path[random.pick(["x", "y"])] : path[random.below(2)]
            }
            return path
        }
        for _ in 0..<5000 {
            let paths = (0..<1 + random.below(6)).map { _ in path() }
            let overlap = paths.indices.contains { place in
                paths[..<place].contains { $0.conflicts(with: paths[place]) }
            }
            let sorted = try? DocumentPath.sortedDisjoint(paths)
            #expect((sorted == nil) == overlap, "\(paths)")
            if let sorted { #expect(Set(sorted) == Set(paths)) }
        }
    }

    @Test("A projection of thousands of paths keeps what they name", .timeLimit(.minutes(30)))
    func projection() throws {
        let count = 20_000
        let item = Item((0..<count).map { ("n\($0)", AttributeValue.map(["x": 1, "y": 2])) })
        let paths = (0..<count).reversed().map { DocumentPath("n\($0)")["x"] }
        let kept = try Projection(paths).apply(to: item)
        #expect(kept.count == count && kept.allSatisfy { $0.value == .map(["x": 1]) })
        #expect(throws: CodexError(.invalidExpression, "")) {
            try Projection(paths + [DocumentPath("n7")])
        }
    }

    @Test("Values that no expression uses are named, but not all of a thousand")
    func unused() throws {
        let values = (0..<1000).map { (":v\($0)", AttributeValue.null) }
        let parser = try ExpressionParser(values: Dictionary(values) { $1 })
        let error = #expect(throws: CodexError.self) { try parser.requireAllUsed() }
        #expect(error?.code == .invalidExpression && (error?.message.utf8.count ?? 0) < 1000)
    }

    @Test(
        "The values that expressions refer to have 2 MiB, each as often as they do",
        arguments: -1...1)
    func values(difference: Int) throws {
        let half = DynamoDBLimits.expressionValueByteCountMax / 2
        func text(_ count: Int) -> AttributeValue { .string(String(repeating: "v", count: count)) }
        var parser = try ExpressionParser(
            values: [":a": text(half / 2), ":b": text(half + difference)])
        _ = try parser.condition("x = :a OR y = :a")
        #expect(parser.placeholderByteCount == half)
        if difference > 0 {
            #expect(throws: CodexError(.invalidExpression, "")) { try parser.update("SET x = :b") }
        } else {
            _ = try parser.update("SET x = :b")
            #expect(
                parser.placeholderByteCount == DynamoDBLimits.expressionValueByteCountMax
                    + difference)
        }
    }

    @Test("A name that expressions refer to again and again counts as often", arguments: -1...1)
    func names(difference: Int) throws {
        let name = String(repeating: "n", count: DynamoDBLimits.expressionValueByteCountMax / 32)
        let rest = String(repeating: "r", count: name.utf8.count + difference)
        var parser = try ExpressionParser(names: ["#a": name, "#b": rest])
        let path = [String](repeating: "#a", count: 31).joined(separator: ".")
        _ = try parser.condition("attribute_exists(\(path))")
        #expect(parser.placeholderByteCount == 31 * name.utf8.count)
        let last = try? parser.condition("attribute_exists(#b)")
        let expected: Condition? = difference > 0 ? nil : .attributeExists(DocumentPath(rest))
        #expect(last == expected)
    }

    @Test("Errors name the beginning of a long path")
    func longPaths() throws {
        let name = String(repeating: "n", count: 100_000)
        let path = (0..<31).reduce(DocumentPath(name)) { path, _ in path[name][7] }
        #expect(path.description.utf8.count == 32 * name.utf8.count + 31 * 4)
        let overlap = #expect(throws: CodexError.self) { try Projection([path, path[0]]) }
        let update = Update([.set("x", .operand(.path(path)))])
        let missing = #expect(throws: CodexError.self) { try update.apply(to: Item()) }
        for error in [overlap, missing] {
            #expect(error?.code == .invalidExpression)
            #expect((error?.message.utf8.count ?? .max) < 1000)
        }
    }

    @Test("A number's size is that of its significant digits, without the zeros at either end")
    func numberSizes() throws {
        for (text, byteCount) in [
            ("0", 1), ("1", 2), ("-1", 3), ("10", 2), ("100", 2), ("12", 2), ("123", 3),
            ("1200000000000000000000000000000000000", 2), ("1e125", 2), ("1e-130", 2),
            ("-12345678901234567890123456789012345678", 21), ("0.001", 2),
            ("9223372036854775807", 11),
        ] {
            #expect(try Number(parsing: text).byteCount == byteCount, "\(text)")
        }
    }
}
