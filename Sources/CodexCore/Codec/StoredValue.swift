/// A value at a path of a stored item, in its encoding.
///
/// ``StoredPathFinder`` has checked the encoding.
struct StoredValue: Sendable {
    /// The encoding of the attribute that has the value, with its content inflated.
    let bytes: [UInt8]
    /// The bytes of the value, its tag first.
    let range: Range<Int>
    /// Whether the value is the attribute's: text and bytes then have no length before them.
    let isTopLevel: Bool
    /// The offsets of the members of a list or set, if the finder keeps them.
    var starts: [UInt32] = []

    init(_ bytes: [UInt8], _ range: Range<Int>, isTopLevel: Bool = false) {
        self.bytes = bytes
        self.range = range
        self.isTopLevel = isTopLevel
    }

    /// The encoding of a value in memory.
    init(_ value: AttributeValue) {
        var bytes: [UInt8] = []
        ValueCodec.append(value, topLevel: false, to: &bytes)
        self.init(bytes, bytes.indices)
    }

    private var tag: ValueCodec.Tag? { ValueCodec.Tag(rawValue: bytes[range.lowerBound]) }

    /// The type of a list, a map or a set; `nil` for another value.
    var containerType: AttributeType? {
        switch tag {
        case .list?: .list
        case .map?: .map
        case .stringSet?: .stringSet
        case .numberSet?: .numberSet
        case .binarySet?: .binarySet
        default: nil
        }
    }

    /// Whether the value is a set.
    var isSet: Bool {
        switch tag {
        case .stringSet?, .numberSet?, .binarySet?: true
        default: false
        }
    }

    /// The decoded value.
    ///
    /// - Throws: ``CodexError/Code/outOfMemory``, ``CodexError/Code/corrupted``.
    func decoded(_ budget: inout DecodingBudget) throws(CodexError) -> AttributeValue {
        if isTopLevel {
            return try ValueCodec.decode(bytes.span, range.lowerBound, range.upperBound, &budget)
        }
        var position = range.lowerBound
        return try ValueCodec.nested(bytes.span, &position, depth: 0, &budget)
    }
}
