import TestSupport
import Testing

@testable import CodexCore

/// Conditions on items in their stored form give the answers of those on decoded items.
@Suite("Conditions on stored items")
struct StoredConditionTests {
    private let shapes = MemoryShapes()

    /// Has the attributes of a key, and needs no bytes for them.
    private final class Keys: KeyAttributeDecoder {
        private let attributes: [AttributeMap.Element]

        init(_ attributes: [AttributeMap.Element]) { self.attributes = attributes }

        func keyAttributes(_ key: Span<UInt8>) throws(CodexError) -> [AttributeMap.Element] {
            attributes
        }
    }

    private func stored(_ item: Item, keys names: [String] = []) throws -> StoredItem {
        let bytes = try ItemCodec.encode(
            item, header: ItemHeader(), excluding: names, shapes: shapes)
        let keys = item.elements.filter { names.contains($0.name) }
        return try StoredItem(bytes, key: [], Keys(keys), shapes: shapes)
    }

    /// The answers are equal, and end with the steps that they take.
    private func expectSame(
        _ condition: Condition, _ item: Item, _ stored: StoredItem, _ comment: Comment = ""
    ) throws {
        var left = Int.max
        let result = try stored.evaluate(condition, steps: &left, reserving: nil)
        let holds = condition.evaluate(item)
        #expect(result.holds == holds, "\(condition) \(comment)")
        #expect(result.byteCount == item.byteCount, comment)
        let taken = Int.max - left
        for difference in -1...1 {
            left = taken + difference
            let again = try stored.evaluate(condition, steps: &left, reserving: nil)
            #expect((left >= 0) == (difference >= 0), "\(condition) \(comment)")
            if left >= 0 { #expect(again.holds == holds && left == difference, comment) }
        }
    }

    // MARK: Answers

    @Test("Random conditions hold for a stored item as they do for the decoded one")
    func random() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var (values, random) = (RandomValues(seed: seed), SplitMix(seed: seed))
        for turn in 0..<400 {
            let item = values.item()
            let keys = item.elements.filter { element in
                switch element.value {
                case .string, .number, .binary: random.chance(30)
                default: false
                }
            }
            let stored = try stored(item, keys: keys.map(\.name))
            var conditions = RandomConditions(item, seed: random.next())
            for _ in 0..<10 {
                try expectSame(
                    conditions.condition(depth: 2), item, stored, "seed \(seed), turn \(turn)")
            }
        }
    }

    private static let item: Item = [
        "empty": [], "l": ["a", 1, 25, [true, .null], ["x": 1], .binary([1]), .stringSet(["s"])],
        "m": ["a": [1, 2], "b": "x"], "ss": .stringSet(["a", "bc", "d"]),
        "ns": .numberSet([-5, 0, 7, 1_000_000]), "bs": .binarySet([[], [1], [1, 2]]),
        "long": .stringSet([String(repeating: "y", count: 300), "z"]), "other": [[true, .null]],
        "text": "a bc", "n": 7,
    ]

    private static var conditions: [Condition] {
        let other: AttributeValue = ["x": 1]
        let whole: AttributeValue = [1, ["a": [1, 2], "b": "x"]]
        var conditions: [Condition] = [
            .contains(.path("l"), .path("n")), .contains(.path("other"), .path(listed)),
            .contains(.value(whole), .path("m")), .contains(.value("x"), .path("m")),
            .contains(.path("m"), .value("a")),
            .isIn(.path("m"), [.value(1), .path("l"), .path("m")]),
            .isIn(.value([]), [.path("n"), .path("empty")]), .isIn(.path("n"), [.path("l")]),
            .compare(.path("l"), .less, .value(1)), .compare(.path("l"), .notEqual, .path("no")),
            .between(.path("l"), low: .value(1), high: .value(2)),
            .between(.size("l"), low: .value(7), high: .size("l")),
            .beginsWith(.path("l"), .value("a")), .beginsWith(.path("text"), .value("a b")),
            .attributeType("ns", .numberSet), .attributeExists("l"), .attributeNotExists("m"),
            .compare(.size("bs"), .equal, .value(3)), .contains(.path("l"), .value(other)),
        ]
        for member: AttributeValue in [
            "a", "b", "bc", "bcd", "", "z", 1, 25, 0, -5, 7, 8, .binary([]), .binary([1]),
            .binary([1, 2]), .binary([2]), true, .null, [true, .null], [], .stringSet(["s"]),
            .string(String(repeating: "y", count: 300)),
        ] {
            for path: DocumentPath in ["l", "ss", "ns", "bs", "long", "other", "empty"] {
                conditions.append(.contains(.path(path), .value(member)))
            }
        }
        for path in item.names.map({ DocumentPath($0) }) + [listed] {
            for value in item.elements.map(\.value) + [other, [true, .null], [.null, true]] {
                conditions.append(.compare(.path(path), .equal, .value(value)))
            }
        }
        return conditions
    }

    /// The list in the list `l`.
    private static let listed = DocumentPath("l")[3]

    @Test("Lists, maps and sets are compared and searched as decoded ones")
    func containers() throws {
        let stored = try stored(Self.item)
        for condition in Self.conditions { try expectSame(condition, Self.item, stored) }
    }

    @Test("An item that also stores its key has the value of the key")
    func storedKey() throws {
        let bytes = try ItemCodec.encode(
            ["k": ["old"], "l": [1]], header: ItemHeader(), excluding: [], shapes: shapes)
        let keys = Keys([AttributeMap.Element(name: "k", value: "new")])
        let stored = try StoredItem(bytes, key: [], keys, shapes: shapes)
        let item: Item = ["k": "new", "l": [1]]
        #expect(try stored.item() == item)
        try expectSame(.compare(.path("k"), .equal, .value("new")), item, stored)
        try expectSame(.contains(.path("l"), .value(1)), item, stored)
    }

    // MARK: Cost

    /// What a condition takes on the stored and on the decoded item, in steps.
    private func taken(
        _ condition: Condition, _ item: Item
    ) throws -> (stored: Int, decoded: Int) {
        var (left, decodedLeft) = (Int.max, Int.max)
        _ = try stored(item).evaluate(condition, steps: &left, reserving: nil)
        _ = condition.evaluate(item, steps: &decodedLeft)
        return (.max - left, .max - decodedLeft)
    }

    @Test("What is compared in place takes the steps of decoded values, or fewer")
    func steps() throws {
        let texts = (0..<3000).map { AttributeValue.string("text \($0)") }
        let item: Item = [
            "l": .list(texts), "other": .list(texts), "m": ["a": .list(texts)],
            "ns": .numberSet(AttributeSet((0..<3000).map { Number($0) })),
            "ss": .stringSet(AttributeSet((0..<3000).map { "text \($0)" })),
        ]
        for condition: Condition in [
            .contains(.path("l"), .value("text 2999")), .contains(.path("l"), .value(1)),
            .contains(.path("ss"), .value("text 17")), .contains(.path("ns"), .value(17)),
            .compare(.path("l"), .equal, .path("other")),
            .compare(.path("l"), .equal, .value(.list(texts))),
            .isIn(.path("m"), [.value(1), .value(["a": .list(texts)])]),
        ] {
            let (stored, decoded) = try taken(condition, item)
            // Short texts in memory that are equal take no steps for their bytes.
            #expect(stored > 0 && stored <= decoded + 1, "\(condition)")
        }
    }

    @Test("Each element of a list that is searched takes nine steps")
    func elements() throws {
        let item: Item = ["l": .list([AttributeValue](repeating: "", count: 10_000))]
        let (stored, decoded) = try taken(.contains(.path("l"), .value("x")), item)
        #expect(stored == 9 * 10_000 && decoded == stored)
    }

    @Test("A stored item is read with what is inflated, not with the memory of its values")
    func memory() throws {
        let item: Item = ["l": .list([AttributeValue](repeating: "", count: 400_000))]
        let memory = DecodedMemory(ask: { _ in true }, release: { _ in })
        var left = Int.max
        let condition = Condition.contains(.path("l"), .value("x"))
        _ = try stored(item).evaluate(condition, steps: &left, reserving: memory)
        #expect(memory.byteCount > 800_000 && memory.byteCount < item.memoryByteCount / 2)
        let refused = DecodedMemory(ask: { _ in false }, release: { _ in })
        #expect(throws: CodexError(.outOfMemory, "")) {
            var left = Int.max
            _ = try stored(item).evaluate(condition, steps: &left, reserving: refused)
        }
    }

    /// The memory that a condition on an attribute reserves.
    private func reserved(_ name: String, in item: StoredItem) throws -> Int {
        let memory = DecodedMemory(ask: { _ in true }, release: { _ in })
        var left = Int.max
        let condition = Condition.attributeExists(DocumentPath(name))
        let result = try item.evaluate(condition, steps: &left, reserving: memory)
        #expect(result.holds)
        return memory.byteCount
    }

    @Test("The names that an item carries are reserved once", arguments: [false, true])
    func names(areOwn: Bool) throws {
        shapes.ownNames = areOwn
        let names = (0..<20_000).map { "attribute \(100_000 + $0)" }
        let item = try stored(Item(names.map { ($0, AttributeValue.null) }))
        let namesByteCount = areOwn ? Shape(id: 0, names: names).memoryByteCount : 0
        #expect(item.memoryByteCount == item.inflatedByteCount + namesByteCount)
        // The item, and a copy of what is read.
        let expected = item.memoryByteCount + item.inflatedByteCount
        let reserved = try reserved(names[7], in: item)
        #expect(reserved > expected - DecodingBudget.portionByteCount)
        #expect(reserved < expected + DecodingBudget.portionByteCount)
    }

    @Test("Bytes that a condition reads are reserved as they are found and as they are decoded")
    func decodedValues() throws {
        var random = SplitMix(seed: 1)
        let noise = (0..<400_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let item = try stored(["b": .binary(noise), "n": 1])
        for (name, copyCount) in [("n", 2), ("b", 3)] {
            let reserved = try reserved(name, in: item)
            let expected = copyCount * noise.count
            #expect(reserved > expected - DecodingBudget.portionByteCount, "\(name)")
            #expect(reserved < expected + DecodingBudget.portionByteCount, "\(name)")
        }
    }

    @Test("Bytes that are damaged are refused where decoding refuses them")
    func damaged() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(seed: seed)
        let sound = try ItemCodec.encode(
            try CodecTests.everything(), header: ItemHeader(), excluding: [], shapes: shapes)
        let exists = Condition.attributeExists(DocumentPath("m")["é"])
        let condition = Condition.contains(.path("l"), .value("x")) || exists
        for turn in 0..<2000 {
            var bytes = sound
            for _ in 0...random.below(3) {
                bytes[random.below(bytes.count)] = UInt8(random.below(256))
            }
            let item = try? ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
            let stored = try? StoredItem(bytes, key: [], Keys([]), shapes: shapes)
            var left = Int.max
            let result = try? stored?.evaluate(condition, steps: &left, reserving: nil)
            #expect(result?.byteCount == item?.byteCount, "seed \(seed), turn \(turn)")
        }
    }
}

/// Conditions at random on the values of an item.
struct RandomConditions {
    private var paths: RandomPaths
    private var random: SplitMix

    private static let comparators: [Condition.Comparator] = [
        .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual,
    ]
    private static let literals: [AttributeValue] = [
        "a", "", 0, 1, -7, .binary([]), true, .null, [], [:], .stringSet(["a"]), .numberSet([1]),
    ]

    init(_ item: Item, seed: UInt64) {
        paths = RandomPaths(item, seed: seed)
        random = SplitMix(seed: seed &+ 1)
    }

    mutating func condition(depth: Int) -> Condition {
        guard depth > 0, random.chance(50) else { return term() }
        let left = condition(depth: depth - 1)
        switch random.below(3) {
        case 0: return left && condition(depth: depth - 1)
        case 1: return left || condition(depth: depth - 1)
        default: return !left
        }
    }

    private mutating func term() -> Condition {
        switch random.below(8) {
        case 0, 1: return .compare(operand(), random.pick(Self.comparators), operand())
        case 2: return .between(operand(), low: operand(), high: operand())
        case 3: return .isIn(operand(), [operand(), operand(), operand()])
        case 4:
            let path = paths.path()
            return random.chance(50) ? .attributeExists(path) : .attributeNotExists(path)
        case 5: return .attributeType(paths.path(), random.pick(AttributeType.allCases))
        case 6: return .beginsWith(operand(), operand())
        default: return .contains(operand(), operand())
        }
    }

    private mutating func operand() -> Condition.Operand {
        switch random.below(6) {
        case 0, 1, 2: return .path(paths.path())
        case 3: return .size(paths.path())
        case 4:
            let path = paths.path()
            return .value(paths.item[path: path] ?? .null)
        default: return .value(random.pick(Self.literals))
        }
    }
}
