#if Remote
    import CodexCore
    import Foundation
    import TestSupport
    import Testing

    @testable import CodexRemote

    /// Expressions as text, read again by the parser of the engine.
    @Suite("Expressions in requests")
    struct ExpressionTests {
        private static let names = ["a", "b", "size", "é", "e\u{301}", "c.d[0]"]

        private static func path(_ random: inout SplitMix) -> DocumentPath {
            var path = DocumentPath(random.pick(names))
            if random.chance(20) { path = path[random.pick(names)] }
            if random.chance(20) { path = path[random.below(3)] }
            return path
        }

        private static let values: [AttributeValue] = [
            1, 2, "x", "xy", true, .null, ["x", 1], ["a": 1], .binary([1]), .stringSet(["x"]),
        ]

        private static func value(_ random: inout SplitMix) -> AttributeValue {
            random.pick(values)
        }

        private static func condition(_ depth: Int, _ random: inout SplitMix) -> Condition {
            let types: [AttributeType] = [.string, .number, .list]
            switch random.below(depth == 0 ? 6 : 9) {
            case 0:
                let comparators: [Condition.Comparator] = [.equal, .notEqual, .less]
                return .compare(
                    .path(path(&random)), random.pick(comparators), .value(value(&random)))
            case 1:
                return .between(
                    .path(path(&random)), low: .value(1), high: .value(.number(Number(2))))
            case 2: return .isIn(.path(path(&random)), [.value(value(&random)), .value("x")])
            case 3: return .attributeExists(path(&random))
            case 4: return .contains(.path(path(&random)), .value("x"))
            case 5: return .attributeType(path(&random), random.pick(types))
            case 6: return condition(depth - 1, &random) && condition(depth - 1, &random)
            case 7: return condition(depth - 1, &random) || condition(depth - 1, &random)
            default: return !condition(depth - 1, &random)
            }
        }

        /// The names and values of a request's placeholders.
        private static func parser(_ expressions: ExpressionWriter) throws -> ExpressionParser {
            let node = try JSONNode.parse(RequestWriter.body { expressions.write(to: &$0) })
            var names: [String: String] = [:]
            var values: [String: AttributeValue] = [:]
            if case .object(let members)? = node["ExpressionAttributeNames"] {
                for member in members { names[member.name] = member.value.text }
            }
            if case .object(let members)? = node["ExpressionAttributeValues"] {
                for member in members {
                    values[member.name] = try DynamoDBJSON.value(member.value)
                }
            }
            return try ExpressionParser(names: names, values: values)
        }

        @Test("A condition that is written and read holds for the same items: 300 random ones")
        func conditions() throws {
            let seed = UInt64.random(in: 1...1_000_000)
            print("expressions: seed \(seed)")
            var random = SplitMix(seed: seed)
            for _ in 0..<300 {
                let condition = Self.condition(4, &random)
                guard (try? condition.validate()) != nil else { continue }
                var expressions = ExpressionWriter()
                let text = expressions.condition(condition)
                var parser = try Self.parser(expressions)
                let read = try parser.condition(text)
                try parser.requireAllUsed()
                for _ in 0..<20 {
                    var item = Item()
                    for name in Self.names where random.chance(70) {
                        item[name] = Self.value(&random)
                    }
                    #expect(read.evaluate(item) == condition.evaluate(item), "seed \(seed)")
                }
            }
        }

        @Test("An update that is written and read has the same clauses")
        func updates() throws {
            let update = Update([
                .set("a", .operand(.value("x"))), .remove("b"), .add("n", 1),
                .set("c.d[0]", .sum(.path("n"), .value(1))), .delete("s", .stringSet(["x"])),
                .set("l", .operand(.listAppend(.ifNotExists("l", .value([])), .value([1])))),
                .set(DocumentPath("m")["size"][2], .difference(.value(1), .path("n"))),
                .remove(DocumentPath("é")[0]), .add("t", .numberSet([1, 2])),
            ])
            var expressions = ExpressionWriter()
            let text = expressions.update(update)
            var parser = try Self.parser(expressions)
            let read = try parser.update(text)
            try parser.requireAllUsed()
            #expect(Set(read.clauses) == Set(update.clauses))
            #expect(read.clauses.count == update.clauses.count)
        }

        /// Whether the writer takes an expression that it wrote.
        private static func isTaken(_ expressions: ExpressionWriter) -> Bool {
            (try? expressions.requireLengths()) != nil
        }

        /// An item with so many attributes beside its key.
        private static func item(_ count: Int) -> Item {
            var item: Item = ["pk": "a", "sk": "b"]
            for number in 0..<count { item["a\(number)"] = .number(Number(number)) }
            return item
        }

        @Test("The writer refuses what the parser refuses: too many operators, or bytes")
        func limits() throws {
            for count in 145...155 {
                var expressions = ExpressionWriter()
                let text = expressions.condition(
                    .unchanged(Self.item(count), in: Scene.definition))
                var parser = try Self.parser(expressions)
                let isParsed = (try? parser.condition(text)) != nil
                #expect(isParsed == Self.isTaken(expressions))
                // One function, and two operators for each attribute.
                #expect(isParsed == (2 * count + 1 <= DynamoDBLimits.expressionOperatorCountMax))
            }
            var byteCounts: [Int] = []
            for count in 250...350 {
                let clauses = (0..<count).map { number -> Update.Clause in
                    .set(DocumentPath("a\(number)"), .operand(.value(1)))
                }
                var expressions = ExpressionWriter()
                let text = expressions.update(Update(clauses))
                byteCounts.append(text.utf8.count)
                #expect(
                    Self.isTaken(expressions)
                        == (text.utf8.count <= DynamoDBLimits.expressionByteCountMax))
            }
            let limit = DynamoDBLimits.expressionByteCountMax
            #expect(byteCounts[0] <= limit && byteCounts[byteCounts.count - 1] > limit)
        }

        @Test(
            "An item with more attributes than a condition can compare is refused, and not sent",
            arguments: [148, 149, 150])
        func attributes(count: Int) async throws {
            let item = Self.item(count)
            let condition = Condition.unchanged(item, in: Scene.definition)
            let scene = try Scene([FakeTransport.answer()])
            let calls: [() async throws -> Void] = [
                { _ = try await scene.table.put(item, condition: condition) },
                { _ = try await scene.table.delete(Scene.key, condition: condition) },
                {
                    try await scene.table.transact([
                        .put(table: "tasks", item, condition: condition)
                    ])
                },
                { _ = try await scene.table.items(scanning: RemoteScan(filter: condition)) },
            ]
            for call in calls {
                let error = await Scene.error(of: call)
                #expect((error?.code == .invalidExpression) == (count > 149))
            }
            #expect(scene.transport.requests.count == (count > 149 ? 0 : calls.count))
        }

        @Test("Names that are equal but for their bytes have placeholders of their own")
        func names() throws {
            let projection = try Projection(["é", "e\u{301}", "a"])
            var expressions = ExpressionWriter()
            let text = expressions.projection(projection)
            var parser = try Self.parser(expressions)
            let read = try parser.projection(text)
            #expect(read == projection)
            #expect(text == "#0, #1, #2")
        }

        @Test("A key condition has the values of the whole key, or is none")
        func keys() throws {
            let partition = [KeyAttribute("p"), KeyAttribute("q")]
            let sort = [KeyAttribute("r"), KeyAttribute("s")]
            func text(
                _ values: [AttributeValue], _ prefix: [AttributeValue], _ condition: SortCondition
            ) -> String? {
                var expressions = ExpressionWriter()
                return expressions.keyCondition(
                    TableQuery(
                        table: "t", partition: values, sortPrefix: prefix, sort: condition),
                    partition: partition, sort: sort)
            }
            #expect(text(["a", "b"], [], .any) == "#0 = :0 AND #1 = :1")
            #expect(
                text(["a", "b"], ["c"], .between("d", "e"))
                    == "#0 = :0 AND #1 = :1 AND #2 = :2 AND #3 BETWEEN :3 AND :4")
            #expect(
                text(["a", "b"], [], .beginsWith("c"))
                    == "#0 = :0 AND #1 = :1 AND begins_with(#2, :2)")
            #expect(text(["a"], [], .any) == nil && text(["a", "b", "c"], [], .any) == nil)
            #expect(text(["a", "b"], ["c", "d"], .equal("e")) == nil)
            #expect(text(["a", "b"], ["c", "d", "e"], .any) == nil)
        }
    }
#endif
