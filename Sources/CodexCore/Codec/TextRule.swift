/// How the text of an attribute follows from other text of its item.
///
/// A shape has the rules of its items. A value that has the text of a rule is one byte of the item,
/// which has the number of the rule among those of the attribute:
///
/// ```
/// u8      1 in the upper half, the number in the lower
/// ```
@usableFromInline
package struct TextRule: Sendable, Equatable {
    /// A part of the text.
    package enum Piece: Sendable, Equatable {
        /// The same bytes in each item.
        case literal([UInt8])
        /// The text of a stored attribute, by its position in the shape, without its first bytes.
        case attribute(Int, dropping: Int)
        /// The text of an attribute of the table's key, without its first bytes.
        case key(String, dropping: Int)
    }

    /// The position of the attribute in the shape.
    package let position: Int
    /// The parts, in the order of the text.
    package let pieces: [Piece]

    package init(position: Int, pieces: [Piece]) {
        self.position = position
        self.pieces = pieces
    }

    /// Most bytes of a text: as many as a partition key may have.
    static let byteCountMax = DynamoDBLimits.partitionKeyByteCountMax
    /// Most bytes of the literals of a rule.
    static let literalByteCountMax = 32
    private static let pieceCountMax = 16
    /// Most rules of one attribute: the numbers that a value can have.
    private static let numberCount = 16

    /// Whether the first byte of a value is that of a text by rule.
    @inlinable
    @inline(__always)
    package static func isTag(_ byte: UInt8) -> Bool { byte >> 4 == 1 }

    /// The value of a text that has the rule with a number.
    static func tag(_ number: Int) -> UInt8 { 0x10 | UInt8(truncatingIfNeeded: number) }

    /// The rule of a value.
    ///
    /// - Parameters:
    ///   - tag: The value's byte.
    ///   - position: The position of the attribute.
    ///   - rules: The rules of the shape, ascending by position.
    /// - Returns: `nil` if the shape does not have the rule.
    static func find(_ tag: UInt8, at position: Int, in rules: [TextRule]) -> TextRule? {
        guard let first = rules.firstIndex(where: { $0.position == position }) else { return nil }
        let place = first + Int(tag & 0x0F)
        guard place < rules.count, rules[place].position == position else { return nil }
        return rules[place]
    }

    /// Whether a shape may have these rules.
    ///
    /// No rule may read an attribute that has a rule, so rules cannot refer to each other.
    static func areValid(_ rules: [TextRule], nameCount: Int) -> Bool {
        var numbers = [Int](repeating: 0, count: nameCount)
        var last = 0
        for rule in rules {
            guard rule.position >= last, rule.position < nameCount,
                (1...pieceCountMax).contains(rule.pieces.count),
                numbers[rule.position] < numberCount
            else { return false }
            last = rule.position
            numbers[rule.position] += 1
        }
        return rules.allSatisfy { rule in
            var literalByteCount = 0
            for piece in rule.pieces {
                switch piece {
                case .literal(let bytes): literalByteCount += bytes.count
                case .attribute(let source, let dropped):
                    guard source >= 0, source < nameCount, numbers[source] == 0,
                        dropped <= byteCountMax
                    else { return false }
                case .key(_, let dropped):
                    guard dropped <= byteCountMax else { return false }
                }
            }
            return literalByteCount <= literalByteCountMax
        }
    }
}

// MARK: The stored form

extension TextRule {
    private enum Kind: UInt8 {
        case literal, attribute, key
    }

    /// Appends the rule as a shape stores it.
    func append(to bytes: inout [UInt8]) {
        Wire.append(UInt64(position), to: &bytes)
        Wire.append(UInt64(pieces.count), to: &bytes)
        for piece in pieces {
            switch piece {
            case .literal(let text):
                bytes.append(Kind.literal.rawValue)
                Wire.append(UInt64(text.count), to: &bytes)
                bytes.append(contentsOf: text)
            case .attribute(let source, let dropped):
                bytes.append(Kind.attribute.rawValue)
                Wire.append(UInt64(source), to: &bytes)
                Wire.append(UInt64(dropped), to: &bytes)
            case .key(let name, let dropped):
                bytes.append(Kind.key.rawValue)
                Wire.append(name, to: &bytes)
                Wire.append(UInt64(dropped), to: &bytes)
            }
        }
    }

    /// Reads the rule that ``append(to:)`` wrote, and moves `position` behind it.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    init(_ bytes: Span<UInt8>, _ position: inout Int) throws(CodexError) {
        let place = try Self.small(bytes, &position)
        let count = try Wire.count(bytes, &position)
        var pieces: [Piece] = []
        for _ in 0..<count {
            guard position < bytes.count else { throw Wire.truncated }
            let kind = Kind(rawValue: bytes[position])
            position += 1
            switch kind {
            case .literal?:
                let byteCount = try Wire.count(bytes, &position)
                pieces.append(.literal(Wire.array(bytes, position, position + byteCount)))
                position += byteCount
            case .attribute?:
                let source = try Self.small(bytes, &position)
                pieces.append(.attribute(source, dropping: try Self.small(bytes, &position)))
            case .key?:
                let name = try Wire.text(bytes, &position)
                pieces.append(.key(name, dropping: try Self.small(bytes, &position)))
            case nil: throw Wire.corrupted("a part of a shape's rule has an unknown kind")
            }
        }
        self.init(position: place, pieces: pieces)
    }

    private static func small(
        _ bytes: Span<UInt8>, _ position: inout Int
    ) throws(CodexError) -> Int {
        let value = try Wire.integer(bytes, &position)
        guard value <= UInt64(UInt16.max) else {
            throw Wire.corrupted("a number in a shape's rule")
        }
        return Int(value)
    }
}
