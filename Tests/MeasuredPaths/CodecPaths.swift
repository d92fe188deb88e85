import CodexCore
import CodexIndex
import CodexStore

/// Shapes in memory: what a store keeps in its database.
private final class MemoryShapes: ShapeSource, ShapeInterner {
    private var shapes: [Shape] = []

    func shape(_ id: UInt32) throws(CodexError) -> Shape {
        guard Int(id) < shapes.count else { throw Wire.corrupted("a shape's number") }
        return shapes[Int(id)]
    }

    func intern(_ names: StoredNames) throws(CodexError) -> UInt32? {
        if let position = shapes.firstIndex(where: { names.match($0.names) }) {
            return UInt32(position)
        }
        shapes.append(Shape(id: UInt32(shapes.count), names: names.array))
        return UInt32(shapes.count - 1)
    }
}

extension MeasuredPath {
    private static func encoded(_ item: Item, _ shapes: MemoryShapes) throws -> [UInt8] {
        try ItemCodec.encode(
            item, header: ItemHeader(entityNumber: 1, schemaVersion: 2, version: 1),
            excluding: ["PK", "SK"], shapes: shapes)
    }

    private static var key: PrimaryKey {
        PrimaryKey(.string("PROJECT#p0001"), .string("TASK#t0001234"))
    }

    private static func plan() throws -> TablePlan {
        guard let table = SampleTasks.schema.tables.first else { throw UnexpectedResult() }
        return TablePlan(table)
    }

    static let codecPaths: [MeasuredPath] = [
        counted("codec", "item, encode") { _ in
            let (item, shapes) = (try SampleTasks.task(1234).item(), MemoryShapes())
            return { try require(encoded(item, shapes).count > 300) }
        },
        counted("codec", "item, decode") { _ in
            let (item, shapes) = (try SampleTasks.task(1234).item(), MemoryShapes())
            let bytes = try encoded(item, shapes)
            return {
                let decoded = try ItemLayout(bytes.span, shapes: shapes).item(bytes.span)
                try require(decoded.count == item.count - 2)
            }
        },
        counted("codec", "task, to an item") { _ in
            let task = try SampleTasks.task(1234)
            return { try require(task.item().count > 10) }
        },
        counted("codec", "key, encode") { _ in
            let plan = try plan()
            var bytes: [UInt8] = []
            return {
                bytes.removeAll(keepingCapacity: true)
                try plan.encode(key, into: &bytes)
                try require(bytes.count == 27)
            }
        },
        counted("codec", "key, decode") { _ in
            let plan = try plan()
            var bytes: [UInt8] = []
            try plan.encode(key, into: &bytes)
            return { try require(plan.primaryKey(bytes.span).sort != nil) }
        },
        counted("codec", "number key, encode") { _ in
            let value = AttributeValue.number(try Number(parsing: "-123456.789"))
            var bytes: [UInt8] = []
            return {
                bytes.removeAll(keepingCapacity: true)
                OrderedKey.append(value, isLast: true, to: &bytes)
                try require(bytes.count > 5)
            }
        },
        counted("number", "parse") { _ in
            { try require(Number(parsing: "31415926.535897932384626") > 31_415_926) }
        },
        counted("number", "print") { _ in
            let number = try Number(parsing: "31415926.535897932384626")
            return { try require(number.description.utf8.count == 24) }
        },
        counted("number", "add") { _ in
            let (one, other) = (try Number(parsing: "1.25"), try Number(parsing: "9999999.875"))
            return { try require(one.adding(other) > other) }
        },
    ]

    // MARK: Expressions

    /// Parses a condition with placeholders; a cache may have its plan.
    private static func parseCondition(_ plans: ExpressionPlans?) -> () throws -> Void {
        let expected: Condition =
            .compare(.path(DocumentPath("status")), .equal, .value("done"))
            && (.attributeExists(DocumentPath("title"))
                || .compare(.size(DocumentPath("body")), .greater, .value(3)))
        return {
            var parser = try ExpressionParser(
                names: ["#s": "status"], values: [":s": "done", ":n": 3], plans: plans)
            let condition = try parser.condition(
                "#s = :s AND (attribute_exists(title) OR size(body) > :n)")
            try require(condition == expected)
        }
    }

    static let expressionPaths: [MeasuredPath] = [
        counted("expression", "parse a condition") { _ in parseCondition(nil) },
        counted("expression", "parse a condition again") { _ in
            let plans = ExpressionPlans(countMax: 16, byteCountMax: 1 << 16)
            let parse = parseCondition(plans)
            try parse()
            try require(plans.count == 1)
            return parse
        },
        counted("expression", "evaluate a condition") { _ in
            // One that is canceled, so that all parts are looked at.
            let item = try SampleTasks.task(1235).item()
            var parser = try ExpressionParser(
                names: ["#s": "status"], values: [":s": "done", ":n": 3])
            let condition = try parser.condition(
                "NOT #s = :s AND (attribute_not_exists(title) OR size(body) > :n)")
            return { try require(condition.evaluate(item)) }
        },
        counted("expression", "apply an update") { _ in
            let item = try SampleTasks.task(1234).item()
            let update = Update().setting(Attribute<String>("status"), to: "todo")
            return { try require(update.apply(to: item)["status"]?.string == "todo") }
        },
    ]
}
