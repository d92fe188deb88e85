/// Checks a request by ``RequestTable`` before its operation, in AWS's order.
///
/// First come the types: JSON of another type is a `SerializationException`, wherever it stands.
/// Then all violated constraints are one `ValidationException`; see ``ConstraintReport``.
///
/// It walks over the JSON once, and allocates nothing if all is well. Attribute values must be
/// objects, and ``AttributeReader`` checks their content when the operation reads it.
struct RequestChecker {
    private let shapes = RequestShapes.all
    private var cursor: JSONCursor
    private var isViolated = false
    private var valuesLeft = RequestChecker.valueCountMax

    /// The most members and elements of a request, without those of items.
    ///
    /// A transaction of 100 actions whose expressions have no room for more placeholders is below
    /// it. The check of so many takes about 25 ms.
    static let valueCountMax = 250_000

    private init(_ cursor: JSONCursor) { self.cursor = cursor }

    /// Checks a document by the shapes of an operation, whose name is that of the service model.
    ///
    /// A document that is no object is left to the caller.
    ///
    /// - Throws: `SerializationException` or `ValidationException`.
    static func check(_ document: JSONValue, for operation: String) throws {
        let cursor = document.cursor
        var checker = RequestChecker(cursor)
        guard cursor.type == .object, let input = checker.shapes.inputs[operation] else {
            return
        }
        try checker.structure(checker.shapes[input])
        guard checker.isViolated else { return }
        if let error = ConstraintReport.error(cursor, checker.shapes[input], operation) {
            throw error
        }
    }

    private mutating func value(_ index: Int, isElement: Bool = false) throws {
        let shape = shapes[index]
        let type = cursor.type
        switch (shape.kind, type) {
        case (.unchecked, _), (.value, .object), (.boolean, .yes), (.boolean, .no): cursor.skip()
        case (.structure, .object): try structure(shape)
        case (.list, .array): try list(shape)
        case (.map, .object): try map(shape)
        case (.string, .string), (.name, .string): checkText(cursor.takeWrittenText(), shape)
        case (.integer, .number), (.integer, .decimal), (.long, .number), (.long, .decimal):
            guard let number = cursor.takeInteger() else {
                throw shapes.wireType(index).mismatch(type)
            }
            checkNumber(number, shape)
        default: throw shapes.wireType(index).mismatch(type, isElement: isElement)
        }
    }

    private mutating func structure(_ shape: RequestShape) throws {
        _ = cursor.take(UInt8(ascii: "{"))
        var found: UInt32 = 0
        while let name = cursor.nextWrittenName() {
            try countValue()
            guard !cursor.isAtNull, let offset = shapes.offset(of: name, in: cursor, shape) else {
                cursor.skip()
                continue
            }
            found |= 1 << UInt32(offset)
            try value(shapes.shape(ofMember: offset, shape))
        }
        if (shape.required | shape.present) & ~found != 0 { isViolated = true }
    }

    private mutating func list(_ shape: RequestShape) throws {
        let isOpaque = shapes[shape.element].kind == .value
        if isOpaque, cursor.skipLongValue() { return }
        _ = cursor.take(UInt8(ascii: "["))
        var count = 0
        while cursor.nextElement() {
            count += 1
            if !isOpaque { try countValue() }
            if cursor.isAtNull, !isOpaque {
                isViolated = true
                cursor.skip()
            } else {
                try value(shape.element, isElement: true)
            }
        }
        checkNumber(count, shape)
    }

    private mutating func map(_ shape: RequestShape) throws {
        let isOpaque = shapes[shape.element].kind == .value
        if isOpaque, cursor.skipLongValue() { return }
        _ = cursor.take(UInt8(ascii: "{"))
        var count = 0
        while let name = cursor.nextWrittenName() {
            count += 1
            if !isOpaque { try countValue() }
            checkText(name, shapes[shape.key])
            if cursor.isAtNull {
                cursor.skip()
            } else {
                try value(shape.element, isElement: true)
            }
        }
        checkNumber(count, shape)
    }

    private mutating func checkText(_ text: Range<Int>, _ shape: RequestShape) {
        if !shapes.violations(ofText: text, in: cursor, shape).isEmpty { isViolated = true }
    }

    /// Checks a number, or the size of a list or map.
    private mutating func checkNumber(_ number: Int, _ shape: RequestShape) {
        if !shapes.violations(ofNumber: number, shape).isEmpty { isViolated = true }
    }

    private mutating func countValue() throws {
        valuesLeft -= 1
        guard valuesLeft >= 0 else {
            throw ServiceError.validation(
                "The request has more than \(Self.valueCountMax) members and elements")
        }
    }
}
