internal import CodexCore

/// Shapes in memory, in the place of those in a store's database.
final class FuzzShapes: ShapeSource, ShapeInterner {
    private var shapes: [Shape] = [
        Shape(id: 0, names: ["a", "b", "c"]), Shape(id: 1, names: []),
        Shape(id: 2, names: ["id", "n", "s"]), FuzzShapes.ruled,
    ]
    /// Whether items carry their own names.
    private let ownNames: Bool

    /// A shape with rules; the key that one of them reads is missing.
    static let ruled = Shape(
        id: 3, names: ["k", "r", "s", "t"],
        rules: [
            TextRule(position: 0, pieces: [.key("p", dropping: 0)]),
            TextRule(
                position: 1,
                pieces: [
                    .literal(Array("S#".utf8)), .attribute(2, dropping: 5), .literal([35]),
                    .attribute(3, dropping: 0),
                ]),
            TextRule(position: 1, pieces: [.attribute(2, dropping: 0), .attribute(2, dropping: 1)]),
        ])

    init(ownNames: Bool = false) { self.ownNames = ownNames }

    func shape(_ id: UInt32) throws(CodexError) -> Shape {
        guard Int(id) < shapes.count else { throw Wire.corrupted("no such shape") }
        return shapes[Int(id)]
    }

    func intern(_ names: StoredNames) throws(CodexError) -> UInt32? {
        if ownNames { return nil }
        if let known = shapes.first(where: { names.match($0.names) }) { return known.id }
        shapes.append(Shape(id: UInt32(shapes.count), names: names.array))
        return UInt32(shapes.count - 1)
    }
}

/// Passes an encoded item to `body` as an item of a store.
///
/// - Throws: The errors of reading its header, and those of `body`.
func withView<R>(
    _ bytes: [UInt8], _ shapes: FuzzShapes, _ body: (borrowing ItemView) throws -> R
) throws -> R {
    // An item without a key would be one of memory, whose values may have any size.
    let key: [UInt8] = [0]
    return try unsafe bytes.withUnsafeBufferPointer { value in
        try unsafe key.withUnsafeBufferPointer { key in
            let source = try unsafe ItemBytes(value: value, key: key, keys: nil, shapes: shapes)
            return try body(ItemView(source))
        }
    }
}

/// Items from which seeds are made.
enum SampleItems {
    static func everything() throws -> Item {
        [
            "s": "text", "empty": "", "long": .string(String(repeating: "abc ", count: 300)),
            "n": 42, "negative": -7, "big": .number(try Number(parsing: "1e125")),
            "small": .number(try Number(parsing: "-1.23456789012345678901234567890123456e-95")),
            "min": .number(Number(Int64.min)), "b": .binary([0, 1, 255]), "t": true, "f": false,
            "null": .null, "l": ["a", 1, [true, .null], ["x": .binary([])]],
            "m": ["é": 1, "e\u{301}": 2, "nested": ["deep": ["er": "x"]]],
            "ss": .stringSet(["b", "a"]), "ns": .numberSet([3, 1]),
            "bs": .binarySet([[2], [1, 1]]), "at": "2025-11-05T09:30:00.000Z",
        ]
    }

    static let small: Item = ["id": "1", "n": 2, "s": "three"]
    static let text: Item = ["a": "quoted \"text\"\n", "b": "\u{1F600}", "c": "\\u0000"]

    static func all() throws -> [Item] { [try everything(), small, text, [:], ["a": 1]] }
}
