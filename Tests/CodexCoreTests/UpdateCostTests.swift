import TestSupport
import Testing

@testable import CodexCore

/// What an update may make of an item on its way, and what that takes.
@Suite("The cost of updates")
struct UpdateCostTests {
    private func text(_ byteCount: Int) -> AttributeValue {
        .string(String(repeating: "x", count: byteCount))
    }

    /// `list_append(list_append(…, more), more)`, or the other way round.
    private func joined(
        _ base: Update.Operand, _ more: Update.Operand, count: Int, onRight: Bool
    ) -> Update {
        let operand = (0..<count).reduce(base) { operand, _ in
            onRight ? .listAppend(operand, more) : .listAppend(more, operand)
        }
        return Update([.set("list", .operand(operand))])
    }

    private func expectTooLarge(_ update: Update, _ item: Item) {
        #expect(throws: CodexError(.itemTooLarge, "")) { try update.apply(to: item) }
    }

    // MARK: Lists

    @Test("Nested list_append joins what it names, on either side", arguments: [true, false])
    func nested(onRight: Bool) throws {
        let update = joined(.path("list"), .value([1]), count: 250, onRight: onRight)
        let more = [AttributeValue](repeating: 1, count: 250)
        let expected = onRight ? [0] + more : more + [0]
        #expect(try update.apply(to: ["list": [0]])["list"] == .list(expected))
        let missing = joined(
            .ifNotExists("list", .value([0])), .value([1]), count: 250, onRight: onRight)
        #expect(try missing.apply(to: [:])["list"] == .list(expected))
    }

    @Test(
        "Nested list_append of a large list ends where the item would be too large",
        .timeLimit(.minutes(30)), arguments: [true, false])
    func nestedLarge(onRight: Bool) throws {
        let item: Item = ["list": .list([AttributeValue](repeating: .null, count: 190_000))]
        for more in [Update.Operand.path("list"), .value(item["list"] ?? .null)] {
            for _ in 0..<10 {
                let update = joined(.path("list"), more, count: 250, onRight: onRight)
                try update.validate()
                expectTooLarge(update, item)
            }
        }
    }

    @Test("What clauses set has 409,600 bytes together, and not a byte more", arguments: -1...1)
    func room(difference: Int) throws {
        let update = Update([
            .set("a", .operand(.value(text(200_000)))),
            .set("b", .operand(.value(text(209_600 + difference)))),
        ])
        guard difference <= 0 else { return expectTooLarge(update, [:]) }
        #expect(try update.apply(to: [:]).count == 2)
    }

    @Test("A list that is joined has 409,600 bytes, and not a byte more", arguments: -1...1)
    func listRoom(difference: Int) throws {
        // Each element has a byte of its own and one in the list.
        let half = AttributeValue.list([AttributeValue](repeating: .null, count: 102_400))
        let rest: AttributeValue = [text(204_799 + difference)]
        let update = Update([.set("list", .operand(.listAppend(.value(half), .value(rest))))])
        guard difference <= 0 else { return expectTooLarge(update, [:]) }
        #expect(try update.apply(to: [:])["list"]?.list?.count == 102_401)
    }

    @Test("Copies of a large attribute end where the item would be too large")
    func copies() {
        let item: Item = ["v": text(150_000)]
        let copies = (0..<300).map { Update.Clause.set(.init("c\($0)"), .operand(.path("v"))) }
        expectTooLarge(Update(copies), item)
        #expect(throws: Never.self) { try Update(Array(copies.prefix(2))).apply(to: item) }
    }

    @Test("What is added to a set counts before it is united with it", arguments: -1...1)
    func added(difference: Int) throws {
        let size = DynamoDBLimits.itemByteCountMax + difference
        let value = AttributeValue.binarySet([[UInt8](repeating: 1, count: size - 1), [2]])
        let update = Update([.add("s", value)])
        guard difference <= 0 else { return expectTooLarge(update, ["s": .binarySet([[2]])]) }
        #expect(try update.apply(to: ["s": .binarySet([[2]])])["s"] == value)
    }

    // MARK: Many clauses

    /// What an update does to some place.
    private enum Edit {
        case none, set, remove
    }

    @Test("Clauses of one list and map do what each does by itself, in whatever order they come")
    func oracle() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("updates: clauses with seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<2000 {
            let list = (0..<random.below(8)).map { AttributeValue.number(Number($0)) }
            let map = Item(
                (0..<random.below(8)).map { ("k\($0 * 3 % 10)", AttributeValue.number(0)) })
            var clauses: [Update.Clause] = []
            var (kept, appended) = (list.map(Optional.some), [AttributeValue]())
            var (expectedMap, expectedTop) = (map, map)
            func add(_ path: DocumentPath, _ value: AttributeValue?) {
                if let value {
                    clauses.append(.set(path, .operand(.value(value))))
                } else {
                    clauses.append(.remove(path))
                }
            }
            for number in 0..<12 {
                let value = AttributeValue.string("new \(number)")
                let name = "k\(number)"
                for target in 0..<3 {
                    let edit = random.pick([Edit.none, .set, .remove])
                    if edit == .none { continue }
                    let new = edit == .set ? value : nil
                    switch target {
                    case 0:
                        add(DocumentPath("list")[number], new)
                        if number < list.count {
                            kept[number] = new
                        } else if let new {
                            appended.append(new)
                        }
                    case 1:
                        add(DocumentPath("map")[name], new)
                        expectedMap[name] = new
                    default:
                        add(DocumentPath(name), new)
                        expectedTop[name] = new
                    }
                }
            }
            var item = map
            item["list"] = AttributeValue.list(list)
            item["map"] = AttributeValue.map(map)
            var expected = expectedTop
            expected["list"] = AttributeValue.list(kept.compactMap { $0 } + appended)
            expected["map"] = AttributeValue.map(expectedMap)
            let update = Update(clauses.shuffled(using: &random))
            #expect(try update.apply(to: item) == expected, "\(update)")
        }
    }

    @Test("Thousands of clauses of one list and one map are done at once", .timeLimit(.minutes(30)))
    func many() throws {
        let count = 20_000
        let zeros = [AttributeValue](repeating: 0, count: count)
        let item: Item = [
            "list": .list(zeros),
            "map": .map(Item((0..<count).map { ("k\($0)", AttributeValue.number(0)) })),
        ]
        let clauses = (0..<count).reversed().flatMap { number -> [Update.Clause] in
            [
                .set(DocumentPath("list")[number], .operand(.value(1))),
                .remove(DocumentPath("map")["k\(number)"]),
            ]
        }
        let update = Update(clauses)
        try update.validate()
        let new = try update.apply(to: item)
        #expect(new["list"] == AttributeValue.list(.init(repeating: 1, count: count)))
        #expect(new["map"] == AttributeValue.map(Item()))
        #expect(throws: CodexError(.invalidExpression, "")) {
            try Update(clauses + [.remove(DocumentPath("list")[7]["x"])]).validate()
        }
    }

    @Test("A clause whose parent is missing, or of another type, changes nothing")
    func noParent() {
        let item: Item = ["list": [1], "map": ["a": 1]]
        let sound = Update.Clause.set("x", .operand(.value(1)))
        for path in [
            DocumentPath("no")["a"], DocumentPath("list")[3]["a"], DocumentPath("map")["b"]["c"],
            DocumentPath("map")["a"]["c"], DocumentPath("list")["a"], DocumentPath("map")[0],
        ] {
            let update = Update([sound, .set(path, .operand(.value(1)))])
            #expect(throws: CodexError(.invalidPath, ""), "\(path)") { try update.apply(to: item) }
        }
    }
}
