internal import CodexCore

/// The shapes of all requests, read from ``RequestTable`` once.
final class RequestShapes: Sendable {
    /// A member of a structure.
    struct Member: Sendable {
        /// The bytes of the name, as a range of ``RequestShapes/bytes``.
        let name: Range<Int>
        let shape: Int
    }

    static let all = RequestShapes(RequestTableReader(RequestTable.text))

    /// The pattern of the names of tables and indexes, the only pattern of the service model that
    /// requests of these operations can violate.
    static let pattern = "[a-zA-Z0-9_.-]+"

    /// The shape of each operation's input, by the operation's name.
    let inputs: [String: Int]
    private let shapes: [RequestShape]
    private let names: [String]
    private let members: [Member]
    private let constraints: [RequestConstraint]
    private let words: [Range<Int>]
    private let bytes: [UInt8]

    init(_ table: RequestTableReader) {
        inputs = table.inputs
        shapes = table.shapes
        names = table.names
        members = table.members
        constraints = table.constraints
        words = table.words
        bytes = table.bytes
    }

    subscript(index: Int) -> RequestShape { shapes[index] }

    /// The name of a shape.
    func name(_ index: Int) -> String { names[index] }

    // MARK: Members

    /// The offset of a structure's member; `nil` if there is none of this name.
    ///
    /// - Parameters:
    ///   - name: The bytes of the name as it was written.
    ///   - cursor: A cursor over the text of the name.
    ///   - shape: The structure.
    /// - Returns: The offset among the structure's members.
    func offset(of name: Range<Int>, in cursor: JSONCursor, _ shape: RequestShape) -> Int? {
        for place in shape.members where cursor.isEqual(name, to: members[place].name, of: bytes) {
            return place - shape.members.lowerBound
        }
        guard let decoded = WrittenText(name, in: cursor).decoded else { return nil }
        return shape.members.first { ByteOrder.equal(memberName($0), decoded) }
            .map { $0 - shape.members.lowerBound }
    }

    /// The shape of a structure's member.
    func shape(ofMember offset: Int, _ shape: RequestShape) -> Int {
        members[shape.members.lowerBound + offset].shape
    }

    /// The name of a structure's member.
    func name(ofMember offset: Int, _ shape: RequestShape) -> String {
        memberName(shape.members.lowerBound + offset)
    }

    private func memberName(_ place: Int) -> String { text(members[place].name) }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    /// The positions of a structure's members, in the table's order; `nil` for a missing one.
    func positions(of shape: RequestShape, at cursor: JSONCursor) -> [Int?] {
        var cursor = cursor
        var positions = [Int?](repeating: nil, count: shape.members.count)
        guard cursor.take(UInt8(ascii: "{")) else { return positions }
        while let name = cursor.nextWrittenName() {
            if !cursor.isAtNull, let offset = offset(of: name, in: cursor, shape) {
                positions[offset] = positions[offset] ?? cursor.position
            }
            cursor.skip()
        }
        return positions
    }

    // MARK: Types

    /// The type of a shape's values.
    func wireType(_ index: Int) -> WireType {
        let shape = shapes[index]
        switch shape.kind {
        case .string, .name, .unchecked: return .string
        case .boolean: return .boolean
        case .integer: return .integer
        case .long: return .long
        case .list: return .list(wireType(shape.element).javaName)
        case .map: return .map(wireType(shape.element).javaName)
        case .structure, .value: return .structure(names[index])
        }
    }

    // MARK: Constraints

    /// The constraints that a value of a shape violates, in the order of the messages.
    ///
    /// Members and elements of the value are not checked. The value must be of the shape's type.
    func violations(_ shape: RequestShape, at cursor: JSONCursor) -> [RequestConstraint] {
        var cursor = cursor
        switch shape.kind {
        case .string, .name:
            return violations(ofText: cursor.takeWrittenText(), in: cursor, shape)
        case .integer, .long:
            guard let number = cursor.takeInteger() else { return [] }
            return violations(ofNumber: number, shape)
        case .list:
            guard cursor.take(UInt8(ascii: "[")) else { return [] }
            var count = 0
            while cursor.nextElement() {
                cursor.skip()
                count += 1
            }
            return violations(ofNumber: count, shape)
        case .map:
            guard cursor.take(UInt8(ascii: "{")) else { return [] }
            var count = 0
            while cursor.nextWrittenName() != nil {
                cursor.skip()
                count += 1
            }
            return violations(ofNumber: count, shape)
        case .structure, .boolean, .value, .unchecked: return []
        }
    }

    /// The violations of a text, whose bytes as it was written are a range of the cursor's text.
    func violations(
        ofText range: Range<Int>, in cursor: JSONCursor, _ shape: RequestShape
    ) -> [RequestConstraint] {
        guard !shape.constraints.isEmpty else { return [] }
        let text = WrittenText(range, in: cursor)
        let own = constraints[shape.constraints]
        guard shape.kind == .name, !text.isARN else {
            return own.filter { !isSatisfied($0, by: text, in: cursor) }
        }
        let tooShort = own.filter { $0.kind == .minimum && text.unitCount < $0.number }
        guard tooShort.isEmpty else { return tooShort }
        return constraints[shapes[shape.element].constraints]
            .filter { !isSatisfied($0, by: text, in: cursor) }
    }

    /// The violations of a number, or of the size of a list or map.
    func violations(ofNumber number: Int, _ shape: RequestShape) -> [RequestConstraint] {
        constraints[shape.constraints].filter { constraint in
            switch constraint.kind {
            case .minimum: number < constraint.number
            case .maximum: number > constraint.number
            case .filled: number == 0
            case .pattern, .choice: false
            }
        }
    }

    private func isSatisfied(
        _ constraint: RequestConstraint, by text: WrittenText, in cursor: JSONCursor
    ) -> Bool {
        switch constraint.kind {
        case .minimum: text.unitCount >= constraint.number
        case .maximum: text.unitCount <= constraint.number
        case .pattern: text.isName
        case .choice:
            words[constraint.words].contains { word in
                text.decoded.map { ByteOrder.equal($0, self.text(word)) }
                    ?? cursor.isEqual(text.range, to: word, of: bytes)
            }
        case .filled: true
        }
    }

    // MARK: Messages

    /// What a constraint requires, in AWS's words.
    func requirement(_ constraint: RequestConstraint, _ shape: RequestShape) -> String {
        let measure = shape.kind == .integer || shape.kind == .long ? "value" : "length"
        switch constraint.kind {
        case .minimum, .filled:
            return "Member must have \(measure) greater than or equal to \(constraint.number)"
        case .maximum:
            return "Member must have \(measure) less than or equal to \(constraint.number)"
        case .pattern: return "Member must satisfy regular expression pattern: \(Self.pattern)"
        case .choice:
            let choices = words[constraint.words].map(text).joined(separator: ", ")
            return "Member must satisfy enum value set: [\(choices)]"
        }
    }

    /// What all constraints of a shape require, as messages on keys, values and elements list it.
    func requirements(_ shape: RequestShape) -> String {
        let shape = shape.kind == .name ? shapes[shape.element] : shape
        let all = constraints[shape.constraints]
        // AWS's lists begin with the largest length.
        let ordered = all.filter { $0.kind == .maximum } + all.filter { $0.kind != .maximum }
        return "[\(ordered.map { requirement($0, shape) }.joined(separator: ", "))]"
    }
}
